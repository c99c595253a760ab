"""Test principals that are limited to some accounts: what they see and change, and that events of their changes
reach every endpoint."""

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
from django.db.utils import ProgrammingError
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.models import Role, SellerAccount
from accounts.tenancy import context
from api import identifiers
from metrics.models import Threshold
from tests import build
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.architecture.statements import count_touched, rows
from tests.architecture.test_database_schema import WITHOUT_ACCOUNT_LIMIT
from tests.client import Client
from tests.conftest import NOON
from webhooks.events import publishing
from webhooks.models import Delivery

UNKNOWN_ACCOUNT = "acct_" + "0" * 32


@pytest.fixture(scope="module")
def world(committed_module: None) -> tuple[Client, AgencyIds, AgencyIds]:
    """Create an agency with two accounts once, committed. Each test's changes are rolled back."""
    client = Client(*agencies.create_agency(name="Acme", now=NOON))
    return client, create_agency_data(client, name="visible"), create_agency_data(client, name="harbour")


@pytest.fixture
def acme(world: tuple[Client, AgencyIds, AgencyIds], db: None) -> Client:
    return world[0]


@pytest.fixture
def visible(world: tuple[Client, AgencyIds, AgencyIds]) -> AgencyIds:
    """Return the IDs of the account within the limit and of its data."""
    return world[1]


@pytest.fixture
def other(world: tuple[Client, AgencyIds, AgencyIds]) -> AgencyIds:
    """Return the IDs of another account of the same agency."""
    return world[2]


def account_id(public_id: str) -> UUID:
    return identifiers.private("acct", public_id)


def limited(client: Client, *accounts: str, role: Role = Role.MANAGER, **rights: Any) -> Client:
    """Return a client with a key of the same agency that is limited to these accounts."""
    account_ids = [account_id(each) for each in accounts]
    with context.agency(client.agency.pk):
        _, text = key_secrets.create(
            agency=client.agency, name="shop's own", role=role, accounts=account_ids, now=NOON, **rights
        )
    return Client(client.agency, text)


@pytest.fixture
def manager(acme: Client, visible: AgencyIds, other: AgencyIds) -> Client:
    return limited(acme, visible.account_id)


def find_leaked(text: str, other: AgencyIds) -> list[str]:
    return [word for word in (*asdict(other).values(), "harbour") if word in text.lower()]


def test_database_hides_rows_of_other_accounts(
    acme: Client, visible: AgencyIds, other: AgencyIds, tables: list[str]
) -> None:
    limited_tables = [
        table for table in tables if table not in {*WITHOUT_ACCOUNT_LIMIT, "accounts_selleraccount"}
    ]
    shared_rows = {"webhooks_event": "is_test", "metrics_threshold": "account_id IS NULL"}
    context.set_agency(acme.agency.pk, accounts=[account_id(visible.account_id)])

    for table in limited_tables:
        outside = f"account_id IS DISTINCT FROM %s AND NOT ({shared_rows.get(table, 'false')})"
        assert rows(
            f"SELECT count(*) FROM {table} WHERE account_id = %s", account_id(visible.account_id)
        ) != [0], table
        assert rows(f"SELECT count(*) FROM {table} WHERE {outside}", account_id(visible.account_id)) == [0], (
            table
        )
        untouched = f"UPDATE {table} SET agency_id = agency_id WHERE {outside}".replace("%s", "%(visible)s")
        assert count_touched(untouched, {"visible": account_id(visible.account_id)}) == 0, table
    assert rows("SELECT id FROM accounts_selleraccount") == [account_id(visible.account_id)]
    assert count_touched("UPDATE accounts_selleraccount SET name = 'x'") == 1
    assert count_touched("DELETE FROM metrics_currentvalue") > 0
    with pytest.raises(ProgrammingError, match="row-level security"):
        count_touched(
            "UPDATE metrics_breach SET account_id = %(other)s", {"other": account_id(other.account_id)}
        )


def test_limit_to_no_account_shows_no_row(acme: Client, visible: AgencyIds) -> None:
    context.set_agency(acme.agency.pk, accounts=[])

    assert rows(
        "SELECT count(*) FROM accounts_selleraccount UNION ALL SELECT count(*) FROM metrics_order"
    ) == [0, 0]


def test_limit_is_restored_after_agency_context(acme: Client, visible: AgencyIds, other: AgencyIds) -> None:
    context.set_agency(acme.agency.pk, accounts=[account_id(visible.account_id)])

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


def test_views_enter_agency_only_as_principal() -> None:
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
RESOURCES = (
    "accounts/{account_id}",
    "accounts/{account_id}/metrics",
    "breaches/{breach_id}",
    "reports/{report_id}",
)
RESOURCES_OF_ACCOUNT = ("deliveries/{delivery_id}", "thresholds/{threshold_id}")


@pytest.mark.parametrize(
    "path", [f"/v1/{path}" for path in (*LISTS, *OF_ENDPOINTS, *RESOURCES, *RESOURCES_OF_ACCOUNT)]
)
def test_reads_return_only_allowed_accounts(
    manager: Client, acme: Client, visible: AgencyIds, other: AgencyIds, path: str
) -> None:
    response = manager.get(path.format_map(asdict(visible)))
    hidden = manager.get(path.format_map(asdict(other)))
    unknown = manager.get(
        path.format_map(
            {name: f"{text.partition('_')[0]}_{'0' * 32}" for name, text in asdict(visible).items()}
        )
    )

    assert response.status_code == 200
    assert find_leaked(response.content.decode(), other) == []
    if "{" in path:
        assert (hidden.status_code, unknown.status_code) == (404, 404)
        assert hidden.json()["detail"] == unknown.json()["detail"]
        assert acme.get(path.format_map(asdict(other))).status_code == 200


def test_portfolio_counts_allowed_accounts(manager: Client, acme: Client) -> None:
    portfolios = [client.read("/v1/portfolio") for client in (manager, acme)]

    assert [each["accounts"]["total"] for each in portfolios] == [1, 2]
    assert portfolios[0]["open_breaches"]["breach"] * 2 == portfolios[1]["open_breaches"]["breach"]
    assert all(
        sum(metric[status] for status in ("breached", "at_risk", "undecided", "healthy", "no_data")) == 1
        for metric in portfolios[0]["metrics"]
    )


def test_events_without_account_are_hidden_and_endpoint_tests_are_not(
    manager: Client, acme: Client, visible: AgencyIds
) -> None:
    with context.agency(acme.agency.pk):
        publishing.publish(
            account=None, agency_id=acme.agency.pk, type_="endpoint.disabled", data={}, now=NOON
        )
    sent_test = manager.post(
        f"/v1/webhook-endpoints/{visible.endpoint_id}/test", {"event_type": "breach.opened"}, format="json"
    )

    assert sent_test.status_code == 202
    assert manager.get(f"/v1/deliveries/{sent_test.json()['id']}").status_code == 200
    assert {event["account"] for event in manager.read("/v1/events")["data"]} == {visible.account_id}
    assert None in {event["account"] for event in acme.read("/v1/events")["data"]}


def test_upload_is_published_to_every_endpoint_of_agency(
    acme: Client, manager: Client, visible: AgencyIds
) -> None:
    everything = acme.listen(url="https://all.example/hooks")["id"]
    document = build.orders_file(build.orders_on(build.days_ago(40), count=3, first=700))

    report = manager.load(visible.account_id, document)

    deliveries = acme.read(f"/v1/webhook-endpoints/{everything}/deliveries")["data"]
    assert report["status"] == "loaded"
    assert "report.loaded" in {delivery["type"] for delivery in deliveries}


def test_event_published_under_limit_reaches_every_endpoint(acme: Client, visible: AgencyIds) -> None:
    everything = acme.listen(url="https://all.example/hooks")["id"]
    context.set_agency(acme.agency.pk, accounts=[account_id(visible.account_id)])
    account = SellerAccount.objects.get()

    event = publishing.publish(account=account, type_="account.status_changed", data={}, now=NOON)

    endpoints = {delivery.endpoint.public_id for delivery in Delivery.objects.filter(event=event)}
    assert endpoints == {everything, visible.endpoint_id}


def test_breach_of_allowed_account_can_be_acknowledged(
    manager: Client, acme: Client, visible: AgencyIds
) -> None:
    path = f"/v1/breaches/{visible.breach_id}"

    seen = manager.post(f"{path}/acknowledge", {"note": "Seen"}, format="json")

    assert seen.status_code == 200
    assert acme.read(path)["acknowledged_at"] == seen.json()["acknowledged_at"] is not None


def test_defects_posted_under_limit_are_loaded(manager: Client, visible: AgencyIds) -> None:
    report = manager.post_defects(visible.account_id, build.defect(order=build.order_id(5)))

    assert report["status"] == "loaded"


def test_endpoints_with_other_accounts_are_hidden(
    manager: Client, acme: Client, visible: AgencyIds, other: AgencyIds
) -> None:
    all_accounts = acme.listen(url="https://all.example/hooks")["id"]
    both = acme.listen(url="https://two.example/hooks", accounts=[visible.account_id, other.account_id])["id"]

    seen = [endpoint["id"] for endpoint in manager.read("/v1/webhook-endpoints")["data"]]

    assert seen == [visible.endpoint_id]
    for endpoint in (all_accounts, both, other.endpoint_id):
        for method, rest in (
            ("get", ""),
            ("patch", ""),
            ("delete", ""),
            ("post", "/rotate-secret"),
            ("get", "/deliveries"),
        ):
            assert getattr(manager, method)(f"/v1/webhook-endpoints/{endpoint}{rest}").status_code == 404


def test_endpoint_created_under_limit_has_allowed_accounts(
    manager: Client, visible: AgencyIds, other: AgencyIds
) -> None:
    made = [
        manager.listen(url="https://new.example/in"),
        manager.listen(url="https://new.example/in", accounts=None),
    ]
    body = {"url": "https://new.example/in", "accounts": [visible.account_id, other.account_id]}
    refused = manager.post("/v1/webhook-endpoints", body, format="json")
    widened = manager.patch(f"/v1/webhook-endpoints/{made[0]['id']}", {"accounts": None}, format="json")

    assert [endpoint["accounts"] for endpoint in made] == [[visible.account_id]] * 2
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (404, "/accounts/1")
    assert widened.json()["accounts"] == [visible.account_id]


def test_deliveries_to_hidden_endpoints_are_hidden(manager: Client, acme: Client, visible: AgencyIds) -> None:
    all_accounts = acme.listen(url="https://all.example/hooks")["id"]
    since = {"since": (timezone.now() - timedelta(days=1)).isoformat()}
    acme.post(f"/v1/webhook-endpoints/{all_accounts}/recover", since, format="json")

    with context.agency(acme.agency.pk):
        ids = [
            each.public_id
            for each in Delivery.objects.filter(endpoint_id=identifiers.private("ep", all_accounts))
        ]

    assert len(ids) > 2
    assert {manager.get(f"/v1/deliveries/{each}").status_code for each in ids} == {404}
    assert {manager.post(f"/v1/deliveries/{each}/redeliver").status_code for each in ids} == {404}


def test_thresholds_of_allowed_accounts_are_writable_and_shared_are_read_only(
    manager: Client, acme: Client, visible: AgencyIds, other: AgencyIds
) -> None:
    line = {"metric": "return_rate", "warn_at": 0.3}
    of_all = acme.put("/v1/thresholds", line, format="json").json()["id"]

    response = manager.put(
        "/v1/thresholds", line | {"account": visible.account_id, "warn_at": 0.4}, format="json"
    )
    refused = [
        manager.put("/v1/thresholds", line, format="json"),
        manager.put(f"/v1/thresholds/{of_all}", {"warn_at": 0.2}, format="json"),
        manager.delete(f"/v1/thresholds/{of_all}"),
    ]
    not_found = manager.put("/v1/thresholds", line | {"account": other.account_id}, format="json")

    assert response.status_code == 200
    assert [(each.status_code, each.json()["type"]) for each in refused] == [
        (403, "/problems/not-permitted")
    ] * 3
    assert not_found.status_code == 404
    assert {each["id"] for each in manager.read("/v1/thresholds")["data"]} == {of_all, visible.threshold_id}


def test_threshold_is_recorded_later_than_hidden_thresholds(
    manager: Client, acme: Client, visible: AgencyIds, other: AgencyIds
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
        "/v1/thresholds",
        {"metric": "return_rate", "account": visible.account_id, "warn_at": 0.4},
        format="json",
    )

    with context.agency(acme.agency.pk):
        assert Threshold.objects.latest("recorded_at").account_id == account_id(visible.account_id)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/v1/accounts", {"name": "New", "selling_partner_id": "A1NEW", "home_marketplace": "US"}),
        ("patch", "/v1/agency", {"name": "Ours"}),
        ("delete", "/v1/accounts/{account_id}", {}),
        ("get", "/v1/audit-log", {}),
    ],
)
def test_operations_on_all_accounts_are_refused(
    manager: Client, visible: AgencyIds, method: str, path: str, body: dict[str, str]
) -> None:
    response = getattr(manager, method)(path.format_map(asdict(visible)), body or None, format="json")

    assert (response.status_code, response.json()["type"]) == (403, "/problems/not-permitted")


def test_account_is_renamed_only_within_limit(manager: Client, visible: AgencyIds, other: AgencyIds) -> None:
    responses = [
        manager.patch(f"/v1/accounts/{seller.account_id}", {"name": "New"}, format="json")
        for seller in (visible, other)
    ]

    assert [response.status_code for response in responses] == [200, 404]
