"""Let an agency require a second factor of its members."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_former_passwords")]

    operations = [
        migrations.AddField(
            "agency",
            "requires_second_factor",
            models.BooleanField(
                default=False,
                db_default=False,
                help_text="Whether members without a second factor have no access. API keys are not affected.",
            ),
        ),
    ]
