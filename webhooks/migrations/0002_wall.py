"""Agencies see their own events only, and an event is never changed."""

from django.db import migrations

from accounts.tenancy import row_level_security

AN_EVENT_IS_NEVER_CHANGED = """
CREATE FUNCTION an_event_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what happened is never changed: publish another event';
END $$;
CREATE TRIGGER an_event_is_never_changed BEFORE UPDATE ON webhooks_event
    FOR EACH ROW EXECUTE FUNCTION an_event_is_never_changed();
"""
TAKEN_BACK = """
DROP TRIGGER an_event_is_never_changed ON webhooks_event;
DROP FUNCTION an_event_is_never_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_events"), ("accounts", "0002_wall")]

    operations = [
        row_level_security.build("webhooks_event"),
        row_level_security.belongs_to_account("webhooks_event"),
        migrations.RunSQL(AN_EVENT_IS_NEVER_CHANGED, TAKEN_BACK),
    ]
