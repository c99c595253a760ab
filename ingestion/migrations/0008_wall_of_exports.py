"""Agencies see their own archives only."""

from django.db import migrations

from accounts.tenancy import row_level_security


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0007_exports")]

    operations = [row_level_security.build("ingestion_export"), row_level_security.belongs_to_account("ingestion_export")]
