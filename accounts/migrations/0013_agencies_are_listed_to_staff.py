"""Staff look for an agency before they enter it: a transaction that says that it is staff's reads names and ids, and nothing else."""

from django.db import migrations

LISTED = """
CREATE POLICY agencies_are_listed_to_staff ON accounts_agency FOR SELECT
    USING ((SELECT current_setting('underone.staff', true)) = 'on');
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_members_and_invitations")]

    operations = [migrations.RunSQL(LISTED, "DROP POLICY agencies_are_listed_to_staff ON accounts_agency;")]
