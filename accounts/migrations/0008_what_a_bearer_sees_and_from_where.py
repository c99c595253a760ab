"""Limits to some accounts hold in the database; a key is looked up in one step; agencies name the origins of their front ends."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

from accounts.tenancy import row_level_security

KEY_WITH_PREFIX = """
-- Before a key is recognised nobody knows whose it is: who names its prefix is shown that one row (0002_wall). In one statement,
-- so that a wrong key costs one and needs no transaction of its own.
CREATE FUNCTION key_with_prefix(asked text) RETURNS SETOF accounts_apikey LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('underone.key_prefix', asked, true);
    RETURN QUERY SELECT * FROM accounts_apikey WHERE prefix = asked;
    PERFORM set_config('underone.key_prefix', '', true);
END $$;
"""
SOME_AGENCY_ALLOWS_ORIGIN = """
-- A preflight carries no key. Yes or no for one origin, and nothing of whose it is. It runs as the tables' owner.
CREATE FUNCTION some_agency_allows_origin(asked text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT EXISTS (SELECT FROM public.accounts_agency WHERE allowed_origins @> ARRAY[asked]::varchar[])';
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_what_a_bearer_may_do")]

    operations = [
        row_level_security.limit_to_accounts("accounts_selleraccount", column="id"),
        migrations.RunSQL(KEY_WITH_PREFIX, "DROP FUNCTION key_with_prefix(text);"),
        migrations.AddField(
            model_name="agency",
            name="allowed_origins",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255),
                blank=True,
                db_default=[],
                default=list,
                help_text="Origins of web pages (https://app.agency.example) that may read answers with a key of the agency.",
                size=None,
            ),
        ),
        migrations.AddIndex(
            model_name="agency",
            index=django.contrib.postgres.indexes.GinIndex("allowed_origins", name="agencies_by_origin"),
        ),
        migrations.RunSQL(SOME_AGENCY_ALLOWS_ORIGIN, "DROP FUNCTION some_agency_allows_origin(text);"),
    ]
