"""Who acts for an agency, and who is invited to. Before the agency is known, a person sees its own memberships and their
agencies, and who has an invitation's token sees that invitation."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import api.identifiers
from accounts.tenancy import row_level_security

PERSON = "(SELECT nullif(current_setting('underone.person', true), '')::uuid)"
SHOWN = f"""
CREATE POLICY a_member_is_shown_to_its_person ON accounts_member FOR SELECT USING (person_id = {PERSON});
CREATE POLICY an_agency_is_shown_to_its_people ON accounts_agency FOR SELECT
    USING (id IN (SELECT agency_id FROM accounts_member WHERE person_id = {PERSON}));
CREATE POLICY an_invitation_is_shown_to_its_bearer ON accounts_invitation FOR SELECT
    USING (digest = (SELECT decode(nullif(current_setting('underone.invitation', true), ''), 'hex')));
"""
HIDDEN = """
DROP POLICY an_invitation_is_shown_to_its_bearer ON accounts_invitation;
DROP POLICY an_agency_is_shown_to_its_people ON accounts_agency;
DROP POLICY a_member_is_shown_to_its_person ON accounts_member;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_people")]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "role",
                    models.CharField(choices=[("admin", "Admin"), ("manager", "Manager"), ("viewer", "Viewer")], max_length=7),
                ),
                ("read_only", models.BooleanField(db_default=False, default=False)),
                ("accounts", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True, size=None)),
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254)),
                ("digest", models.BinaryField(max_length=32)),
                ("invited_by", models.CharField(max_length=250)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="invitations", to="accounts.agency"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "role",
                    models.CharField(choices=[("admin", "Admin"), ("manager", "Manager"), ("viewer", "Viewer")], max_length=7),
                ),
                ("read_only", models.BooleanField(db_default=False, default=False)),
                ("accounts", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True, size=None)),
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField()),
                (
                    "agency",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="members", to="accounts.agency"),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="accounts.person"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(models.F("agency"), models.F("id"), name="invitations_by_age"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(models.F("agency"), models.F("email"), name="a_mailbox_is_invited_once"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(models.F("digest"), name="a_token_opens_one_invitation"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("accounts", None), models.Q(("role", "admin"), _negated=True), _connector="OR"),
                name="who_is_invited_to_some_accounts_does_not_administer",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                name="an_invited_mailbox_is_in_small_letters",
            ),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(models.F("agency"), models.F("id"), name="members_by_age"),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(
                models.F("agency"), models.F("person"), name="a_person_is_a_member_of_an_agency_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(("accounts", None), models.Q(("role", "admin"), _negated=True), _connector="OR"),
                name="a_member_who_sees_some_accounts_does_not_administer",
            ),
        ),
        row_level_security.build("accounts_member"),
        row_level_security.build("accounts_invitation"),
        migrations.RunSQL(SHOWN, HIDDEN),
    ]
