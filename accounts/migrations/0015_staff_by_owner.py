"""Let only the owner of the tables make a user staff."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION forbid_staff_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
        RAISE EXCEPTION 'only the owner of the tables makes a user staff, or ends it'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER forbid_new_staff BEFORE INSERT ON accounts_person
    FOR EACH ROW WHEN (NEW.is_staff OR NEW.is_superuser) EXECUTE FUNCTION forbid_staff_change();
CREATE TRIGGER forbid_staff_change BEFORE UPDATE ON accounts_person
    FOR EACH ROW WHEN ((NEW.is_staff, NEW.is_superuser) IS DISTINCT FROM (OLD.is_staff, OLD.is_superuser))
    EXECUTE FUNCTION forbid_staff_change();
"""
BACKWARDS = """
DROP TRIGGER forbid_new_staff ON accounts_person;
DROP TRIGGER forbid_staff_change ON accounts_person;
DROP FUNCTION forbid_staff_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0014_sessions_by_digest")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
