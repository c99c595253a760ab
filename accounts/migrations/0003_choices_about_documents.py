"""What an agency chooses about the documents that it sends."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_wall")]

    operations = [
        migrations.AddField(
            "agency",
            "keeps_personal_columns",
            models.BooleanField(
                db_default=False,
                default=False,
                help_text="Keep documents as they were received. Without it names, addresses and comments in them are blanked.",
            ),
        ),
        migrations.AddField(
            "agency",
            "document_retention_days",
            models.PositiveSmallIntegerField(
                db_default=30,
                default=30,
                help_text="How long documents are kept after they were received. What they said of orders stays.",
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3650)],
            ),
        ),
        migrations.AddConstraint(
            "agency",
            models.CheckConstraint(
                condition=models.Q(document_retention_days__range=(1, 3650)),
                name="documents_are_kept_for_a_day_to_ten_years",
            ),
        ),
    ]
