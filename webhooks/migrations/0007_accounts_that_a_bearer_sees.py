"""Who is limited to some accounts sees the events of those, and tests, which tell of none."""

from django.db import migrations

from accounts.tenancy import row_level_security


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0006_finding_by_moment"), ("accounts", "0008_what_a_bearer_sees_and_from_where")]

    operations = [row_level_security.limit_to_accounts("webhooks_event", also="is_test")]
