"""Let an agency and a user choose the language of their notifications and e-mails."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_ignored_metrics")]

    operations = [
        migrations.AddField(
            "agency",
            "language",
            models.CharField(
                max_length=10,
                choices=settings.LANGUAGES,
                default="en",
                db_default="en",
                help_text="The language of notifications and e-mails about the agency: `en` or `zh-hans`.",
            ),
        ),
        migrations.AddField(
            "person",
            "language",
            models.CharField(
                max_length=10,
                choices=settings.LANGUAGES,
                default="en",
                db_default="en",
                help_text="The language of e-mails to the user: `en` or `zh-hans`.",
            ),
        ),
    ]
