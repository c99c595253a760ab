"""Store how the date of feedback can be read, until its order decides."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("metrics", "0005_order_by_id")]

    operations = [
        migrations.AddField("defect", "month_first_on", models.DateField(null=True)),
        migrations.AddField("defect", "day_first_on", models.DateField(null=True)),
        migrations.AddField(
            "defect", "date_order", models.CharField(max_length=11, default="", db_default="")
        ),
    ]
