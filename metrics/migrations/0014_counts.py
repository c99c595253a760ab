"""Give every count a default, and the parts of the order defect rate an upper bound."""

from django.db import migrations, models

PARTS = ("negative_feedback_orders", "a_to_z_claim_orders", "chargeback_orders")


class Migration(migrations.Migration):
    dependencies = [("metrics", "0013_carried_counts")]

    operations = [
        *(
            migrations.AlterField(model, name, models.IntegerField(db_default=0))
            for model in ("dailycounts", "carriedcounts")
            for name in ("orders", "defective_orders", *PARTS)
        ),
        *(
            migrations.AddConstraint(
                "dailycounts",
                models.CheckConstraint(
                    condition=models.Q(**{f"{part}__lte": models.F("orders")}),
                    name=f"metrics_dailycounts_{part}_in_total",
                ),
            )
            for part in PARTS
        ),
    ]
