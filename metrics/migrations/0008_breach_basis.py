"""Store on whose figure a breach stands."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("metrics", "0007_open_counts")]

    operations = [
        migrations.AddField(
            "breach",
            "basis",
            models.CharField(
                max_length=13,
                choices=[("own", "OWN"), ("amazon_report", "AMAZON_REPORT"), ("none", "NONE")],
                db_default="own",
            ),
        )
    ]
