"""Build the triggers that archive the previous state of a fact. Migrations create them for every table of
facts."""

from django.db.migrations import RunSQL


def archive_changes(present: str, past: str, columns: str) -> RunSQL:
    """Return SQL that copies a row to the history table when its content changes.

    `recorded_at` changes exactly then (pipeline/recording.py).
    """
    old = ", ".join(f"OLD.{column.strip()}" for column in columns.split(","))
    return RunSQL(
        f"""
        CREATE FUNCTION {present}_archive() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO {past} ({columns}, superseded_at) VALUES ({old}, NEW.recorded_at);
            RETURN NULL;
        END $$;
        CREATE TRIGGER archive_previous_state AFTER UPDATE ON {present}
            FOR EACH ROW WHEN (OLD.recorded_at <> NEW.recorded_at) EXECUTE FUNCTION {present}_archive();
        """,
        f"DROP TRIGGER archive_previous_state ON {present}; DROP FUNCTION {present}_archive();",
    )


def forbid_updates(table: str) -> RunSQL:
    """Return SQL that refuses to change a version. Its function is in metrics/migrations/0003_history.py."""
    return RunSQL(
        f"CREATE TRIGGER forbid_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION "
        "forbid_version_update();",
        f"DROP TRIGGER forbid_update ON {table};",
    )


def create_as_known(fact: str, columns: str) -> RunSQL:
    """Return SQL for a function of the facts of an account as they were known at a moment.

    `orders_as_known(agency, account, moment)` returns the columns of `metrics_order` and `metrics_pastorder`, for example.
    PostgreSQL merges the function into the statement that calls it, so it uses the indexes of both tables.
    """
    present, past, function = f"metrics_{fact}", f"metrics_past{fact}", f"{fact}s_as_known"
    types = ", ".join(f"{column.strip()} {present}.{column.strip()}%TYPE" for column in columns.split(","))
    arguments = "(agency uuid, account uuid, moment timestamptz)"
    # UNION ALL: of each fact, exactly one row of either table was valid at that moment.
    return RunSQL(
        f"""
        CREATE FUNCTION {function} {arguments} RETURNS TABLE ({types}) LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT {columns} FROM {present}
            WHERE agency_id = agency AND account_id = account AND recorded_at <= moment
            UNION ALL
            SELECT {columns} FROM {past}
            WHERE agency_id = agency AND account_id = account AND recorded_at <= moment AND superseded_at > moment
        $$;
        """,
        f"DROP FUNCTION {function} (uuid, uuid, timestamptz);",
    )
