"""Agencies see their own thresholds only; a version is never changed."""

from django.db import migrations

from accounts import wall
from metrics import past

TABLES = ("metrics_threshold", "metrics_followedthresholds")


class Migration(migrations.Migration):
    dependencies = [("metrics", "0008_thresholds"), ("accounts", "0002_wall")]

    operations = [
        *[wall.build(table) for table in TABLES],
        *[wall.belongs_to_account(table) for table in TABLES],
        *[past.never_changed(table) for table in TABLES],
    ]
