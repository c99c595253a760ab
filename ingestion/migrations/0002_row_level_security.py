"""Restrict each agency to its own reports, rejected rows and exports."""

from django.db import migrations

from accounts.tenancy import row_level_security


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0001_initial"), ("accounts", "0002_row_level_security")]

    operations = [
        *(
            row_level_security.isolate(table)
            for table in ("ingestion_report", "ingestion_rejectedrow", "ingestion_export")
        ),
        *(
            row_level_security.limit_to_accounts(table)
            for table in ("ingestion_report", "ingestion_rejectedrow")
        ),
    ]
