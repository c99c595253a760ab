"""Restrict each agency to its own rows, and allow the look-ups that lead to an agency."""

from django.db import migrations

from accounts.tenancy import row_level_security

TABLES = (
    *(
        "accounts_selleraccount",
        "accounts_apikey",
        "accounts_apikeyprefix",
        "accounts_idempotencyrecord",
        "accounts_auditentry",
    ),
    *("accounts_member", "accounts_invitation", "accounts_invitationdigest"),
)
# Django's tables of permissions, which the product does not use. The application's role may only read them, so
# that it cannot grant itself permissions.
UNUSED = (
    *("auth_group", "auth_permission", "auth_group_permissions", "django_content_type"),
    *("accounts_person_groups", "accounts_person_user_permissions"),
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("contenttypes", "0002_remove_content_type_name")]

    operations = [
        *(row_level_security.isolate(table) for table in TABLES),
        row_level_security.limit_to_accounts("accounts_selleraccount", column="id"),
        # Not forced, because functions of the owner read all agencies.
        row_level_security.isolate("accounts_agency", column="id", force=False),
        *(row_level_security.read_only(table) for table in ("django_migrations", *UNUSED)),
        # These policies show rows before the agency is known: by the prefix of a key, by the digest of an
        # invitation's token, and by the memberships of a person.
        row_level_security.show(
            "accounts_apikeyprefix",
            policy="prefix_lookup",
            where="prefix = nullif(current_setting('underone.key_prefix', true), '')",
        ),
        row_level_security.show(
            "accounts_invitationdigest",
            policy="digest_lookup",
            where="digest = decode(nullif(current_setting('underone.invitation', true), ''), 'hex')",
        ),
        row_level_security.show(
            "accounts_member",
            policy="person_lookup",
            where="person_id = nullif(current_setting('underone.person', true), '')::uuid",
        ),
        row_level_security.show(
            "accounts_agency",
            policy="agencies_of_person",
            where="id = ANY (nullif(current_setting('underone.agencies', true), '')::uuid[])",
        ),
        # Staff search for an agency by its name before they enter its tenant context.
        row_level_security.show(
            "accounts_agency", policy="staff_lookup", where="current_setting('underone.staff', true) = 'on'"
        ),
    ]
