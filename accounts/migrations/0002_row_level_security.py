"""Show an agency its own rows only; show each directory's row to whoever names it."""

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
UNUSED = (
    *("auth_group", "auth_permission", "auth_group_permissions", "django_content_type"),
    *("accounts_person_groups", "accounts_person_user_permissions"),
)
"""What Django keeps of rights beside ours: nobody but migrations writes there, so that nobody gives itself any."""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("contenttypes", "0002_remove_content_type_name")]

    operations = [
        *(row_level_security.isolate(table) for table in TABLES),
        row_level_security.limit_to_accounts("accounts_selleraccount", column="id"),
        # Not forced: the owner's functions read the agencies.
        row_level_security.isolate("accounts_agency", column="id", force=False),
        *(row_level_security.read_only(table) for table in ("django_migrations", *UNUSED)),
        # Before the agency is known: a key's prefix, an invitation's token and a person's memberships lead to it.
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
        # Staff looks for an agency by its name before it enters it.
        row_level_security.show(
            "accounts_agency", policy="staff_lookup", where="current_setting('underone.staff', true) = 'on'"
        ),
    ]
