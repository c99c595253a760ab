"""Agencies see their own rows only."""

from django.db import migrations

from accounts.tenancy import row_level_security

AGENCIES = f"""
ALTER TABLE accounts_agency ENABLE ROW LEVEL SECURITY;
CREATE POLICY an_agency_sees_itself ON accounts_agency USING (id = {row_level_security.AGENCY}) WITH CHECK (id = {row_level_security.AGENCY});

-- The ids alone, for clock-driven jobs. It runs as the tables' owner, whom the policy above does not bind.
CREATE FUNCTION every_agency_id() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS 'SELECT id FROM public.accounts_agency ORDER BY id';
"""

KEYS = """
-- Before a key is recognised nobody knows whose it is: who names its prefix may look at that one row.
CREATE POLICY a_key_is_shown_to_its_bearer ON accounts_apikey FOR SELECT
    USING (prefix = (SELECT nullif(current_setting('underone.key_prefix', true), '')));
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            AGENCIES,
            """
            DROP FUNCTION every_agency_id();
            DROP POLICY an_agency_sees_itself ON accounts_agency;
            ALTER TABLE accounts_agency DISABLE ROW LEVEL SECURITY;
            """,
        ),
        row_level_security.only_the_owner_writes("django_migrations"),
        row_level_security.build("accounts_selleraccount"),
        row_level_security.build("accounts_apikey"),
        migrations.RunSQL(KEYS, "DROP POLICY a_key_is_shown_to_its_bearer ON accounts_apikey;"),
    ]
