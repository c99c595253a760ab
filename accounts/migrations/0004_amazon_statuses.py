"""The status that Amazon's reports give an account in each marketplace."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_choices_about_documents"),
    ]

    operations = [
        migrations.AddField(
            model_name="selleraccount",
            name="amazon_statuses",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
