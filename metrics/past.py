"""What a fact was before it changed is kept by the database itself: the SQL that migrations run for every table of facts."""

from django.db.migrations import RunSQL


def keep(present: str, past: str, columns: str) -> RunSQL:
    """`recorded_at` moves exactly when the content changes (pipeline/recording.py): then the old row goes to the past table."""
    old = ", ".join(f"OLD.{column.strip()}" for column in columns.split(","))
    return RunSQL(
        f"""
        CREATE FUNCTION {present}_keeps_its_past() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO {past} ({columns}, superseded_at) VALUES ({old}, NEW.recorded_at);
            RETURN NULL;
        END $$;
        CREATE TRIGGER a_change_keeps_what_it_replaces AFTER UPDATE ON {present}
            FOR EACH ROW WHEN (OLD.recorded_at <> NEW.recorded_at) EXECUTE FUNCTION {present}_keeps_its_past();
        """,
        f"DROP TRIGGER a_change_keeps_what_it_replaces ON {present}; DROP FUNCTION {present}_keeps_its_past();",
    )


def never_changed(table: str) -> RunSQL:
    """Versions are written once. The function is that of the first tables of versions."""
    return RunSQL(
        f"CREATE TRIGGER a_version_is_never_changed BEFORE UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION a_version_is_never_changed();",
        f"DROP TRIGGER a_version_is_never_changed ON {table};",
    )
