"""The tenant wall in the database: the SQL that migrations run for every table that belongs to an agency.

The settings `underone.agency` and `underone.accounts` are set for one transaction by context.py. Where no agency is set,
no row is visible; where no accounts are set, those of all the agency's accounts are.
"""

from django.db.migrations import RunSQL

AGENCY = "(SELECT nullif(current_setting('underone.agency', true), '')::uuid)"  # '' is what a reset leaves behind
ACCOUNTS = "(SELECT nullif(current_setting('underone.accounts', true), '')::uuid[])"


def build(table: str, *, column: str = "agency_id") -> RunSQL:
    """Show and accept only the rows of the transaction's agency, to the table's owner too."""
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY an_agency_sees_its_own ON {table}
            USING ({column} = {AGENCY}) WITH CHECK ({column} = {AGENCY});
        """,
        f"""
        DROP POLICY an_agency_sees_its_own ON {table};
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
        """,
    )


def limit_to_accounts(table: str, *, column: str = "account_id", also: str = "false") -> RunSQL:
    """Show a bearer that is limited to some accounts the rows of those, and the ones of which `also` holds, and accept no others
    of it. Everybody else sees all of the agency's.

    For every command: rows that are not shown would otherwise still be changed by a statement that reads none. The settings
    are read once a statement, and where there is no limit a row costs one look at nothing: the planner takes the condition for
    an even chance, not for a rare one.
    """
    name = "who_is_limited_to_accounts_sees_theirs"
    return RunSQL(
        f"""
        CREATE POLICY {name} ON {table} AS RESTRICTIVE
            USING (CASE WHEN {ACCOUNTS} IS NULL THEN true ELSE {column} = ANY ({ACCOUNTS}::uuid[]) OR {also} END);
        """,
        f"DROP POLICY {name} ON {table};",
    )


def only_the_owner_writes(table: str) -> RunSQL:
    """Everybody reads, nobody but the table's owner (migrations) writes: for rows that belong to all agencies."""
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY everybody_reads_and_nobody_writes ON {table} FOR SELECT USING (true);
        """,
        f"""
        DROP POLICY everybody_reads_and_nobody_writes ON {table};
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
        """,
    )


def belongs_to_account(table: str) -> RunSQL:
    """Tie a row to an account of the same agency; it goes when the account is erased."""
    name = f"{table}_belongs_to_an_account_of_its_agency"
    return RunSQL(
        f"""
        ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (agency_id, account_id)
            REFERENCES accounts_selleraccount (agency_id, id) ON DELETE CASCADE;
        """,
        f"ALTER TABLE {table} DROP CONSTRAINT {name};",
    )


def belongs_to(table: str, column: str, other: str) -> RunSQL:
    """Tie a row to one of `other` of the same agency; it goes when that one goes."""
    name = f"{table}_{column}_is_of_its_agency"
    return RunSQL(
        f"""
        ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (agency_id, {column})
            REFERENCES {other} (agency_id, id) ON DELETE CASCADE;
        """,
        f"ALTER TABLE {table} DROP CONSTRAINT {name};",
    )


def tell_key_ids(table: str) -> RunSQL:
    """Tell everybody how many rows of the table each key has sealed (encryption/rotation.py), over all agencies and no more."""
    function, policy = f"key_ids_in_{table}", "keys_are_counted"
    asked = "(SELECT current_setting('underone.over_the_wall', true)) = 'key ids'"
    return RunSQL(
        f"""
        -- Of the table's owner alone, and inside the function below alone, which sets what is asked for here.
        CREATE POLICY {policy} ON {table} FOR SELECT TO CURRENT_USER USING ({asked});
        CREATE FUNCTION {function}() RETURNS TABLE (key_id integer, sealed bigint)
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            PERFORM set_config('underone.over_the_wall', 'key ids', true);
            RETURN QUERY SELECT one.key_id, count(*) FROM {table} AS one GROUP BY one.key_id;
            PERFORM set_config('underone.over_the_wall', '', true);
        END
        $$;
        """,
        f"""
        DROP FUNCTION {function}();
        DROP POLICY {policy} ON {table};
        """,
    )
