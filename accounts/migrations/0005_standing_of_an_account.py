"""How far the worst series of an account is from its limit, what it broke, since when it is silent; and every order of a list."""

import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_amazon_statuses"),
    ]

    operations = [
        migrations.AddField(
            model_name="selleraccount",
            name="distance",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="selleraccount",
            name="open_breaches",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="selleraccount",
            name="open_warnings",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="selleraccount",
            name="stale_from",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="selleraccount",
            name="worst_series",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="selleraccount",
            name="ordered_distance",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.functions.comparison.Coalesce("distance", models.Value(float("inf"))),
                output_field=models.FloatField(),
            ),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index(models.F("agency"), models.F("name"), models.F("id"), name="accounts_by_name"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index(models.F("agency"), models.F("created_at"), models.F("id"), name="accounts_by_age"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index(models.F("agency"), models.F("ordered_distance"), models.F("id"), name="accounts_by_distance"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index(models.F("agency"), models.F("open_breaches"), models.F("id"), name="accounts_by_open_breaches"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index(models.F("agency"), models.F("stale_from"), models.F("id"), name="accounts_by_staleness"),
        ),
        migrations.AddConstraint(
            model_name="selleraccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("distance", None), ("distance__lte", 1), _connector="OR"), name="spotless_is_farthest"
            ),
        ),
    ]
