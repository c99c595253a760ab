"""Test users with several agencies: which agency a request is for."""

from typing import Any

import pytest

from accounts.models import Member, Person, Role
from accounts.people import members
from tests.accounts.people.visitors import PASSWORD, Visitor, create_member, create_user
from tests.client import Client


@pytest.fixture
def both(acme: Client, rival: Client, mei: Person) -> None:
    """Make Mei a member of two agencies, each with an account."""
    for client, role in ((acme, Role.ADMIN), (rival, Role.VIEWER)):
        create_member(client.agency, mei, role=role)
        client.take_on(name=f"Shop of {client.agency.name}")


def shops(visitor: Visitor) -> list[str]:
    return [each["name"] for each in visitor.get("/v1/accounts").json()["data"]]


def test_member_of_several_agencies_must_choose_one(
    visitor: Visitor, both: None, acme: Client, rival: Client, mei: Person
) -> None:
    visitor.sign_in(mei.email)

    response = visitor.get("/v1/accounts")

    assert (response.status_code, response.json()["type"]) == (400, "/problems/choose-agency")
    assert response.json()["choices"] == [
        {"id": each.agency.public_id, "name": each.agency.name} for each in (acme, rival)
    ]


def test_agency_header_chooses_agency(
    visitor: Visitor, both: None, acme: Client, rival: Client, mei: Person
) -> None:
    token = visitor.sign_in(mei.email)["token"]

    seen = {
        each.agency.name: shops(visitor.carry(token, agency=each.agency.public_id)) for each in (acme, rival)
    }

    assert seen == {"Acme": ["Shop of Acme"], "Rival": ["Shop of Rival"]}


def test_agency_of_sign_in_applies_without_header(
    visitor: Visitor, both: None, acme: Client, rival: Client, mei: Person
) -> None:
    token = visitor.sign_in(mei.email, agency=rival.agency.public_id)["token"]

    assert shops(visitor) == ["Shop of Rival"]
    assert shops(visitor.carry(token, agency=acme.agency.public_id)) == ["Shop of Acme"]


def test_agency_header_of_other_agency_is_refused(
    visitor: Visitor, acme: Client, rival: Client, mei: Person
) -> None:
    create_member(acme.agency, mei)
    token = visitor.sign_in(mei.email)["token"]

    for named in (rival.agency.public_id, "agcy_0", "acme"):
        response = visitor.carry(token, agency=named).get("/v1/accounts")

        assert (response.status_code, response.json()["choices"]) == (
            400,
            [{"id": acme.agency.public_id, "name": "Acme"}],
        )


def test_sign_in_for_other_agency_is_refused_without_session(
    visitor: Visitor, acme: Client, rival: Client, mei: Person
) -> None:
    create_member(acme.agency, mei)

    response = visitor.send(
        "/v1/auth/sign-in", email=mei.email, password=PASSWORD, agency=rival.agency.public_id
    )

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (404, "/agency")
    assert "token" not in response.json()


def test_user_without_agency_signs_in_and_has_no_access(visitor: Visitor, mei: Person) -> None:
    assert visitor.sign_in(mei.email)["memberships"] == []

    assert (visitor.get("/v1/me").status_code, visitor.get("/v1/auth/session").status_code) == (401, 200)


def test_role_is_that_of_chosen_agency(
    visitor: Visitor, both: None, acme: Client, rival: Client, mei: Person
) -> None:
    token = visitor.sign_in(mei.email)["token"]

    responses: dict[str, Any] = {
        each.agency.name: visitor.carry(token, agency=each.agency.public_id).get("/v1/members")
        for each in (acme, rival)
    }

    assert {name: answer.status_code for name, answer in responses.items()} == {"Acme": 200, "Rival": 403}


def test_me_lists_memberships_of_member(
    visitor: Visitor, both: None, acme: Client, rival: Client, mei: Person
) -> None:
    token = visitor.sign_in(mei.email)["token"]

    me = visitor.carry(token, agency=rival.agency.public_id).get("/v1/me").json()

    assert (me["agency"]["name"], me["key"]) == ("Rival", None)
    assert [(each["agency"]["name"], each["role"]) for each in me["memberships"]] == [
        ("Acme", "admin"),
        ("Rival", "viewer"),
    ]


def test_memberships_shown_are_those_of_the_user(both: None, mei: Person) -> None:
    other = create_user()

    assert {each.agency.name for each in members.list_for_person(person_id=mei.pk)} == {"Acme", "Rival"}
    assert members.list_for_person(person_id=other.pk) == []
    assert Member.objects.count() == 0
