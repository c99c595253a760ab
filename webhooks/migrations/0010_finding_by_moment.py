"""Events since a moment are found, and so are deliveries whose days are over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0004_wall_of_endpoints_and_deliveries"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(models.F("agency"), models.F("occurred_at"), name="events_by_moment"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                models.F("agency"),
                models.F("occurred_at"),
                condition=models.Q(("is_test", True)),
                name="events_that_are_tests",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("agency"),
                models.F("finished_at"),
                condition=models.Q(("state", "pending"), _negated=True),
                name="deliveries_that_are_over",
            ),
        ),
    ]
