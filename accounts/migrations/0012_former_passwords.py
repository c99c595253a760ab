"""Remember the digests of a user's last passwords. They are visible to transactions that name the user."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.tenancy import row_level_security

TABLE = "accounts_formerpassword"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_audit_retention")]

    operations = [
        migrations.CreateModel(
            name="FormerPassword",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=128)),
                ("created_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"indexes": [models.Index("person", name="former_password_by_person")]},
        ),
        row_level_security.person_key(TABLE),
        row_level_security.isolate_by_person(TABLE),
    ]
