"""Who is limited to some accounts sees the documents of those."""

from django.db import migrations

from accounts.tenancy import row_level_security


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0004_period_of_a_report"), ("accounts", "0008_what_a_bearer_sees_and_from_where")]

    operations = [row_level_security.limit_to_accounts(table) for table in ("ingestion_report", "ingestion_rejectedrow")]
