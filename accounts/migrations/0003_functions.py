"""Create functions that list agencies, find API keys by prefix and count rows by encryption key, and make the
audit log immutable."""

from django.db import migrations

from accounts.tenancy import row_level_security

AGENCIES = """
-- These functions run as the owner of the tables, to whom the policy of accounts_agency does not apply. They return only IDs or a
-- boolean.
CREATE FUNCTION open_agency_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT id FROM public.accounts_agency WHERE closed_at IS NULL ORDER BY id';

CREATE FUNCTION closed_agency_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT id FROM public.accounts_agency WHERE closed_at IS NOT NULL AND erased_at IS NULL ORDER BY id';

-- A preflight request has no key, so its agency is not known.
CREATE FUNCTION origin_is_allowed(asked text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT EXISTS (
        SELECT FROM public.accounts_agency WHERE closed_at IS NULL AND allowed_origins @> ARRAY[asked]::varchar[])';
"""
API_KEY_BY_PREFIX = """
-- Look up the agency of the prefix in the directory, and read the key in the tenant context of that agency. The function has the
-- rights of the caller. It is one statement, so that an invalid key costs one statement and needs no transaction of its own.
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
    -- In a closed agency, an entry may be reduced to its IDs, which identify no person. Every other change is refused.
    IF TG_OP = 'UPDATE' AND NEW.actor_id = OLD.actor_id AND NEW.actor_name = ''
        AND NEW.before IS NULL AND NEW.after IS NULL AND NEW.detail = '{}'
        AND (NEW.id, NEW.agency_id, NEW.at, NEW.what, NEW.about) = (OLD.id, OLD.agency_id, OLD.at, OLD.what, OLD.about)
        AND NEW.request_id IS NOT DISTINCT FROM OLD.request_id
        AND EXISTS (SELECT FROM accounts_agency WHERE id = OLD.agency_id AND closed_at IS NOT NULL)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an audit entry is never changed: record another one';
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
