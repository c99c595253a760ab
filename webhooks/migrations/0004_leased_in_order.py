"""Look up leased deliveries in the order of their index, whatever the planner knows of the table."""

from importlib import import_module

from django.db import migrations

FUNCTIONS = import_module("webhooks.migrations.0003_functions")


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0003_functions")]

    # A new database has this definition already.
    operations = [migrations.RunSQL(FUNCTIONS.LEASE_DELIVERIES, migrations.RunSQL.noop)]
