"""Agencies see their own archives only."""

from django.db import migrations

from accounts import wall


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0007_exports")]

    operations = [wall.build("ingestion_export"), wall.belongs_to_account("ingestion_export")]
