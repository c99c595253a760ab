"""Couriers' functions look among temporary tables last: one that somebody calls `webhooks_delivery` is not what they read."""

from django.db import migrations

FUNCTIONS = ("next_delivery_at()", "lease_deliveries(timestamptz, timestamptz, integer, integer, integer)")


def look_in(path: str) -> str:
    return "".join(f"ALTER FUNCTION {function} SET search_path = {path};" for function in FUNCTIONS)


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0009_key_ids_of_secrets")]

    operations = [migrations.RunSQL(look_in("pg_catalog, public, pg_temp"), look_in("pg_catalog, public"))]
