"""Couriers know which accounts were handed back and which agencies were closed: nothing is sent of them."""

from django.db import migrations

OVER_THE_WALL = "(SELECT current_setting('underone.over_the_wall', true)) = 'couriers'"

POLICY = f"""
-- Of the tables' owner alone, and inside the function below alone, which sets what is asked for here.
CREATE POLICY couriers_know_what_is_handed_back ON accounts_selleraccount FOR SELECT TO CURRENT_USER
    USING (deleted_at IS NOT NULL AND {OVER_THE_WALL});
CREATE INDEX accounts_handed_back ON accounts_selleraccount (id) WHERE deleted_at IS NOT NULL;
"""

WITHDRAWN = """
CREATE FUNCTION withdrawn() RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('underone.over_the_wall', 'couriers', true);
    RETURN QUERY
        SELECT id FROM accounts_selleraccount WHERE deleted_at IS NOT NULL
        UNION ALL SELECT id FROM accounts_agency WHERE closed_at IS NOT NULL AND erased_at IS NULL;
    PERFORM set_config('underone.over_the_wall', '', true);
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0007_accounts_that_a_bearer_sees"), ("accounts", "0010_changes_and_closing")]

    operations = [
        migrations.RunSQL(
            POLICY,
            "DROP INDEX accounts_handed_back; DROP POLICY couriers_know_what_is_handed_back ON accounts_selleraccount;",
        ),
        migrations.RunSQL(WITHDRAWN, "DROP FUNCTION withdrawn();"),
    ]
