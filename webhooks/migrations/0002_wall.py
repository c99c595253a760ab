"""Agencies see their own events only, and an event is never changed."""

from django.db import migrations

from accounts import wall


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_events"), ("accounts", "0002_wall")]

    operations = [
        wall.build("webhooks_event"),
        wall.belongs_to_account("webhooks_event"),
    ]
