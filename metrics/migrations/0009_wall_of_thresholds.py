"""Agencies see their own thresholds only; a version is never changed."""

from django.db import migrations

from accounts.tenancy import row_level_security
from metrics import past

TABLES = ("metrics_threshold", "metrics_followedthresholds")


class Migration(migrations.Migration):
    dependencies = [("metrics", "0008_thresholds"), ("accounts", "0002_wall")]

    operations = [
        *[row_level_security.build(table) for table in TABLES],
        *[row_level_security.belongs_to_account(table) for table in TABLES],
        *[past.never_changed(table) for table in TABLES],
    ]
