"""The audit log tells what changed, and agencies can be closed: then nobody gets in, and in the end ids alone are left."""

import django.core.serializers.json
import django.db.models.deletion
from django.db import migrations, models

WHAT_WAS_NOTED_STAYS = """
CREATE OR REPLACE FUNCTION what_was_noted_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Of an agency that is closed, an entry may be cut down to its ids, which name nobody; nothing else ever.
    IF TG_OP = 'UPDATE' AND NEW.who = split_part(OLD.who, ' ', 1)
        AND NEW.before IS NULL AND NEW.after IS NULL AND NEW.detail = '{}'
        AND (NEW.id, NEW.agency_id, NEW.at, NEW.what, NEW.about) = (OLD.id, OLD.agency_id, OLD.at, OLD.what, OLD.about)
        AND NEW.request_id IS NOT DISTINCT FROM OLD.request_id
        AND EXISTS (SELECT FROM accounts_agency WHERE id = OLD.agency_id AND closed_at IS NOT NULL)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what was noted is never changed: note something else';
END $$;
"""
NOTHING_CHANGES = """
CREATE OR REPLACE FUNCTION what_was_noted_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was noted is never changed: note something else';
END $$;
"""

OPEN_AND_CLOSED = """
CREATE OR REPLACE FUNCTION every_agency_id() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT id FROM public.accounts_agency WHERE closed_at IS NULL ORDER BY id';

-- Of those that were closed the ids alone, until they are erased. It runs as the tables' owner like the function above.
CREATE FUNCTION every_closed_agency_id() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT id FROM public.accounts_agency WHERE closed_at IS NOT NULL AND erased_at IS NULL ORDER BY id';
"""
ALL_OPEN = """
DROP FUNCTION every_closed_agency_id();
CREATE OR REPLACE FUNCTION every_agency_id() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT id FROM public.accounts_agency ORDER BY id';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_kept_answers"),
    ]

    operations = [
        migrations.AddField(
            "auditentry", "before", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)
        ),
        migrations.AddField(
            "auditentry", "after", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)
        ),
        migrations.AddField("auditentry", "request_id", models.CharField(max_length=128, null=True)),
        migrations.AlterField(
            "auditentry",
            "agency",
            models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.agency"),
        ),
        migrations.AddField("agency", "closed_at", models.DateTimeField(null=True)),
        migrations.AddField("agency", "closed_by", models.CharField(blank=True, db_default="", max_length=60)),
        migrations.AddField("agency", "erased_from", models.DateTimeField(null=True)),
        migrations.AddField("agency", "erased_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "agency",
            models.CheckConstraint(
                condition=models.Q(closed_at=None, closed_by="", erased_from=None, erased_at=None)
                | (models.Q(closed_at__isnull=False, erased_from__isnull=False) & ~models.Q(closed_by="")),
                name="a_closed_agency_says_by_whom_and_when_it_is_erased",
            ),
        ),
        migrations.RunSQL(WHAT_WAS_NOTED_STAYS, NOTHING_CHANGES),
        migrations.RunSQL(OPEN_AND_CLOSED, ALL_OPEN),
    ]
