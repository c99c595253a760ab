"""Store how long data is kept, and from which day on an account's data is complete."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_document_storage")]

    operations = [
        migrations.AddField(
            "agency",
            "data_retention_months",
            models.PositiveSmallIntegerField(
                null=True,
                blank=True,
                validators=[
                    django.core.validators.MinValueValidator(12),
                    django.core.validators.MaxValueValidator(120),
                ],
                help_text="For how many months the data of uploaded and posted reports is stored.",
            ),
        ),
        migrations.AddConstraint(
            "agency",
            models.CheckConstraint(
                condition=models.Q(data_retention_months=None)
                | models.Q(data_retention_months__range=(12, 120)),
                name="accounts_agency_data_retention_range",
            ),
        ),
        migrations.AddField("selleraccount", "sp_api_data_from", models.DateField(null=True)),
        migrations.AddField("selleraccount", "own_data_from", models.DateField(null=True)),
    ]
