"""Test what an upgrade does to e-mail endpoints that exist."""

from importlib import import_module

import psycopg

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from tests.conftest import NOON
from webhooks.models import Endpoint

URLS = ("ops@agency.example", "Ops+2@Agency.example", "boss@agency.example")


def test_existing_mailboxes_stay_confirmed_and_the_oldest_takes_the_name(
    committed_db: None, owner_dsn: str
) -> None:
    migration = import_module("webhooks.migrations.0006_mailboxes")
    owners = [agencies.create_agency(name=name, now=NOON)[0] for name in ("Acme", "Rival")]
    for agency in owners:
        with context.agency(agency.pk):
            fields = {"agency": agency, "event_types": ["*"], "created_at": NOON}
            for address in URLS:
                Endpoint.objects.create(kind="email", url=f"mailto:{address}", **fields)
            Endpoint.objects.create(url="https://hooks.example.com/in", **fields)

    with psycopg.connect(owner_dsn) as owner:
        owner.execute(migration.CONFIRM_EXISTING)

    for agency in owners:
        with context.agency(agency.pk):
            stored = list(Endpoint.objects.order_by("pk").values_list("mailbox", "confirmed_at"))
        assert stored == [
            ("ops@agency.example", NOON),
            (None, NOON),
            ("boss@agency.example", NOON),
            (None, None),
        ]
