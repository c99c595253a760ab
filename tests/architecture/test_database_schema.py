"""Test policies, constraints, functions and rights in the database catalogue."""

import pytest
from django.db.utils import ProgrammingError

from tests.architecture.statements import count_touched, rows

UNUSED_RIGHTS = (
    *("auth_group", "auth_permission", "auth_group_permissions", "django_content_type"),
    *("accounts_person_groups", "accounts_person_user_permissions"),
)
SHARED_TABLES = {
    "django_migrations": "which migrations ran",
    "metrics_metricrule": "Amazon's rules, the same for every agency",
    "accounts_encryptionkey": "fingerprints of the installation's keys, compared at the start of every process",
    "accounts_backup": "when the installation was backed up, for operators",
    "ingestion_loadingturn": "the agency whose report was leased last: read by one function of the owner",
    "accounts_person": (
        "users, who may be members of several agencies: looked up by e-mail address before the agency is known"
    ),
    "accounts_formerpassword": "digests of a user's last passwords: visible to transactions that name the user",
    "account_emailaddress": "e-mail addresses of users, stored by allauth",
    "mfa_authenticator": "second factors of users, stored by allauth: asked for before the user is signed in; encrypted",
    "account_emailconfirmation": "allauth's, unused and empty: users are created with a verified address",
    "django_session": "sessions of users: visible to transactions that name the digest of a session's key",
    "django_admin_log": "Django's, unused and empty: actions of staff are in the agency's audit log",
    "accounts_mailallowance": (
        "how many mails a mailbox got, by a digest: two functions of the owner read and write it"
    ),
    **dict.fromkeys(UNUSED_RIGHTS, "Django's own rights, unused: written by migrations alone"),
    "accounts_documentstorage": "the ID of the installation, which the storage of documents must have",
    "webhooks_workerslot": "leases of running delivery workers, which serve all agencies",
    "accounts_agency": ("agencies: an agency sees its own row, and the owner's function lists the IDs"),
}
WITHOUT_AGENCY_PREFIX = {
    "accounts_apikeyprefix_pkey": ("a lookup table: a key is found by its prefix before its agency is known"),
    "accounts_invitationdigest_pkey": (
        "a lookup table: a token is found by its digest before its agency is known"
    ),
    "accounts_member_person_fk": "users belong to no agency and may be members of several",
}
"""Unique indexes and foreign keys of tenant tables that do not begin with the agency. They belong to small lookup
tables."""

FIGURES = (
    *(
        "reports_queued",
        "reports_processing",
        "queued_report_age",
        "deliveries_pending",
        "deliveries_due",
        "due_delivery_age",
    ),
    *(
        "endpoints_failing",
        "endpoints_disabled",
        "accounts",
        "accounts_stale",
        "breaches_open",
        "warnings_open",
    ),
)
FIGURES_RESULT = f"TABLE({', '.join(f'{name} double precision' for name in FIGURES)})"
COUNTED_TABLES = ("accounts_selleraccount", "ingestion_report", "webhooks_delivery", "webhooks_endpoint")
WITHOUT_ACCOUNT_LIMIT = {
    "accounts_apikey": "read by admins, who have access to all accounts",
    "ingestion_export": "read by admins, who have access to all accounts",
    "accounts_apikeyprefix": "shows the agency of a key, and nothing else",
    "accounts_invitationdigest": "shows the agency of an invitation, and nothing else",
    "accounts_member": "read by admins, who have access to all accounts",
    "accounts_invitation": "read by admins, who have access to all accounts",
    "accounts_idempotencyrecord": "replayed to the same principal only",
    "accounts_auditentry": "read by admins, who have access to all accounts",
    "webhooks_endpoint": "lists several accounts: its views compare them with the principal's",
    "webhooks_endpointsecret": "reached through an endpoint",
    "webhooks_delivery": "reached through its event and its endpoint; delivery workers read nothing else",
    "webhooks_attempt": "reached through a delivery",
}
"""Tenant tables without an account limit, and what limits access to them."""
OTHER_POLICIES = {
    **{
        (
            table,
            "operational_figures_select",
            "SELECT",
        ): "used by one function of the owner, which returns sums"
        for table in COUNTED_TABLES
    },
    (
        "accounts_apikeyprefix",
        "prefix_lookup",
        "SELECT",
    ): "a key is authenticated before its agency is known",
    (
        "accounts_formerpassword",
        "person_isolation",
        "ALL",
    ): "the passwords of a user, for the user's own requests",
    ("django_session", "session_by_digest", "ALL"): "a session, for requests that carry its key",
    ("accounts_member", "person_lookup", "SELECT"): "users choose among their agencies",
    ("accounts_agency", "agencies_of_person", "SELECT"): "users choose among their agencies, by name",
    (
        "accounts_invitationdigest",
        "digest_lookup",
        "SELECT",
    ): "a token is found before its agency is known",
    (
        "accounts_agency",
        "staff_lookup",
        "SELECT",
    ): "staff search agencies by name; the audit log records when staff open one",
    **{(table, "read_only", "SELECT"): "Django's own permissions are unused" for table in UNUSED_RIGHTS},
    **{
        (table, f"loading_{command.lower()}", command): "used by two functions of the owner, which return IDs"
        for table, command in (
            ("ingestion_report", "SELECT"),
            ("ingestion_report", "UPDATE"),
            ("accounts_selleraccount", "SELECT"),
        )
    },
    (
        "webhooks_delivery",
        "delivery_worker_select",
        "SELECT",
    ): "used by two functions of the owner, which return IDs",
    (
        "webhooks_delivery",
        "delivery_worker_update",
        "UPDATE",
    ): "used by two functions of the owner, which return IDs",
    (
        "accounts_idempotencyrecord",
        "encryption_keys_select",
        "SELECT",
    ): "used by one function of the owner, which counts by key",
    (
        "webhooks_endpointsecret",
        "encryption_keys_select",
        "SELECT",
    ): "used by one function of the owner, which counts by key",
    (
        "webhooks_endpoint",
        "delivery_worker_select",
        "SELECT",
    ): "used by two functions of the owner, which return IDs",
    (
        "accounts_selleraccount",
        "delivery_worker_select",
        "SELECT",
    ): "used by one function of the owner, which returns IDs",
    ("metrics_metricrule", "read_only", "SELECT"): "Amazon's rules are the same for all",
    ("django_migrations", "read_only", "SELECT"): "readiness compares them with the code",
}


def test_row_level_security_is_forced_for_tenant_tables(tables: list[str]) -> None:
    unguarded = rows(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND NOT (relrowsecurity AND "
        "relforcerowsecurity)",
        tables,
    )

    assert len(tables) >= 13
    assert unguarded == []


def test_tables_are_tenant_or_known_shared(tables: list[str]) -> None:
    every = rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'f') AND relnamespace = "
        "'public'::regnamespace"
    )
    elsewhere = rows(
        "SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE relkind IN ('r', 'p', 'f') AND nspname !~ '^pg_' AND nspname NOT IN ('public', "
        "'information_schema')"
    )

    assert sorted(every) == sorted([*tables, *SHARED_TABLES])
    assert elsewhere == []


def test_agencies_table_has_unforced_row_level_security(db: None) -> None:
    switches = rows(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'accounts_agency'"
    )

    assert switches == [(True, False)]


def test_policies_are_agency_isolation_and_listed_exceptions(
    tables: list[str],
) -> None:
    policies = rows("SELECT tablename, policyname, cmd, permissive, roles, qual, with_check FROM pg_policies")
    whole = {
        table: (permissive, roles)
        for table, _, command, permissive, roles, shown, accepted in policies
        if command == "ALL" and shown == accepted and "underone.agency" in shown
    }

    assert whole == dict.fromkeys([*tables, "accounts_agency"], ("PERMISSIVE", ["public"]))
    opening = [policy[:3] for policy in policies if policy[0] not in whole or policy[2] != "ALL"]
    opening = [policy for policy in opening if policy[1] != "account_limit"]
    assert sorted(opening) == sorted(OTHER_POLICIES)
    assert len([policy for policy in policies if policy[3] == "PERMISSIVE"]) == len(whole) + len(
        OTHER_POLICIES
    )


def test_tables_with_account_have_account_limit_policy(tables: list[str]) -> None:
    limited = rows(
        "SELECT tablename, cmd, roles FROM pg_policies "
        "WHERE permissive = 'RESTRICTIVE' AND policyname = 'account_limit' "
        "AND qual ~ 'underone.accounts'"
    )

    assert {table: rest for table, *rest in limited} == {
        table: ["ALL", ["public"]] for table in tables if table not in WITHOUT_ACCOUNT_LIMIT
    }
    assert rows("SELECT count(*) FROM pg_policies WHERE permissive = 'RESTRICTIVE'") == [len(limited)]


def test_views_run_as_invoker(db: None) -> None:
    views = rows(
        "SELECT relname, reloptions FROM pg_class WHERE relkind = 'v' AND relnamespace = "
        "'public'::regnamespace"
    )
    stored = rows("SELECT relname FROM pg_class WHERE relkind = 'm'")

    assert [name for name, options in views if "security_invoker=true" not in (options or ())] == []
    assert stored == []


def test_security_definer_functions_are_listed_with_search_path(
    db: None,
) -> None:
    functions = rows(
        "SELECT proname, proconfig[1], pg_get_function_result(oid) FROM pg_proc "
        "WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY proname"
    )

    assert functions == [
        (name, "search_path=pg_catalog, public, pg_temp", result)
        for name, result in (
            ("accounts_idempotencyrecord_encryption_keys", "TABLE(key_id integer, row_count bigint)"),
            ("closed_agency_ids", "SETOF uuid"),
            ("delete_expired_sessions", "bigint"),
            ("deleted_accounts_and_closed_agencies", "SETOF uuid"),
            ("lease_deliveries", "TABLE(agency uuid, endpoint uuid, delivery uuid)"),
            ("lease_report", "TABLE(agency uuid, report uuid, attempt integer, held interval)"),
            ("next_delivery_at", "timestamp with time zone"),
            ("open_agency_ids", "SETOF uuid"),
            ("operational_figures", FIGURES_RESULT),
            ("origin_is_allowed", "boolean"),
            ("refuse_mail", "void"),
            ("report_is_waiting", "boolean"),
            ("reserve_mail", "timestamp with time zone"),
            ("webhooks_endpointsecret_encryption_keys", "TABLE(key_id integer, row_count bigint)"),
        )
    ]


def test_security_definer_functions_ignore_temporary_tables(db: None) -> None:
    """Without `pg_temp` at the end of its path, a function looks there first."""
    later = "SELECT now() + interval '1 day' AS next_attempt_at, 'pending' AS state"
    count_touched(f"CREATE TEMPORARY TABLE webhooks_delivery ON COMMIT DROP AS {later}")
    count_touched(
        "CREATE TEMPORARY TABLE accounts_agency ON COMMIT DROP AS SELECT gen_random_uuid() AS id, now() AS "
        "closed_at"
    )
    count_touched("GRANT ALL ON webhooks_delivery, accounts_agency TO PUBLIC")

    assert rows("SELECT state FROM webhooks_delivery") == ["pending"]
    assert rows("SELECT next_delivery_at()") == [None]
    assert rows("SELECT open_agency_ids()") == rows("SELECT closed_agency_ids()") == []


@pytest.mark.parametrize(
    "whose", ["delivery_worker%", "loading%", "operational_figures%", "encryption_keys%"]
)
def test_policies_for_jobs_apply_to_owner_alone(db: None, whose: str) -> None:
    policies = rows("SELECT roles, qual FROM pg_policies WHERE policyname LIKE %s", whose)
    (owner,) = rows("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'webhooks_delivery'")

    assert {tuple(roles) for roles, _ in policies} == {(owner,)}
    assert all("underone.all_agencies" in shown for _, shown in policies)


def test_unique_indexes_of_tenant_tables_begin_with_agency(tables: list[str]) -> None:
    others = rows(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum "
        "= indkey[0] "
        "WHERE indisunique AND attname <> 'agency_id' AND indrelid::regclass::text = ANY(%s)",
        tables,
    )

    assert sorted(others) == sorted(name for name in WITHOUT_AGENCY_PREFIX if name.endswith("_pkey"))


def test_tenant_tables_have_primary_keys(tables: list[str]) -> None:
    keyed = rows("SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'p'")

    assert set(tables) - set(keyed) == set()


def test_foreign_keys_of_tenant_tables_begin_with_agency_on_both_sides(tables: list[str]) -> None:
    others = rows(
        "SELECT conname FROM pg_constraint "
        "JOIN pg_attribute AS referencing ON referencing.attrelid = conrelid AND referencing.attnum = conkey[1] "
        "JOIN pg_attribute AS referenced ON referenced.attrelid = confrelid AND referenced.attnum = confkey[1] "
        "WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s) AND NOT (referencing.attname = 'agency_id' "
        "AND (referenced.attname = 'agency_id' OR confrelid = 'accounts_agency'::regclass AND referenced.attname = "
        "'id'))",
        tables,
    )
    pointing = rows(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND confrelid::regclass::text = ANY(%s) "
        "AND NOT conrelid::regclass::text = ANY(%s)",
        tables,
        tables,
    )

    assert sorted(others) == sorted(name for name in WITHOUT_AGENCY_PREFIX if name.endswith("_fk"))
    assert pointing == []


def test_tenant_tables_have_validated_foreign_keys(tables: list[str]) -> None:
    tied = rows(
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND convalidated AND NOT "
        "condeferrable"
    )

    assert set(tables) - set(tied) == set()


def test_constraints_of_tenant_tables_are_named_for_their_table(tables: list[str]) -> None:
    others = rows(
        "SELECT conname FROM pg_constraint WHERE conrelid::regclass::text = ANY(%s) AND contype <> 'n' "
        "AND NOT starts_with(conname, conrelid::regclass::text || '_')",
        tables,
    )

    assert [name for name in others if not name.endswith("_check")] == []


def test_policies_have_no_sub_select(db: None) -> None:
    policies = rows("SELECT policyname, concat(qual, ' ', with_check) FROM pg_policies")

    assert len(policies) > 60
    assert [name for name, condition in policies if "select" in condition.lower()] == []


def test_functions_call_no_set_config(db: None) -> None:
    functions = rows("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")

    assert len(functions) > 12
    assert [name for name, source in functions if "set_config" in source.lower()] == []


def test_account_columns_reference_account_with_agency(tables: list[str]) -> None:
    naming = rows(
        "SELECT attrelid::regclass::text FROM pg_attribute WHERE attname = 'account_id' AND attrelid > 16384"
    )
    tied = rows(
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' "
        "AND confrelid = 'accounts_selleraccount'::regclass AND convalidated AND NOT condeferrable "
        "AND pg_get_constraintdef(oid) LIKE "
        "'FOREIGN KEY (agency_id, account_id) REFERENCES accounts_selleraccount(agency_id, id) ON DELETE "
        "CASCADE'"
    )

    assert set(tied) == {name for name in naming if name in tables}


def test_application_role_has_no_powers(db: None) -> None:
    powers = rows(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE "
        "rolname = current_user"
    )
    belongs_to = rows(
        "SELECT roleid::regrole::text FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = member WHERE "
        "rolname = current_user"
    )
    owned = rows(
        "SELECT relname::text FROM pg_class WHERE pg_get_userbyid(relowner) = current_user "
        "UNION ALL SELECT nspname FROM pg_namespace WHERE pg_get_userbyid(nspowner) = current_user "
        "AND nspname !~ '^pg_(toast_)?temp_' "
        "UNION ALL SELECT proname FROM pg_proc WHERE pg_get_userbyid(proowner) = current_user "
        "UNION ALL SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user"
    )

    assert powers == [(False, False, False, False, False)]
    assert (belongs_to, owned) == ([], [])


def test_application_role_only_reads_and_writes_rows(db: None) -> None:
    """TRUNCATE bypasses row-level security, REFERENCES reveals rows of other agencies, TRIGGER runs code."""

    more = rows(
        "SELECT relname, privilege FROM pg_class, unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) AS "
        "privilege "
        "WHERE relkind IN ('r', 'p', 'v') AND relnamespace = 'public'::regnamespace "
        "AND has_table_privilege(current_user, pg_class.oid, privilege)"
    )
    (may_create,) = rows("SELECT has_schema_privilege(current_user, 'public', 'CREATE')")

    assert (more, may_create) == ([], False)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE metrics_order",
        "ALTER TABLE metrics_order DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE metrics_order NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE metrics_dailycounts DISABLE TRIGGER ALL",
        "DROP POLICY agency_isolation ON metrics_order",
        "CREATE POLICY everybody ON metrics_order USING (true)",
        "CREATE TABLE public.copy (LIKE metrics_order)",
        "CREATE VIEW public.everything AS SELECT * FROM metrics_order",
        "CREATE FUNCTION public.open_agency_ids(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION open_agency_ids() RETURNS SETOF uuid LANGUAGE sql AS 'SELECT "
        "gen_random_uuid()'",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "SET SESSION AUTHORIZATION DEFAULT; SET ROLE {owner}",
        "SET session_replication_role = replica",
        "SET LOCAL row_security = off; SELECT * FROM metrics_order",
        "COPY metrics_order TO PROGRAM 'cat'",
        "COPY metrics_order TO '/tmp/orders'",
    ],
)
def test_application_role_cannot_disable_row_level_security(db: None, statement: str) -> None:
    (owner,) = rows("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'metrics_order'")

    with pytest.raises(
        ProgrammingError, match=r"permission denied|must be owner|only roles with|row-level security"
    ):
        count_touched(statement.format(owner=owner))
