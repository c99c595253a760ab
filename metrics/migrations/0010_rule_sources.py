"""Store the source, the last check, the minimum and the consequences of each of Amazon's rules."""

from django.db import migrations, models

# The next migration writes every rule.
DELETE_RULES = "DELETE FROM metrics_metricrule"


class Migration(migrations.Migration):
    dependencies = [("metrics", "0009_source_load_described_at")]

    operations = [
        migrations.RunSQL(DELETE_RULES, migrations.RunSQL.noop),
        migrations.RemoveField("metricrule", "source"),
        migrations.AddField("metricrule", "minimum_denominator", models.PositiveIntegerField(db_default=0)),
        migrations.AddField("metricrule", "tiers", models.JSONField(default=list, db_default=[])),
        migrations.AddField(
            "metricrule", "consequence", models.CharField(max_length=500, blank=True, db_default="")
        ),
        migrations.AddField(
            "metricrule", "limitation", models.CharField(max_length=600, blank=True, db_default="")
        ),
        migrations.AddField("metricrule", "source_title", models.CharField(max_length=200)),
        migrations.AddField("metricrule", "source_url", models.CharField(max_length=300)),
        migrations.AddField("metricrule", "checked_on", models.DateField()),
        migrations.AddField("metricrule", "verified", models.BooleanField(db_default=True)),
    ]
