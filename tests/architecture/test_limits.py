"""Bearers that are limited to some accounts: what they see, what they may change, and that what they do is
told to all."""

import ast
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections
from django.db.utils import ProgrammingError
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.models import Role, SellerAccount
from accounts.tenancy import context
from api import identifiers
from metrics.models import Threshold
from tests import build
from tests.architecture.furnishing import Furnished, furnish
from tests.architecture.statements import rows, touched
from tests.architecture.test_schema import OF_NO_ACCOUNT
from tests.client import Client
from tests.conftest import NOON, empty
from webhooks.events import publishing
from webhooks.models import Delivery

NEVER = "acct_" + "0" * 32


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, owner_dsn: str
) -> Iterator[tuple[Client, Furnished, Furnished]]:
    """An agency with two accounts, made once of committed rows; what a test does about them is rolled
    back."""
    with django_db_blocker.unblock():
        client = Client(*agencies.create_agency(name="Acme", now=NOON))
        yield client, furnish(client, name="mine"), furnish(client, name="harbour")
        connections.close_all()
    empty(owner_dsn)


@pytest.fixture
def acme(world: tuple[Client, Furnished, Furnished], db: None) -> Client:
    return world[0]


@pytest.fixture
def mine(world: tuple[Client, Furnished, Furnished]) -> Furnished:
    """An account within the limit, with something of everything."""
    return world[1]


@pytest.fixture
def other(world: tuple[Client, Furnished, Furnished]) -> Furnished:
    """Another account of the same agency."""
    return world[2]


def account_id(public_id: str) -> UUID:
    return identifiers.private("acct", public_id)


def limited(client: Client, *accounts: str, role: Role = Role.MANAGER, **rights: Any) -> Client:
    """A client with a key of the same agency that sees these accounts only."""
    named = [account_id(each) for each in accounts]
    with context.agency(client.agency.pk):
        _, text = key_secrets.create(
            agency=client.agency, name="shop's own", role=role, accounts=named, now=NOON, **rights
        )
    return Client(client.agency, text)


@pytest.fixture
def manager(acme: Client, mine: Furnished, other: Furnished) -> Client:
    return limited(acme, mine.account_id)


def leaks(text: str, other: Furnished) -> list[str]:
    return [word for word in (*asdict(other).values(), "harbour") if word in text.lower()]


def test_in_the_database_nothing_of_other_accounts_is_seen_changed_or_deleted(
    acme: Client, mine: Furnished, other: Furnished, tables: list[str]
) -> None:
    walled = [table for table in tables if table not in {*OF_NO_ACCOUNT, "accounts_selleraccount"}]
    mixed = {"webhooks_event": "is_test", "metrics_threshold": "account_id IS NULL"}
    context.set_agency(acme.agency.pk, accounts=[account_id(mine.account_id)])

    for table in walled:
        beyond = f"account_id IS DISTINCT FROM %s AND NOT ({mixed.get(table, 'false')})"
        assert rows(f"SELECT count(*) FROM {table} WHERE account_id = %s", account_id(mine.account_id)) != [
            0
        ], table
        assert rows(f"SELECT count(*) FROM {table} WHERE {beyond}", account_id(mine.account_id)) == [0], table
        untouched = f"UPDATE {table} SET agency_id = agency_id WHERE {beyond}".replace("%s", "%(mine)s")
        assert touched(untouched, {"mine": account_id(mine.account_id)}) == 0, table
    assert rows("SELECT id FROM accounts_selleraccount") == [account_id(mine.account_id)]
    assert touched("UPDATE accounts_selleraccount SET name = 'x'") == 1
    assert touched("DELETE FROM metrics_currentvalue") > 0
    with pytest.raises(ProgrammingError, match="row-level security"):
        touched("UPDATE metrics_breach SET account_id = %(other)s", {"other": account_id(other.account_id)})


def test_a_limit_to_nothing_shows_nothing(acme: Client, mine: Furnished) -> None:
    context.set_agency(acme.agency.pk, accounts=[])

    assert rows(
        "SELECT count(*) FROM accounts_selleraccount UNION ALL SELECT count(*) FROM metrics_order"
    ) == [0, 0]


def test_what_was_seen_before_is_seen_again_after_what_is_done_for_the_whole_agency(
    acme: Client, mine: Furnished, other: Furnished
) -> None:
    context.set_agency(acme.agency.pk, accounts=[account_id(mine.account_id)])

    with context.agency(acme.agency.pk):
        inside = SellerAccount.objects.count()
    with pytest.raises(ZeroDivisionError), context.agency(acme.agency.pk):
        raise ZeroDivisionError

    assert (inside, SellerAccount.objects.count()) == (2, 1)


def views() -> Iterator[tuple[str, ast.Call]]:
    root = Path(settings.BASE_DIR)
    for file in root.glob("*/**/*.py"):
        parts = file.relative_to(root).with_suffix("").parts
        if parts[0] in {"accounts", "webhooks", "metrics", "ingestion"} and parts[-1].endswith("views"):
            yield from (
                ("/".join(parts), node)
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.Call)
            )


def test_no_view_enters_an_agency_but_as_its_bearer() -> None:
    called = [(name, ast.unparse(node.func)) for name, node in views()]

    assert ("ingestion/api/views", "context.for_request") in called
    assert [each for each in called if re.search(r"context\.(agency|enter)$", each[1])] == []


LISTS = (
    "accounts",
    "accounts?search=harbour",
    "accounts?ordering=distance",
    "portfolio",
    "breaches",
    "events",
    "thresholds",
)
OF_ENDPOINTS = (
    "webhook-endpoints",
    "webhook-endpoints/{endpoint_id}",
    "webhook-endpoints/{endpoint_id}/deliveries",
)
THINGS = (
    "accounts/{account_id}",
    "accounts/{account_id}/metrics",
    "breaches/{breach_id}",
    "reports/{report_id}",
)
OTHERS = ("deliveries/{delivery_id}", "thresholds/{threshold_id}")


@pytest.mark.parametrize("path", [f"/v1/{path}" for path in (*LISTS, *OF_ENDPOINTS, *THINGS, *OTHERS)])
def test_everything_that_is_read_is_of_its_accounts(
    manager: Client, acme: Client, mine: Furnished, other: Furnished, path: str
) -> None:
    answer = manager.get(path.format_map(asdict(mine)))
    hidden = manager.get(path.format_map(asdict(other)))
    nobody = manager.get(
        path.format_map({name: f"{text.partition('_')[0]}_{'0' * 32}" for name, text in asdict(mine).items()})
    )

    assert answer.status_code == 200
    assert leaks(answer.content.decode(), other) == []
    if "{" in path:
        assert (hidden.status_code, nobody.status_code) == (404, 404)
        assert hidden.json()["detail"] == nobody.json()["detail"]
        assert acme.get(path.format_map(asdict(other))).status_code == 200


def test_the_portfolio_counts_its_accounts(manager: Client, acme: Client) -> None:
    portfolios = [client.read("/v1/portfolio") for client in (manager, acme)]

    assert [each["accounts"]["total"] for each in portfolios] == [1, 2]
    assert portfolios[0]["open_breaches"]["breach"] * 2 == portfolios[1]["open_breaches"]["breach"]
    assert all(
        sum(metric[status] for status in ("breached", "at_risk", "healthy", "no_data")) == 1
        for metric in portfolios[0]["metrics"]
    )


def test_events_of_no_account_are_hidden_from_it_and_tests_of_its_endpoints_are_not(
    manager: Client, acme: Client, mine: Furnished
) -> None:
    with context.agency(acme.agency.pk):
        publishing.publish(
            account=None, agency_id=acme.agency.pk, type_="endpoint.disabled", data={}, now=NOON
        )
    tested = manager.post(
        f"/v1/webhook-endpoints/{mine.endpoint_id}/test", {"event_type": "breach.opened"}, format="json"
    )

    assert tested.status_code == 202
    assert manager.get(f"/v1/deliveries/{tested.json()['id']}").status_code == 200
    assert {event["account"] for event in manager.read("/v1/events")["data"]} == {mine.account_id}
    assert None in {event["account"] for event in acme.read("/v1/events")["data"]}


def test_what_it_uploads_is_told_to_every_endpoint_of_the_agency(
    acme: Client, manager: Client, mine: Furnished
) -> None:
    everything = acme.listen(url="https://all.example/hooks")["id"]
    document = build.orders_file(build.orders_on(build.days_ago(40), count=3, first=700))

    report = manager.load(mine.account_id, document)

    deliveries = acme.read(f"/v1/webhook-endpoints/{everything}/deliveries")["data"]
    assert report["status"] == "loaded"
    assert "report.loaded" in {delivery["type"] for delivery in deliveries}


def test_what_is_published_while_it_asks_reaches_every_endpoint(acme: Client, mine: Furnished) -> None:
    everything = acme.listen(url="https://all.example/hooks")["id"]
    context.set_agency(acme.agency.pk, accounts=[account_id(mine.account_id)])
    account = SellerAccount.objects.get()

    event = publishing.publish(account=account, type_="account.status_changed", data={}, now=NOON)

    endpoints = {delivery.endpoint.public_id for delivery in Delivery.objects.filter(event=event)}
    assert endpoints == {everything, mine.endpoint_id}


def test_what_it_does_about_a_breach_is_done(manager: Client, acme: Client, mine: Furnished) -> None:
    path = f"/v1/breaches/{mine.breach_id}"

    seen = manager.post(f"{path}/acknowledge", {"note": "Seen"}, format="json")

    assert seen.status_code == 200
    assert acme.read(path)["acknowledged_at"] == seen.json()["acknowledged_at"] is not None


def test_defects_that_it_posts_count(manager: Client, mine: Furnished) -> None:
    report = manager.post_defects(mine.account_id, build.defect(order=build.order_id(5)))

    assert report["status"] == "loaded"


def test_endpoints_are_its_own_if_they_are_told_of_its_accounts_alone(
    manager: Client, acme: Client, mine: Furnished, other: Furnished
) -> None:
    whole = acme.listen(url="https://all.example/hooks")["id"]
    both = acme.listen(url="https://two.example/hooks", accounts=[mine.account_id, other.account_id])["id"]

    seen = [endpoint["id"] for endpoint in manager.read("/v1/webhook-endpoints")["data"]]

    assert seen == [mine.endpoint_id]
    for endpoint in (whole, both, other.endpoint_id):
        for method, rest in (
            ("get", ""),
            ("patch", ""),
            ("delete", ""),
            ("post", "/rotate-secret"),
            ("get", "/deliveries"),
        ):
            assert getattr(manager, method)(f"/v1/webhook-endpoints/{endpoint}{rest}").status_code == 404


def test_an_endpoint_that_it_makes_is_told_of_its_accounts(
    manager: Client, mine: Furnished, other: Furnished
) -> None:
    made = [
        manager.listen(url="https://new.example/in"),
        manager.listen(url="https://new.example/in", accounts=None),
    ]
    body = {"url": "https://new.example/in", "accounts": [mine.account_id, other.account_id]}
    refused = manager.post("/v1/webhook-endpoints", body, format="json")
    widened = manager.patch(f"/v1/webhook-endpoints/{made[0]['id']}", {"accounts": None}, format="json")

    assert [endpoint["accounts"] for endpoint in made] == [[mine.account_id]] * 2
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (404, "/accounts/1")
    assert widened.json()["accounts"] == [mine.account_id]


def test_deliveries_of_its_accounts_to_endpoints_of_others_are_not_its_own(
    manager: Client, acme: Client, mine: Furnished
) -> None:
    whole = acme.listen(url="https://all.example/hooks")["id"]
    since = {"since": (timezone.now() - timedelta(days=1)).isoformat()}
    acme.post(f"/v1/webhook-endpoints/{whole}/recover", since, format="json")

    with context.agency(acme.agency.pk):
        ids = [
            each.public_id for each in Delivery.objects.filter(endpoint_id=identifiers.private("ep", whole))
        ]

    assert len(ids) > 2
    assert {manager.get(f"/v1/deliveries/{each}").status_code for each in ids} == {404}
    assert {manager.post(f"/v1/deliveries/{each}/redeliver").status_code for each in ids} == {404}


def test_lines_of_its_accounts_are_its_own_and_lines_of_all_are_to_read(
    manager: Client, acme: Client, mine: Furnished, other: Furnished
) -> None:
    line = {"metric": "return_rate", "warn_at": 0.3}
    of_all = acme.put("/v1/thresholds", line, format="json").json()["id"]

    drawn = manager.put("/v1/thresholds", line | {"account": mine.account_id, "warn_at": 0.4}, format="json")
    refused = [
        manager.put("/v1/thresholds", line, format="json"),
        manager.put(f"/v1/thresholds/{of_all}", {"warn_at": 0.2}, format="json"),
        manager.delete(f"/v1/thresholds/{of_all}"),
    ]
    strange = manager.put("/v1/thresholds", line | {"account": other.account_id}, format="json")

    assert drawn.status_code == 200
    assert [(each.status_code, each.json()["type"]) for each in refused] == [
        (403, "/problems/not-permitted")
    ] * 3
    assert strange.status_code == 404
    assert {each["id"] for each in manager.read("/v1/thresholds")["data"]} == {of_all, mine.threshold_id}


def test_a_line_that_it_draws_is_newer_than_those_that_it_does_not_see(
    manager: Client, acme: Client, mine: Furnished, other: Furnished
) -> None:
    with context.agency(acme.agency.pk):
        hidden = Threshold.objects.get(account_id=account_id(other.account_id))
        late = timezone.now() + timedelta(hours=1)
        Threshold.objects.create(
            **{
                **Threshold.objects.filter(pk=hidden.pk).values()[0],
                "id": Threshold().id,
                "recorded_at": late,
            }
        )

    manager.put(
        "/v1/thresholds", {"metric": "return_rate", "account": mine.account_id, "warn_at": 0.4}, format="json"
    )

    with context.agency(acme.agency.pk):
        assert Threshold.objects.latest("recorded_at").account_id == account_id(mine.account_id)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/v1/accounts", {"name": "New", "selling_partner_id": "A1NEW", "home_marketplace": "US"}),
        ("patch", "/v1/agency", {"name": "Ours"}),
        ("delete", "/v1/accounts/{account_id}", {}),
        ("get", "/v1/audit-log", {}),
    ],
)
def test_what_is_about_all_accounts_is_refused_to_it(
    manager: Client, mine: Furnished, method: str, path: str, body: dict[str, str]
) -> None:
    answer = getattr(manager, method)(path.format_map(asdict(mine)), body or None, format="json")

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-permitted")


def test_it_renames_its_account_and_no_other(manager: Client, mine: Furnished, other: Furnished) -> None:
    answers = [
        manager.patch(f"/v1/accounts/{has.account_id}", {"name": "New"}, format="json")
        for has in (mine, other)
    ]

    assert [answer.status_code for answer in answers] == [200, 404]
