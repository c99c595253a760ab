"""Let audit entries about data end with the data, not before they are a year old."""

from django.db import migrations

AUDIT_LOG = """
CREATE OR REPLACE FUNCTION forbid_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- In a closed agency, an entry may be reduced to its IDs, which identify no person.
    IF TG_OP = 'UPDATE' AND NEW.actor_id = OLD.actor_id AND NEW.actor_name = ''
        AND NEW.before IS NULL AND NEW.after IS NULL AND NEW.detail = '{}'
        AND (NEW.id, NEW.agency_id, NEW.at, NEW.what, NEW.about) = (OLD.id, OLD.agency_id, OLD.at, OLD.what, OLD.about)
        AND NEW.request_id IS NOT DISTINCT FROM OLD.request_id
        AND EXISTS (SELECT FROM accounts_agency WHERE id = OLD.agency_id AND closed_at IS NOT NULL)
    THEN
        RETURN NEW;
    END IF;
    -- An entry about a report or a breach may end with the data it is about, and never within its first year: Amazon's
    -- Data Protection Policy requires logs of twelve months. Every other change is refused.
    IF TG_OP = 'DELETE' AND (OLD.what LIKE 'report.%' OR OLD.what LIKE 'breach.%')
        AND OLD.at < now() - interval '12 months'
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'an audit entry is never changed: record another one';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_data_retention")]

    operations = [migrations.RunSQL(AUDIT_LOG, migrations.RunSQL.noop)]
