"""Agencies see their own endpoints, secrets, deliveries and attempts only; what hangs on a thing goes with it."""

from django.db import migrations

from accounts.tenancy import row_level_security


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0003_endpoints_and_deliveries")]

    operations = [
        row_level_security.build("webhooks_endpoint"),
        row_level_security.build("webhooks_endpointsecret"),
        row_level_security.belongs_to("webhooks_endpointsecret", "endpoint_id", "webhooks_endpoint"),
        row_level_security.build("webhooks_delivery"),
        row_level_security.belongs_to("webhooks_delivery", "endpoint_id", "webhooks_endpoint"),
        row_level_security.belongs_to("webhooks_delivery", "event_id", "webhooks_event"),
        row_level_security.build("webhooks_attempt"),
        row_level_security.belongs_to("webhooks_attempt", "delivery_id", "webhooks_delivery"),
    ]
