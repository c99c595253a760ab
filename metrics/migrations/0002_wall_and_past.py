"""Agencies see their own rows only; what a fact was before it changed is kept by the database itself."""

from django.db import migrations

from accounts.tenancy import row_level_security
from metrics import past

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


VERSIONS = (
    "metrics_dailycounts",
    "metrics_pastorder",
    "metrics_pastdefect",
    "metrics_sourceload",
    "metrics_denominatorrule",
)

A_VERSION_IS_NEVER_CHANGED = """
CREATE FUNCTION a_version_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% keeps versions: write a new row', TG_TABLE_NAME;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_initial"), ("accounts", "0002_wall")]

    operations = [
        row_level_security.only_the_owner_writes("metrics_metricrule"),
        *[row_level_security.build(table) for table in TABLES],
        *[row_level_security.belongs_to_account(table) for table in TABLES],
        past.keep("metrics_order", "metrics_pastorder", ORDER),
        past.keep("metrics_defect", "metrics_pastdefect", DEFECT),
        migrations.RunSQL(A_VERSION_IS_NEVER_CHANGED, "DROP FUNCTION a_version_is_never_changed();"),
        *[past.never_changed(table) for table in VERSIONS],
    ]
