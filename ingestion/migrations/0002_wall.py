"""Agencies see their own rows only."""

from django.db import migrations

from accounts import wall

TABLES = ("ingestion_report", "ingestion_rejectedrow")


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0001_initial"), ("accounts", "0002_wall")]

    operations = [
        *[wall.build(table) for table in TABLES],
        *[wall.belongs_to_account(table) for table in TABLES],
    ]
