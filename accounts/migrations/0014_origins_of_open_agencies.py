"""The web pages of a closed agency ask no more."""

from django.db import migrations

ALLOWED = """
CREATE OR REPLACE FUNCTION some_agency_allows_origin(asked text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS 'SELECT EXISTS (SELECT FROM public.accounts_agency WHERE {open}allowed_origins @> ARRAY[asked]::varchar[])';
"""
OF_OPEN_AGENCIES = ALLOWED.format(open="closed_at IS NULL AND ")
OF_ALL = ALLOWED.format(open="")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_agencies_are_listed_to_staff")]

    operations = [migrations.RunSQL(OF_OPEN_AGENCIES, OF_ALL)]
