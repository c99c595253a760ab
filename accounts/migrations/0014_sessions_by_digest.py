"""Store sessions under the digest of their key, each visible only to transactions that name the digest."""

from django.db import migrations

FORWARDS = """
UPDATE django_session SET session_key = left(encode(sha256(session_key::bytea), 'hex'), 40);
-- Not forced, because the function below runs as the owner.
ALTER TABLE django_session ENABLE ROW LEVEL SECURITY;
CREATE POLICY session_by_digest ON django_session
    USING (session_key = nullif(current_setting('underone.session', true), ''))
    WITH CHECK (session_key = nullif(current_setting('underone.session', true), ''));

-- Never sessions that are still valid, whatever moment a caller names.
CREATE FUNCTION delete_expired_sessions(moment timestamptz) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'WITH gone AS (DELETE FROM public.django_session WHERE expire_date < least(moment, now()) RETURNING 1)
        SELECT count(*) FROM gone';
"""
BACKWARDS = """
DROP FUNCTION delete_expired_sessions(timestamptz);
DROP POLICY session_by_digest ON django_session;
ALTER TABLE django_session DISABLE ROW LEVEL SECURITY;
-- Their keys cannot be restored.
DELETE FROM django_session;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_required_second_factor"), ("sessions", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
