"""What the machine of breaches remembers between two judgements, and of what line an episode is."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0006_rules_of_every_metric"),
    ]

    operations = [
        migrations.AddField(
            model_name="breach",
            name="assignee",
            field=models.CharField(max_length=200, null=True),
        ),
        migrations.AddField(
            model_name="breach",
            name="escalated_from",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="escalations", to="metrics.breach"
            ),
        ),
        migrations.AddField(
            model_name="breach",
            name="limit_source",
            field=models.CharField(db_default="default", max_length=13),
        ),
        migrations.AddField(
            model_name="breach",
            name="resolved_because",
            field=models.CharField(
                blank=True,
                choices=[("kept", "Kept"), ("line_changed", "Line Changed"), ("line_removed", "Line Removed")],
                db_default="",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="breach",
            name="threshold_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="currentvalue",
            name="cleared_since",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="currentvalue",
            name="judged_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="currentvalue",
            name="kept_since",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="currentvalue",
            name="missed_since",
            field=models.DateField(null=True),
        ),
        migrations.AlterField(model_name="breach", name="limit_numerator", field=models.PositiveBigIntegerField()),
        migrations.AlterField(model_name="breach", name="limit_denominator", field=models.PositiveBigIntegerField()),
    ]
