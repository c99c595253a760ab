"""Add the ID of the installation that the storage of documents must have."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_installation"),
    ]

    operations = [
        migrations.CreateModel(
            name="DocumentStorage",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("installation", models.UUIDField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="accounts_documentstorage_one_row"
                    )
                ],
            },
        ),
    ]
