"""Count what reports leave open: cancellers, carrier scans and deliveries."""

from django.db import migrations, models

COUNTS = (
    "uncounted_cancelled_orders",
    "unknown_scan_packages",
    "unknown_delivery_packages",
    "unknown_delivery_units",
)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0006_feedback_dates")]

    operations = [
        *(migrations.AddField("dailycounts", name, models.IntegerField(db_default=0)) for name in COUNTS),
        migrations.AlterField(
            "currentvalue",
            "status",
            models.CharField(
                max_length=10,
                choices=[
                    ("breached", "BREACHED"),
                    ("at_risk", "AT_RISK"),
                    ("undecided", "UNDECIDED"),
                    ("healthy", "HEALTHY"),
                    ("no_data", "NO_DATA"),
                ],
            ),
        ),
    ]
