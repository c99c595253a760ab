"""Count the rows of multi-channel orders of a report."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0003_operational_figures")]

    operations = [
        migrations.AddField("report", "rows_set_apart", models.IntegerField(default=0, db_default=0))
    ]
