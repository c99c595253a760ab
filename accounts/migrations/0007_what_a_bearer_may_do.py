"""What keys may do: roles, limits to reading and to some accounts, an end; and tokens that are made with them."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_audit_log"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="accounts",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True, size=None),
        ),
        migrations.AddField(
            model_name="apikey",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="apikey",
            name="kind",
            field=models.CharField(choices=[("key", "Key"), ("token", "Token")], db_default="key", default="key", max_length=5),
        ),
        migrations.AddField(
            model_name="apikey",
            name="parent",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="accounts.apikey"
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="read_only",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="apikey",
            name="replaces",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="accounts.apikey"
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="role",
            field=models.CharField(
                choices=[("admin", "Admin"), ("manager", "Manager"), ("viewer", "Viewer")],
                db_default="admin",
                default="admin",
                max_length=7,
            ),
        ),
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(models.F("agency"), models.F("id"), name="keys_by_age"),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("accounts", None), models.Q(("role", "admin"), _negated=True), _connector="OR"),
                name="who_sees_some_accounts_does_not_administer",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "key"), ("parent", None)),
                    models.Q(
                        ("expires_at__isnull", False),
                        ("kind", "token"),
                        ("parent__isnull", False),
                        ("read_only", True),
                        ("role", "viewer"),
                    ),
                    _connector="OR",
                ),
                name="a_token_reads_for_a_while_by_the_grace_of_a_key",
            ),
        ),
    ]
