"""Who did what: written once, never changed, and never taken out."""

import django.db.models.deletion
from django.db import migrations, models

import api.identifiers
from accounts.tenancy import row_level_security

WHAT_WAS_NOTED_STAYS = """
CREATE FUNCTION what_was_noted_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was noted is never changed: note something else';
END $$;
CREATE TRIGGER what_was_noted_stays BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION what_was_noted_stays();
"""
TAKEN_BACK = """
DROP TRIGGER what_was_noted_stays ON accounts_auditentry;
DROP FUNCTION what_was_noted_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_standing_of_an_account")]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("who", models.CharField(max_length=250)),
                ("what", models.CharField(max_length=60)),
                ("about", models.CharField(max_length=60)),
                ("detail", models.JSONField()),
                (
                    "agency",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(models.F("agency"), models.F("id"), name="audit_log_by_age"),
                    models.Index(models.F("agency"), models.F("about"), models.F("id"), name="audit_log_of_a_thing"),
                ],
            },
        ),
        row_level_security.build("accounts_auditentry"),
        migrations.RunSQL(WHAT_WAS_NOTED_STAYS, TAKEN_BACK),
    ]
