"""Agencies see what their own people did only; what somebody did is never changed."""

from django.db import migrations

from accounts.tenancy import row_level_security
from metrics import past


class Migration(migrations.Migration):
    dependencies = [("metrics", "0010_what_people_did_about_a_breach"), ("accounts", "0002_wall")]

    operations = [
        row_level_security.build("metrics_breachaction"),
        row_level_security.belongs_to_account("metrics_breachaction"),
        past.never_changed("metrics_breachaction"),
    ]
