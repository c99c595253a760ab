"""The wall as the database itself describes it."""

import pytest
from django.db.utils import ProgrammingError

from tests.architecture.statements import rows, touched

UNUSED_RIGHTS = (
    *("auth_group", "auth_permission", "auth_group_permissions", "django_content_type"),
    *("accounts_person_groups", "accounts_person_user_permissions"),
)
BELONGS_TO_ALL = {
    "django_migrations": "which migrations ran",
    "metrics_metricrule": "Amazon's rules, the same for every agency",
    "accounts_person": (
        "people, who may be members of several agencies: found by their mailbox before anybody knows of which"
    ),
    "account_emailaddress": "their mailboxes as allauth keeps them, for the same",
    "account_emailconfirmation": "allauth's, unused and empty: nobody becomes a person but through a mailbox",
    "django_session": "sessions of people: looked up by their key before anybody knows whose they are",
    "django_admin_log": "Django's, unused and empty: what staff does is in the agency's own audit log",
    **dict.fromkeys(UNUSED_RIGHTS, "Django's own rights, unused: written by migrations alone"),
    "accounts_agency": (
        "the agencies themselves: an agency sees its own row, and the owner's function lists the ids"
    ),
}
NOT_LED_BY_THE_AGENCY = {
    "accounts_apikeyprefix_pkey": (
        "a directory: a key is looked up by its prefix before anybody knows whose it is"
    ),
    "accounts_invitationdigest_pkey": (
        "a directory: a token is looked up by its digest before anybody knows whose it is"
    ),
    "accounts_member_person_fk": "people belong to no agency, and may be members of several",
}
"""Unique indexes and foreign keys of tenant tables that a table distributed by the agency cannot have: of
small directories."""

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
TOLD_TO_OPERATORS = f"TABLE({', '.join(f'{name} double precision' for name in FIGURES)})"
SUMMED_UP = ("accounts_selleraccount", "ingestion_report", "webhooks_delivery", "webhooks_endpoint")
OF_NO_ACCOUNT = {
    "accounts_apikey": "asked for by admins, who see every account",
    "ingestion_export": "asked for by admins, who see every account",
    "accounts_apikeyprefix": "tells of which agency a key is, and nothing else",
    "accounts_invitationdigest": "tells of which agency an invitation is, and nothing else",
    "accounts_member": "asked for by admins, who see every account",
    "accounts_invitation": "asked for by admins, who see every account",
    "accounts_idempotencyrecord": "told to the very bearer that it was given to",
    "accounts_auditentry": "asked for by admins, who see every account",
    "webhooks_endpoint": "names several accounts: its views compare them with the bearer's",
    "webhooks_endpointsecret": "reached through an endpoint",
    "webhooks_delivery": "reached through its event and its endpoint; couriers look at nothing else",
    "webhooks_attempt": "reached through a delivery",
}
"""Tables of an agency that no limit to some accounts can be read from, and what keeps it."""
OTHER_POLICIES = {
    **{
        (table, "operational_figures_select", "SELECT"): "of the owner's one function alone, which tells sums"
        for table in SUMMED_UP
    },
    (
        "accounts_apikeyprefix",
        "prefix_lookup",
        "SELECT",
    ): "a key is recognised before anybody knows whose it is",
    ("accounts_member", "person_lookup", "SELECT"): "a person chooses among its agencies",
    ("accounts_agency", "agencies_of_person", "SELECT"): "a person chooses among its agencies, by name",
    (
        "accounts_invitationdigest",
        "digest_lookup",
        "SELECT",
    ): "a token is known before anybody knows whose it is",
    (
        "accounts_agency",
        "staff_lookup",
        "SELECT",
    ): "staff looks for an agency, by name; entering it is noted there",
    **{(table, "read_only", "SELECT"): "Django's own rights are nobody's to give" for table in UNUSED_RIGHTS},
    (
        "webhooks_delivery",
        "delivery_worker_select",
        "SELECT",
    ): "of the owner's two functions alone, which tell ids",
    (
        "webhooks_delivery",
        "delivery_worker_update",
        "UPDATE",
    ): "of the owner's two functions alone, which tell ids",
    (
        "accounts_idempotencyrecord",
        "encryption_keys_select",
        "SELECT",
    ): "of the owner's function alone, which counts by key",
    (
        "webhooks_endpointsecret",
        "encryption_keys_select",
        "SELECT",
    ): "of the owner's function alone, which counts by key",
    (
        "webhooks_endpoint",
        "delivery_worker_select",
        "SELECT",
    ): "of the owner's two functions alone, which tell ids",
    (
        "accounts_selleraccount",
        "delivery_worker_select",
        "SELECT",
    ): "of the owner's function alone, which tells ids",
    ("metrics_metricrule", "read_only", "SELECT"): "Amazon's rules are the same for all",
    ("django_migrations", "read_only", "SELECT"): "readiness compares them with the code",
}


def test_row_level_security_is_on_and_forced_for_every_table_of_an_agency(tables: list[str]) -> None:
    unguarded = rows(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND NOT (relrowsecurity AND "
        "relforcerowsecurity)",
        tables,
    )

    assert len(tables) >= 13
    assert unguarded == []


def test_every_table_belongs_to_an_agency_or_is_known_to_belong_to_all(tables: list[str]) -> None:
    every = rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'f') AND relnamespace = "
        "'public'::regnamespace"
    )
    elsewhere = rows(
        "SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE relkind IN ('r', 'p', 'f') AND nspname !~ '^pg_' AND nspname NOT IN ('public', "
        "'information_schema')"
    )

    assert sorted(every) == sorted([*tables, *BELONGS_TO_ALL])
    assert elsewhere == []


def test_an_agency_sees_itself_and_only_the_owner_sees_them_all(db: None) -> None:
    switches = rows(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'accounts_agency'"
    )

    assert switches == [(True, False)]


def test_one_policy_for_all_commands_shows_and_accepts_an_agency_s_rows_and_no_other_opens_the_wall(
    tables: list[str],
) -> None:
    policies = rows("SELECT tablename, policyname, cmd, permissive, roles, qual, with_check FROM pg_policies")
    whole = {
        table: (permissive, roles)
        for table, _, command, permissive, roles, shown, accepted in policies
        if command == "ALL" and shown == accepted and "underone.agency" in shown
    }

    assert whole == dict.fromkeys([*tables, "accounts_agency"], ("PERMISSIVE", ["public"]))
    opening = [policy[:3] for policy in policies if policy[2] != "ALL" and policy[3] == "PERMISSIVE"]
    assert sorted(opening) == sorted(OTHER_POLICIES)
    assert len([policy for policy in policies if policy[3] == "PERMISSIVE"]) == len(whole) + len(
        OTHER_POLICIES
    )


def test_every_table_that_names_an_account_is_limited_to_the_accounts_of_who_asks(tables: list[str]) -> None:
    limited = rows(
        "SELECT tablename, cmd, roles FROM pg_policies "
        "WHERE permissive = 'RESTRICTIVE' AND policyname = 'account_limit' "
        "AND qual ~ 'underone.accounts'"
    )

    assert {table: rest for table, *rest in limited} == {
        table: ["ALL", ["public"]] for table in tables if table not in OF_NO_ACCOUNT
    }
    assert rows("SELECT count(*) FROM pg_policies WHERE permissive = 'RESTRICTIVE'") == [len(limited)]


def test_a_view_looks_with_the_eyes_of_who_asks(db: None) -> None:
    views = rows(
        "SELECT relname, reloptions FROM pg_class WHERE relkind = 'v' AND relnamespace = "
        "'public'::regnamespace"
    )
    stored = rows("SELECT relname FROM pg_class WHERE relkind = 'm'")

    assert [name for name, options in views if "security_invoker=true" not in (options or ())] == []
    assert stored == []


def test_few_functions_run_with_the_owner_s_rights_tell_ids_or_sums_and_find_nothing_but_ours(
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
            ("deleted_accounts_and_closed_agencies", "SETOF uuid"),
            ("lease_deliveries", "TABLE(agency uuid, endpoint uuid, delivery uuid)"),
            ("next_delivery_at", "timestamp with time zone"),
            ("open_agency_ids", "SETOF uuid"),
            ("operational_figures", TOLD_TO_OPERATORS),
            ("origin_is_allowed", "boolean"),
            ("webhooks_endpointsecret_encryption_keys", "TABLE(key_id integer, row_count bigint)"),
        )
    ]


def test_the_owner_s_functions_read_no_temporary_table_that_is_called_like_ours(db: None) -> None:
    """Without `pg_temp` at the end of its path, a function looks there first."""
    later = "SELECT now() + interval '1 day' AS next_attempt_at, 'pending' AS state"
    touched(f"CREATE TEMPORARY TABLE webhooks_delivery ON COMMIT DROP AS {later}")
    touched(
        "CREATE TEMPORARY TABLE accounts_agency ON COMMIT DROP AS SELECT gen_random_uuid() AS id, now() AS "
        "closed_at"
    )
    touched("GRANT ALL ON webhooks_delivery, accounts_agency TO PUBLIC")

    assert rows("SELECT state FROM webhooks_delivery") == ["pending"]
    assert rows("SELECT next_delivery_at()") == [None]
    assert rows("SELECT open_agency_ids()") == rows("SELECT closed_agency_ids()") == []


@pytest.mark.parametrize("whose", ["delivery_worker%", "operational_figures%", "encryption_keys%"])
def test_what_opens_the_wall_to_jobs_of_all_opens_it_to_the_owner_alone(db: None, whose: str) -> None:
    policies = rows("SELECT roles, qual FROM pg_policies WHERE policyname LIKE %s", whose)
    (owner,) = rows("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'webhooks_delivery'")

    assert {tuple(roles) for roles, _ in policies} == {(owner,)}
    assert all("underone.all_agencies" in shown for _, shown in policies)


def test_every_unique_index_of_a_tenant_table_is_led_by_the_agency(tables: list[str]) -> None:
    others = rows(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum "
        "= indkey[0] "
        "WHERE indisunique AND attname <> 'agency_id' AND indrelid::regclass::text = ANY(%s)",
        tables,
    )

    assert sorted(others) == sorted(name for name in NOT_LED_BY_THE_AGENCY if name.endswith("_pkey"))


def test_every_tenant_table_has_a_primary_key(tables: list[str]) -> None:
    keyed = rows("SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'p'")

    assert set(tables) - set(keyed) == set()


def test_every_foreign_key_of_a_tenant_table_is_led_by_the_agency_on_both_sides(tables: list[str]) -> None:
    others = rows(
        "SELECT conname FROM pg_constraint "
        "JOIN pg_attribute AS ours ON ours.attrelid = conrelid AND ours.attnum = conkey[1] "
        "JOIN pg_attribute AS theirs ON theirs.attrelid = confrelid AND theirs.attnum = confkey[1] "
        "WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s) AND NOT (ours.attname = 'agency_id' "
        "AND (theirs.attname = 'agency_id' OR confrelid = 'accounts_agency'::regclass AND theirs.attname = "
        "'id'))",
        tables,
    )
    pointing = rows(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND confrelid::regclass::text = ANY(%s) "
        "AND NOT conrelid::regclass::text = ANY(%s)",
        tables,
        tables,
    )

    assert sorted(others) == sorted(name for name in NOT_LED_BY_THE_AGENCY if name.endswith("_fk"))
    assert pointing == []


def test_every_tenant_table_is_tied_to_an_agency_or_to_an_account_or_a_row_of_one(tables: list[str]) -> None:
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


def test_no_policy_has_a_sub_select(db: None) -> None:
    policies = rows("SELECT policyname, concat(qual, ' ', with_check) FROM pg_policies")

    assert len(policies) > 60
    assert [name for name, condition in policies if "select" in condition.lower()] == []


def test_no_function_sets_anything_but_by_a_literal(db: None) -> None:
    functions = rows("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")

    assert len(functions) > 12
    assert [name for name, source in functions if "set_config" in source.lower()] == []


def test_whatever_names_an_account_names_it_together_with_its_agency(tables: list[str]) -> None:
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


def test_the_application_s_role_has_no_powers(db: None) -> None:
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


def test_the_application_reads_and_writes_rows_and_no_more(db: None) -> None:
    """TRUNCATE passes by row-level security, REFERENCES tells whether a stranger's row exists, TRIGGER runs
    code."""

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
def test_the_application_cannot_take_the_wall_down(db: None, statement: str) -> None:
    (owner,) = rows("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'metrics_order'")

    with pytest.raises(
        ProgrammingError, match=r"permission denied|must be owner|only roles with|row-level security"
    ):
        touched(statement.format(owner=owner))
