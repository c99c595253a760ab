"""Row-level security and the keys of tenant tables: the SQL that migrations run for every table that belongs
to an agency.

The settings `underone.agency` and `underone.accounts` are set for one transaction by context.py. Where no
agency is set, no row is visible; where no accounts are set, the rows of all the agency's accounts are.

A policy has no sub-select: a distributed database refuses those. A comparison with `current_setting` alone is
an index condition as well, since the setting is the same for the whole statement.
"""

from django.db.migrations import RunSQL

AGENCY = "nullif(current_setting('underone.agency', true), '')::uuid"  # '' is what a reset leaves behind
ALL_AGENCIES = "underone.all_agencies"
"""What a function that looks at all agencies sets while it does, to the name of its job."""


def isolate(table: str, *, column: str = "agency_id", force: bool = True) -> RunSQL:
    """Show and accept only the rows of the transaction's agency; with `force` to the table's owner too."""
    forced = ", {} ROW LEVEL SECURITY" if force else ""
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY{forced.format("FORCE")};
        CREATE POLICY agency_isolation ON {table} USING ({column} = {AGENCY}) WITH CHECK ({column} = {AGENCY});
        """,
        f"""
        DROP POLICY agency_isolation ON {table};
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY{forced.format("NO FORCE")};
        """,
    )


def limit_to_accounts(table: str, *, column: str = "account_id", also: str = "false") -> RunSQL:
    """Show and accept only the rows of the accounts that the transaction is limited to, and those of which
    `also` holds.

    The policy is for every command: an UPDATE that reads no column would otherwise change rows that are not
    shown. The planner takes a CASE for an even chance, and an OR for a rare one, which would turn it to the
    wrong index. The ids are in sixteen lists by their last digit: the condition is computed for every row,
    and an array would be parsed for every row.
    """

    listed = (
        f"strpos(current_setting('underone.accounts_' || right({column}::text, 1), true), {column}::text) > 0"
    )
    return RunSQL(
        f"""
        CREATE POLICY account_limit ON {table} AS RESTRICTIVE
            USING (
                CASE WHEN current_setting('underone.accounts', true) <> '' THEN {listed} OR {also} ELSE true END
            );
        """,
        f"DROP POLICY account_limit ON {table};",
    )


def read_only(table: str) -> RunSQL:
    """Let everybody read, and nobody write but the table's owner (migrations): for rows that belong to all
    agencies."""

    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY read_only ON {table} FOR SELECT USING (true);
        """,
        f"""
        DROP POLICY read_only ON {table};
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
        """,
    )


def show(table: str, *, policy: str, where: str) -> RunSQL:
    """Show the rows of which `where` holds, whatever the agency of the transaction."""
    return RunSQL(
        f"CREATE POLICY {policy} ON {table} FOR SELECT USING ({where});", f"DROP POLICY {policy} ON {table};"
    )


def show_to_job(table: str, *, job: str, command: str = "SELECT", where: str = "") -> RunSQL:
    """Let a function of the table's owner that names this job read (or, with another command, change) the
    rows of all agencies.

    The policy is the owner's alone, and only the functions of that job set the name.
    """

    policy = f"{job}_{command.lower()}"
    condition = f"{where} AND " if where else ""
    return RunSQL(
        f"""
        CREATE POLICY {policy} ON {table} FOR {command} TO CURRENT_USER
            USING ({condition}current_setting('{ALL_AGENCIES}', true) = '{job}');
        """,
        f"DROP POLICY {policy} ON {table};",
    )


def primary_key(table: str) -> RunSQL:
    """Lead the primary key by the agency; `id` remains what Django calls the row."""
    return RunSQL(
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD CONSTRAINT {table}_pkey PRIMARY KEY "
        "(agency_id, id);",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD CONSTRAINT {table}_pkey PRIMARY KEY (id);",
    )


def agency_key(table: str) -> RunSQL:
    """Tie rows to an agency that exists."""
    return _foreign_key(table, "agency", "FOREIGN KEY (agency_id) REFERENCES accounts_agency (id)")


def person_key(table: str) -> RunSQL:
    """Tie rows to a person, who belongs to no agency; they go with the person."""
    return _foreign_key(
        table, "person", "FOREIGN KEY (person_id) REFERENCES accounts_person (id) ON DELETE CASCADE"
    )


def account_key(table: str) -> RunSQL:
    """Tie rows to an account of the same agency; they go when the account is erased."""
    return foreign_key(table, "account_id", "accounts_selleraccount")


def foreign_key(table: str, column: str, target: str, *, on_delete: str = "CASCADE") -> RunSQL:
    """Tie rows to a row of `target` of the same agency, which `column` names; by default they go with it."""
    definition = (
        f"FOREIGN KEY (agency_id, {column}) REFERENCES {target} (agency_id, id) ON DELETE {on_delete}"
    )
    return _foreign_key(table, column.removesuffix("_id"), definition)


def count_encryption_keys(table: str) -> tuple[RunSQL, RunSQL]:
    """Count how many rows of the table each key encrypted (encryption/rotation.py), over all agencies, and
    tell no more."""

    function = f"{table}_encryption_keys"
    return (
        show_to_job(table, job="encryption_keys"),
        RunSQL(
            f"""
            CREATE FUNCTION {function}() RETURNS TABLE (key_id integer, row_count bigint)
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
            BEGIN
                SET LOCAL {ALL_AGENCIES} = 'encryption_keys';
                RETURN QUERY SELECT one.key_id, count(*) FROM {table} AS one GROUP BY one.key_id;
                SET LOCAL {ALL_AGENCIES} = '';
            END
            $$;
            """,
            f"DROP FUNCTION {function}();",
        ),
    )


def _foreign_key(table: str, name: str, definition: str) -> RunSQL:
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{name}_fk {definition};",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_{name}_fk;",
    )
