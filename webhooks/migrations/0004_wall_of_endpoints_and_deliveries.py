"""Agencies see their own endpoints, secrets, deliveries and attempts only; what hangs on a thing goes with it."""

from django.db import migrations

from accounts import wall


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0003_endpoints_and_deliveries")]

    operations = [
        wall.build("webhooks_endpoint"),
        wall.build("webhooks_endpointsecret"),
        wall.belongs_to("webhooks_endpointsecret", "endpoint_id", "webhooks_endpoint"),
        wall.build("webhooks_delivery"),
        wall.belongs_to("webhooks_delivery", "endpoint_id", "webhooks_endpoint"),
        wall.belongs_to("webhooks_delivery", "event_id", "webhooks_event"),
        wall.build("webhooks_attempt"),
        wall.belongs_to("webhooks_attempt", "delivery_id", "webhooks_delivery"),
    ]
