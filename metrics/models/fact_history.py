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
