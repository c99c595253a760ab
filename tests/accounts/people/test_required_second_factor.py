"""Test agencies that require a second factor of their members."""

from typing import Any

import pytest

from accounts.models import Agency, Person
from accounts.tenancy import context
from tests.accounts.people.devices import totp_code
from tests.accounts.people.visitors import Visitor, create_member, create_user
from tests.client import Client


def add_totp(visitor: Visitor) -> None:
    """Add an authenticator app to the signed-in user."""
    secret = visitor.send("/v1/auth/totp").json()["secret"]
    assert visitor.send("/v1/auth/totp/activate", code=totp_code(secret)).status_code == 201


def require(visitor: Visitor, *, value: bool = True) -> Any:
    return visitor.patch("/v1/agency", {"requires_second_factor": value}, format="json")


@pytest.fixture
def admin(visitor: Visitor, acme: Client, mei: Person) -> Visitor:
    """Return a signed-in admin of Acme."""
    create_member(acme.agency, mei)
    visitor.sign_in(mei.email)
    return visitor


def test_requirement_is_set_by_admin_with_second_factor(admin: Visitor, acme: Client) -> None:
    refused = require(admin)
    add_totp(admin)

    accepted = require(admin)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/second-factor-missing")
    assert (accepted.status_code, accepted.json()["requires_second_factor"]) == (200, True)
    assert acme.read("/v1/agency")["requires_second_factor"] is True
    entry = acme.read("/v1/audit-log")["data"][0]
    assert (entry["what"], entry["after"]) == ("agency.changed", {"requires_second_factor": True})


def test_requirement_is_not_changed_by_key(acme: Client) -> None:
    refused = acme.patch("/v1/agency", {"requires_second_factor": True}, format="json")
    unchanged = acme.patch("/v1/agency", {"requires_second_factor": False}, format="json")

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-permitted")
    assert unchanged.status_code == 200


def test_member_without_second_factor_has_no_access_until_it_is_added(
    acme: Client, rival: Client, db: None
) -> None:
    person, visitor = create_user(), Visitor()
    for client in (acme, rival):
        create_member(client.agency, person)
    token = visitor.sign_in(person.email)["token"]
    with context.agency(acme.agency.pk):
        Agency.objects.update(requires_second_factor=True)
    visitor.carry(token, agency=acme.agency.public_id)

    refused = [visitor.get(path) for path in ("/v1/me", "/v1/accounts", "/v1/agency")]

    assert {each.status_code for each in refused} == {403}
    assert refused[0].json()["type"] == "/problems/second-factor-required"
    assert "POST /v1/auth/totp" in refused[0].json()["detail"]
    assert acme.get("/v1/accounts").status_code == 200
    assert Visitor().carry(token, agency=rival.agency.public_id).get("/v1/accounts").status_code == 200
    assert visitor.get("/v1/auth/session").status_code == 200
    add_totp(visitor)
    assert visitor.get("/v1/accounts").status_code == 200
    assert visitor.delete("/v1/auth/totp").status_code == 204
    assert visitor.get("/v1/accounts").status_code == 403


def test_members_show_who_has_second_factor(admin: Visitor, acme: Client) -> None:
    other = create_member(acme.agency, create_user())
    add_totp(admin)

    listed = {each["id"]: each["has_second_factor"] for each in admin.get("/v1/members").json()["data"]}

    assert listed[other.public_id] is False
    assert sorted(listed.values()) == [False, True]
    assert admin.get(f"/v1/members/{other.public_id}").json()["has_second_factor"] is False
