"""Define the SQL that migrations run for every tenant table: row-level security and keys.

context.py sets `underone.agency` and `underone.accounts` for one transaction. Without an agency, no rows are
visible. Without accounts, the rows of all the agency's accounts are visible.

Policies have no sub-selects, because a distributed database refuses them. A comparison with `current_setting`
alone can also be an index condition, since the setting is the same for the whole statement.
"""

from django.db.migrations import RunSQL

# A reset setting is an empty string.
AGENCY = "nullif(current_setting('underone.agency', true), '')::uuid"
ALL_AGENCIES = "underone.all_agencies"
"""Name the setting of functions that read all agencies. Its value is the name of their job."""


def isolate(table: str, *, column: str = "agency_id", force: bool = True) -> RunSQL:
    """Show and accept only the rows of the transaction's agency. With `force`, also for the table's owner."""
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


def isolate_by_person(table: str) -> RunSQL:
    """Show and accept only the rows of the person that the transaction names in `underone.person`."""
    own = "person_id = nullif(current_setting('underone.person', true), '')::uuid"
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY person_isolation ON {table} USING ({own}) WITH CHECK ({own});
        """,
        f"""
        DROP POLICY person_isolation ON {table};
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
        """,
    )


def limit_to_accounts(table: str, *, column: str = "account_id", also: str = "false") -> RunSQL:
    """Show and accept only rows within the transaction's account limit, and rows for which `also` is true.

    The policy applies to every command: an UPDATE that reads no column would otherwise change hidden rows.
    """

    # The IDs are in sixteen lists by their last digit: a policy searches one of them as text, where an array
    # would be parsed again for every row. IDs have one length, so none is part of another.
    listed = (
        f"strpos(current_setting('underone.accounts_' || right({column}::text, 1), true), {column}::text) > 0"
    )
    # A CASE: the planner would take an OR for rarely true and choose the wrong index.
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
    """Allow all roles to read, and only the table's owner (migrations) to write.

    For rows that belong to all agencies.
    """

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
    """Show the rows for which `where` is true, in every tenant context."""
    return RunSQL(
        f"CREATE POLICY {policy} ON {table} FOR SELECT USING ({where});", f"DROP POLICY {policy} ON {table};"
    )


def show_to_job(table: str, *, job: str, command: str = "SELECT", where: str = "") -> RunSQL:
    """Allow the functions of a job to read (or, with another `command`, change) rows of all agencies.

    The policy applies to the table's owner only, and only the functions of that job set the job's name.
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
    """Make `(agency_id, id)` the primary key. Django continues to use `id`."""
    return RunSQL(
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD CONSTRAINT {table}_pkey PRIMARY KEY "
        "(agency_id, id);",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD CONSTRAINT {table}_pkey PRIMARY KEY (id);",
    )


def agency_key(table: str) -> RunSQL:
    """Add a foreign key to the agency."""
    return _foreign_key(table, "agency", "FOREIGN KEY (agency_id) REFERENCES accounts_agency (id)")


def person_key(table: str) -> RunSQL:
    """Add a foreign key to a person, who belongs to no agency. Deleting the person deletes the rows."""
    return _foreign_key(
        table, "person", "FOREIGN KEY (person_id) REFERENCES accounts_person (id) ON DELETE CASCADE"
    )


def account_key(table: str) -> RunSQL:
    """Add a foreign key to an account of the same agency. Erasing the account deletes the rows."""
    return foreign_key(table, "account_id", "accounts_selleraccount")


def foreign_key(table: str, column: str, target: str, *, on_delete: str = "CASCADE") -> RunSQL:
    """Add a foreign key from `column` to a row of `target` of the same agency.

    By default, deleting that row deletes the rows.
    """
    definition = (
        f"FOREIGN KEY (agency_id, {column}) REFERENCES {target} (agency_id, id) ON DELETE {on_delete}"
    )
    return _foreign_key(table, column.removesuffix("_id"), definition)


def count_encryption_keys(table: str) -> tuple[RunSQL, RunSQL]:
    """Create a function that returns only the number of rows encrypted with each key, over all agencies.

    Used by encryption/rotation.py.
    """

    # SECURITY DEFINER with a fixed search_path: a caller's schema could otherwise replace what is named here.
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
