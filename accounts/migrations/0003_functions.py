"""Look up what leads to an agency, keep the audit log as it was written, count rows by encryption key."""

from django.db import migrations

from accounts.tenancy import row_level_security

AGENCIES = """
-- They run as the tables' owner, whom the policy of accounts_agency does not bind, and tell ids or yes and no.
CREATE FUNCTION open_agency_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT id FROM public.accounts_agency WHERE closed_at IS NULL ORDER BY id';

CREATE FUNCTION closed_agency_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT id FROM public.accounts_agency WHERE closed_at IS NOT NULL AND erased_at IS NULL ORDER BY id';

-- A preflight request carries no key.
CREATE FUNCTION origin_is_allowed(asked text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT EXISTS (
        SELECT FROM public.accounts_agency WHERE closed_at IS NULL AND allowed_origins @> ARRAY[asked]::varchar[])';
"""
API_KEY_BY_PREFIX = """
-- The directory tells of which agency the key is, and the key is read as that agency; with the caller's rights. In one statement,
-- so that a wrong key costs one and needs no transaction of its own.
CREATE FUNCTION api_key_by_prefix(asked text) RETURNS SETOF accounts_apikey LANGUAGE plpgsql AS $$
DECLARE
    owner uuid;
    agency_before text := coalesce(current_setting('underone.agency', true), '');
BEGIN
    EXECUTE format('SET LOCAL underone.key_prefix = %L', asked);
    SELECT agency_id INTO owner FROM accounts_apikeyprefix WHERE prefix = asked;
    SET LOCAL underone.key_prefix = '';
    IF owner IS NOT NULL THEN
        EXECUTE format('SET LOCAL underone.agency = %L', owner);
        RETURN QUERY SELECT * FROM accounts_apikey WHERE agency_id = owner AND prefix = asked;
        EXECUTE format('SET LOCAL underone.agency = %L', agency_before);
    END IF;
END $$;
"""
IMMUTABLE_AUDIT_LOG = """
CREATE FUNCTION forbid_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Of an agency that is closed, an entry may be cut down to its ids, which name nobody; nothing else ever.
    IF TG_OP = 'UPDATE' AND NEW.actor_id = OLD.actor_id AND NEW.actor_name = ''
        AND NEW.before IS NULL AND NEW.after IS NULL AND NEW.detail = '{}'
        AND (NEW.id, NEW.agency_id, NEW.at, NEW.what, NEW.about) = (OLD.id, OLD.agency_id, OLD.at, OLD.what, OLD.about)
        AND NEW.request_id IS NOT DISTINCT FROM OLD.request_id
        AND EXISTS (SELECT FROM accounts_agency WHERE id = OLD.agency_id AND closed_at IS NOT NULL)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what was noted is never changed: note something else';
END $$;
CREATE TRIGGER forbid_change BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION forbid_audit_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_row_level_security")]

    operations = [
        migrations.RunSQL(
            AGENCIES,
            "DROP FUNCTION open_agency_ids(); DROP FUNCTION closed_agency_ids(); DROP FUNCTION origin_is_allowed(text);",
        ),
        migrations.RunSQL(API_KEY_BY_PREFIX, "DROP FUNCTION api_key_by_prefix(text);"),
        migrations.RunSQL(
            IMMUTABLE_AUDIT_LOG,
            "DROP TRIGGER forbid_change ON accounts_auditentry; DROP FUNCTION forbid_audit_change();",
        ),
        *row_level_security.count_encryption_keys("accounts_idempotencyrecord"),
    ]
