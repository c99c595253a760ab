"""Test creating many accounts at once: results by row, in a constant number of statements."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.agencies import bulk_create
from accounts.agencies import lifecycle as agencies
from accounts.agencies.bulk_create import NewAccount
from accounts.api_keys import secrets as key_secrets
from accounts.models import Actor, ApiKey, AuditEntry, Role
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON

BULK = "/v1/accounts/bulk"


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"name": f"Shop {number}", "selling_partner_id": f"A{number}", "home_marketplace": "DE"} | fields


def take(client: Client, *rows: Any, **headers: Any) -> Any:
    return client.post(BULK, {"accounts": rows}, format="json", **headers)


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    data = answer.json()["data"]
    assert [each["index"] for each in data] == list(range(len(data)))
    return [each["status"] for each in data]


def test_bulk_create_creates_account_for_each_row(acme: Client) -> None:
    response = take(acme, row(1, external_id="crm-1"), row(2))

    accounts = [each["account"] for each in response.json()["data"]]
    assert statuses(response) == ["created", "created"]
    assert [(each["name"], each["external_id"], each["marketplaces"]) for each in accounts] == [
        ("Shop 1", "crm-1", ["DE"]),
        ("Shop 2", None, ["DE"]),
    ]
    assert [acme.read(f"/v1/accounts/{each['id']}") for each in accounts] == accounts


def test_bulk_create_continues_after_invalid_or_existing_row(acme: Client) -> None:
    there = acme.take_on(partner="A1", name="As it was")

    response = take(
        acme, row(1), row(2, home_marketplace="XY"), row(3), row(3, name="Again"), "nonsense", row(4, name="")
    )

    data = response.json()["data"]
    assert statuses(response) == ["exists", "invalid", "created", "exists", "invalid", "invalid"]
    assert (data[0]["account"]["id"], data[0]["account"]["name"]) == (there, "As it was")
    assert data[3]["account"] == data[2]["account"]
    assert [each["account"] for each in data if each["status"] == "invalid"] == [None] * 3
    assert [error["pointer"] for each in data if each["problem"] for error in each["problem"]["errors"]] == [
        "/accounts/1/home_marketplace",
        "/accounts/4",
        "/accounts/5/name",
    ]
    assert {each["problem"]["type"] for each in data if each["problem"]} == {"/problems/invalid-request"}


def test_bulk_create_creates_deleted_account_again(acme: Client) -> None:
    before = acme.take_on(partner="A1")
    acme.delete(f"/v1/accounts/{before}")

    response = take(acme, row(1))

    assert statuses(response) == ["created"]
    assert response.json()["data"][0]["account"]["id"] != before


def test_bulk_create_ignores_partners_of_other_agencies(acme: Client, rival: Client) -> None:
    rival.take_on(partner="A1")

    assert statuses(take(acme, row(1))) == ["created"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/accounts"),
        ({"accounts": []}, "/accounts"),
        ({"accounts": None}, "/accounts"),
        ({"accounts": "x"}, "/accounts"),
        ({"accounts": {}}, "/accounts"),
        ({"accounts": [row(n) for n in range(501)]}, "/accounts"),
        ([], ""),
    ],
    ids=["nothing", "empty", "null", "text", "object", "too many", "list"],
)
def test_bulk_create_without_rows_is_refused(acme: Client, body: Any, pointer: str) -> None:
    response = acme.post(BULK, body, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, pointer)
    assert acme.read("/v1/accounts")["data"] == []


def test_bulk_create_of_500_costs_statements_of_one(acme: Client) -> None:
    with CaptureQueriesContext(connection) as of_one:
        take(acme, row(0))
    with CaptureQueriesContext(connection) as of_many:
        response = take(acme, *(row(n) for n in range(500)))

    assert statuses(response) == ["exists"] + ["created"] * 499
    assert len(of_many) <= len(of_one)


def test_bulk_create_records_each_new_account(acme: Client) -> None:
    acme.take_on(partner="A1")
    with context.agency(acme.agency.pk):
        before = AuditEntry.objects.count()

    data = take(acme, row(1), row(2), row(3), row(2), row(4, name="")).json()["data"]

    with context.agency(acme.agency.pk):
        entries = AuditEntry.objects.order_by("id")[before:]
        assert [(entry.what, entry.about) for entry in entries] == [
            ("account.created", data[1]["account"]["id"]),
            ("account.created", data[2]["account"]["id"]),
        ]
        assert entries[0].actor_id.startswith("key_")


def test_bulk_create_with_idempotency_key_happens_once(acme: Client) -> None:
    first, again = (take(acme, row(1), row(2), HTTP_IDEMPOTENCY_KEY="k1") for _ in range(2))

    assert first.content == again.content
    assert statuses(again) == ["created", "created"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MANAGER])
def test_bulk_create_requires_write_access_to_all_accounts(acme: Client, role: Role) -> None:
    with context.agency(acme.agency.pk):
        key, text = key_secrets.create(agency=acme.agency, name="limited", now=NOON)
        limit = None if role == Role.VIEWER else [key.pk]
        ApiKey.objects.filter(pk=key.pk).update(role=role, accounts=limit)

    response = take(Client(acme.agency, text), row(1))

    assert (response.status_code, response.json()["type"]) == (403, "/problems/not-permitted")


def test_bulk_create_requires_authentication(acme: Client) -> None:
    assert take(Client(acme.agency, ""), row(1)).status_code == 401


def test_bulk_create_reports_concurrently_created_account_as_existing(acme: Client) -> None:
    wanted = [
        NewAccount(name="Mine", selling_partner_id=f"A{number}", home_marketplace="US") for number in (1, 2)
    ]
    other: dict[str, Any] = {
        "name": "Other",
        "selling_partner_id": "A1",
        "home_marketplace": "US",
        "external_id": None,
    }
    left = [agencies.create_account]

    def create_concurrently(execute: Any, statement: str, *rest: Any) -> Any:
        if statement.startswith('INSERT INTO "accounts_selleraccount"') and left:
            left.pop()(agency=acme.agency, now=NOON, **other)
        return execute(statement, *rest)

    with context.agency(acme.agency.pk), connection.execute_wrapper(create_concurrently):
        taken = bulk_create.create_accounts(
            agency=acme.agency, accounts=wanted, actor=Actor("underone"), now=NOON
        )

    assert [(account.name, is_new) for account, is_new in taken] == [("Other", False), ("Mine", True)]
