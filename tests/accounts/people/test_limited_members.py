"""Test members with an account limit, such as a client of an agency."""

from typing import Any

import pytest

from accounts.models import Person, Role
from tests import build
from tests.accounts.people.visitors import Visitor, create_member
from tests.client import Client


@pytest.fixture
def shops(acme: Client) -> dict[str, str]:
    """Create two accounts of Acme with a report each."""
    ids = {
        name: acme.take_on(name=f"Shop of {name}", partner=f"A1{name.upper()}") for name in ("mine", "other")
    }
    for account in ids.values():
        acme.load(account, build.orders_file([build.order_row()]))
    return ids


@pytest.fixture
def client(acme: Client, shops: dict[str, str], visitor: Visitor, mei: Person) -> Visitor:
    """Return a signed-in member limited to one account."""
    create_member(acme.agency, mei, role=Role.MANAGER, accounts=[shops["mine"]])
    visitor.sign_in(mei.email)
    return visitor


def test_limited_member_lists_own_accounts_only(client: Visitor, shops: dict[str, str]) -> None:
    for path in (
        "/v1/accounts",
        "/v1/portfolio",
        "/v1/events",
        "/v1/breaches",
        f"/v1/accounts/{shops['mine']}/reports",
    ):
        response = client.get(path)

        assert (path, response.status_code) == (path, 200)
        assert shops["other"] not in response.content.decode()


@pytest.mark.parametrize("path", ["", "/metrics", "/reports", "/metrics/order_defect_rate/orders"])
def test_limited_member_does_not_find_other_account(
    client: Visitor, shops: dict[str, str], path: str
) -> None:
    parameters = {"marketplace": "US", "channel": "mfn"} if path.endswith("orders") else {}

    statuses = {
        name: client.get(f"/v1/accounts/{account}{path}", parameters).status_code
        for name, account in shops.items()
    }

    assert statuses == {"mine": 200, "other": 404}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v1/members"),
        ("get", "/v1/invitations"),
        ("get", "/v1/api-keys"),
        ("post", "/v1/accounts"),
        ("patch", "/v1/agency"),
    ],
)
def test_limited_member_has_no_access_to_whole_agency(client: Visitor, method: str, path: str) -> None:
    response: Any = getattr(client, method)(path, {}, format="json")

    assert (response.status_code, response.json()["type"]) == (403, "/problems/not-permitted")


def test_limited_member_writes_own_account_only(client: Visitor, shops: dict[str, str]) -> None:
    statuses = {
        name: client.patch(f"/v1/accounts/{account}", {"name": "Renamed"}, format="json").status_code
        for name, account in shops.items()
    }

    assert statuses == {"mine": 200, "other": 404}


def test_limited_member_sees_own_permissions(client: Visitor, shops: dict[str, str]) -> None:
    me = client.get("/v1/me").json()

    assert (me["bearer"]["kind"], me["bearer"]["accounts"], me["may"]) == (
        "member",
        [shops["mine"]],
        ["read", "write"],
    )
    assert me["memberships"][0]["accounts"] == [shops["mine"]]


def test_member_cannot_create_token(client: Visitor) -> None:
    assert client.send("/v1/tokens").status_code == 403


def test_member_write_with_idempotency_key_happens_once(acme: Client, visitor: Visitor, mei: Person) -> None:
    create_member(acme.agency, mei)
    visitor.sign_in(mei.email)
    body = {"email": "client@shop.example", "role": "viewer"}

    responses = [
        visitor.post("/v1/invitations", body, format="json", HTTP_IDEMPOTENCY_KEY="once") for _ in range(2)
    ]

    assert [answer.status_code for answer in responses] == [201, 201]
    assert responses[0].json() == responses[1].json()
    assert len(visitor.get("/v1/invitations").json()["data"]) == 1
