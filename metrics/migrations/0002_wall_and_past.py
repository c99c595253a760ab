"""Agencies see their own rows only; what a fact was before it changed is kept by the database itself."""

from django.db import migrations

from accounts import wall

TABLES = (
    "metrics_order",
    "metrics_pastorder",
    "metrics_defect",
    "metrics_pastdefect",
    "metrics_sourceload",
    "metrics_denominatorrule",
    "metrics_dailycounts",
    "metrics_currentvalue",
    "metrics_breach",
)

ORDER = (
    "agency_id, account_id, order_id, marketplace, channel, status, ordered_at, ordered_on, "
    "last_updated_at, recorded_at, report_id"
)
DEFECT = (
    "agency_id, account_id, order_id, kind, reference, state, rating, occurred_on, stated_at, received_at, "
    "line, funded_by, counts, recorded_at, report_id"
)


def keep_past(present: str, past: str, columns: str) -> migrations.RunSQL:
    """`recorded_at` moves exactly when the content changes (metrics/recording.py): then the old row goes to the past table."""
    old = ", ".join(f"OLD.{column.strip()}" for column in columns.split(","))
    return migrations.RunSQL(
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


VERSIONS = (
    "metrics_dailycounts",
    "metrics_pastorder",
    "metrics_pastdefect",
    "metrics_sourceload",
    "metrics_denominatorrule",
)

NEVER_CHANGED = """
CREATE FUNCTION a_version_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% keeps versions: write a new row', TG_TABLE_NAME;
END $$;
""" + "".join(
    f"CREATE TRIGGER a_version_is_never_changed BEFORE UPDATE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION a_version_is_never_changed();\n"
    for table in VERSIONS
)
CHANGED_AGAIN = "".join(f"DROP TRIGGER a_version_is_never_changed ON {table};\n" for table in VERSIONS)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_initial"), ("accounts", "0002_wall")]

    operations = [
        wall.only_the_owner_writes("metrics_metricrule"),
        *[wall.build(table) for table in TABLES],
        *[wall.belongs_to_account(table) for table in TABLES],
        keep_past("metrics_order", "metrics_pastorder", ORDER),
        keep_past("metrics_defect", "metrics_pastdefect", DEFECT),
        migrations.RunSQL(NEVER_CHANGED, CHANGED_AGAIN + "DROP FUNCTION a_version_is_never_changed();"),
    ]
