"""Restrict each agency to its own events, endpoints and deliveries."""

from django.db import migrations

from accounts.tenancy import row_level_security

TABLES = (
    *(
        "webhooks_event",
        "webhooks_endpoint",
        "webhooks_endpointsecret",
        "webhooks_delivery",
        "webhooks_attempt",
    ),
)


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("accounts", "0002_row_level_security")]

    operations = [
        *(row_level_security.isolate(table) for table in TABLES),
        row_level_security.limit_to_accounts("webhooks_event", also="is_test"),
    ]
