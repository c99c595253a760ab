"""Agencies see their own rows only."""

from django.db import migrations

from accounts.tenancy import row_level_security

TABLES = ("ingestion_report", "ingestion_rejectedrow")


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0001_initial"), ("accounts", "0002_wall")]

    operations = [
        *[row_level_security.build(table) for table in TABLES],
        *[row_level_security.belongs_to_account(table) for table in TABLES],
    ]
