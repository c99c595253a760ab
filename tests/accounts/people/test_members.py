"""Test members: rights, removal, and the last admin."""

import re
import threading
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connections

from accounts.api_keys import secrets as key_secrets
from accounts.models import Actor, ApiKey, Person, Role
from accounts.people import members
from accounts.tenancy import context
from tests import owner
from tests.accounts.people.test_invitation_revocation import at_the_same_time
from tests.accounts.people.test_invitations import accept, invite
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, create_member, create_user
from tests.client import Client
from tests.conftest import NOON


def without_keys(client: Client) -> None:
    """Revoke all keys of the agency."""
    with context.agency(client.agency.pk):
        for key in ApiKey.objects.all():
            key_secrets.revoke(key=key, now=NOON)


def test_members_are_listed_with_rights(acme: Client, mei: Person) -> None:
    shop = acme.take_on()
    member = create_member(acme.agency, mei, role=Role.VIEWER, read_only=True, accounts=[shop])

    (listed,) = acme.read("/v1/members")["data"]

    assert listed | {"created_at": ""} == {
        "id": member.public_id,
        "person": {"id": mei.public_id, "name": "Mei Lin", "email": mei.email},
        "role": "viewer",
        "read_only": True,
        "accounts": [shop],
        "has_second_factor": False,
        "created_at": "",
    }
    assert acme.read(f"/v1/members/{member.public_id}") == listed


def test_member_role_change_takes_effect_with_next_request(
    acme: Client, visitor: Visitor, mei: Person
) -> None:
    member = create_member(acme.agency, mei, role=Role.VIEWER)
    visitor.sign_in(mei.email)
    account = {"name": "Shop", "selling_partner_id": "A1SHOP", "home_marketplace": "US"}
    assert visitor.send("/v1/accounts", **account).status_code == 403

    changed = acme.patch(f"/v1/members/{member.public_id}", {"role": "manager"}, format="json")

    assert (changed.status_code, changed.json()["role"]) == (200, "manager")
    assert visitor.send("/v1/accounts", **account).status_code == 201


def test_read_only_member_cannot_write(acme: Client, visitor: Visitor, mei: Person) -> None:
    create_member(acme.agency, mei, role=Role.ADMIN, read_only=True)
    visitor.sign_in(mei.email)

    assert visitor.get("/v1/members").status_code == 200
    assert visitor.send("/v1/invitations", email="x@agency.example", role="viewer").status_code == 403


def test_removed_member_loses_access_to_that_agency_only(
    acme: Client, rival: Client, visitor: Visitor, mei: Person
) -> None:
    member = create_member(acme.agency, mei)
    create_member(rival.agency, mei)
    visitor.carry(visitor.sign_in(mei.email)["token"], agency=acme.agency.public_id)
    assert visitor.get("/v1/me").status_code == 200

    assert acme.delete(f"/v1/members/{member.public_id}").status_code == 204

    assert visitor.get("/v1/me").status_code == 400
    visitor.credentials()
    assert [each["agency"]["name"] for each in visitor.sign_in(mei.email)["memberships"]] == ["Rival"]
    assert visitor.get("/v1/me").json()["agency"]["name"] == "Rival"
    assert acme.get(f"/v1/members/{member.public_id}").status_code == 404


def test_removed_member_without_other_agency_is_deleted(acme: Client, visitor: Visitor, mei: Person) -> None:
    path = f"/v1/members/{create_member(acme.agency, mei).public_id}"
    visitor.sign_in(mei.email)

    assert visitor.delete(path).status_code == 204

    assert (Person.objects.exists(), EmailAddress.objects.exists()) == (False, False)
    assert [visitor.get(each).status_code for each in ("/v1/me", "/v1/auth/session", path)] == [401] * 3
    assert Visitor().send("/v1/auth/sign-in", email=mei.email, password=PASSWORD).status_code == 401
    (removed,) = acme.read("/v1/audit-log", what="member.removed")["data"]
    assert removed["who"].endswith(" Mei Lin")


@pytest.mark.parametrize("what", [{"is_staff": True}, {"is_active": False}])
def test_removed_staff_and_inactive_users_are_not_deleted(
    acme: Client, mei: Person, post: Outbox, what: dict[str, bool]
) -> None:
    member = create_member(acme.agency, mei)
    for column, value in what.items():
        owner.execute(f"UPDATE accounts_person SET {column} = %s WHERE id = %s", value, mei.pk)

    acme.delete(f"/v1/members/{member.public_id}")

    assert Person.objects.get() == mei
    invite(acme, mei.email)
    assert accept(post.token(mei.email)).status_code == (201 if "is_staff" in what else 403)


def test_deleted_user_invited_again_becomes_new_user(
    acme: Client, rival: Client, mei: Person, post: Outbox
) -> None:
    invite(rival, mei.email)
    acme.delete(f"/v1/members/{create_member(acme.agency, mei).public_id}")
    invite(acme, mei.email)
    acme_token, rival_token = (
        re.findall(r"^uo_inv_\S+$", str(message.body), re.MULTILINE)[0]
        for message in reversed(post.to(mei.email))
    )

    nameless = accept(rival_token, name="")
    statuses = [accept(token, name="Mei of old").status_code for token in (acme_token, rival_token)]

    assert (nameless.status_code, nameless.json()["errors"][0]["pointer"]) == (400, "/name")
    assert statuses == [201, 201]
    (person,) = Person.objects.all()
    assert (person.email, person.name) == (mei.email, "Mei of old")
    assert person != mei
    assert [len(client.read("/v1/members")["data"]) for client in (acme, rival)] == [1, 1]


def test_removed_member_joining_other_agency_is_not_deleted(
    acme: Client, rival: Client, mei: Person, post: Outbox
) -> None:
    path = f"/v1/members/{create_member(acme.agency, mei).public_id}"
    invite(rival, mei.email)

    removed = at_the_same_time(
        rival, post.token(mei.email), lambda: Client(acme.agency, acme.key).delete(path)
    )

    assert removed.status_code == 204
    assert [each["person"]["id"] for each in rival.read("/v1/members")["data"]] == [mei.public_id]
    assert acme.read("/v1/members")["data"] == []


def test_joining_during_deletion_creates_new_user(
    acme: Client, rival: Client, mei: Person, post: Outbox
) -> None:
    member = create_member(acme.agency, mei)
    invite(rival, mei.email)
    token, answers = post.token(mei.email), []

    def run() -> None:
        answers.append(accept(token, name="Mei of old").status_code)
        connections.close_all()

    thread = threading.Thread(target=run)
    with context.agency(acme.agency.pk):
        members.remove(member=member, actor=Actor("key_1", "first key"), now=NOON)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()

    assert answers == [201]
    (joined,) = (each["person"] for each in rival.read("/v1/members")["data"])
    assert (joined["name"], joined["email"], joined["id"] == mei.public_id) == (
        "Mei of old",
        mei.email,
        False,
    )


@pytest.mark.parametrize("body", [{"role": "viewer"}, {"role": "manager"}, {"read_only": True}, None])
def test_last_admin_cannot_be_removed_or_demoted(
    acme: Client, visitor: Visitor, mei: Person, body: dict[str, Any] | None
) -> None:
    member = create_member(acme.agency, mei)
    create_member(acme.agency, create_user(), role=Role.MANAGER)
    create_member(acme.agency, create_user(), role=Role.ADMIN, read_only=True)
    without_keys(acme)
    visitor.sign_in(mei.email)
    path = f"/v1/members/{member.public_id}"

    response = visitor.delete(path) if body is None else visitor.patch(path, body, format="json")

    assert (response.status_code, response.json()["type"]) == (409, "/problems/last-admin")
    assert visitor.get(path).json()["role"] == "admin"


def test_last_admin_can_leave_if_admin_key_remains(acme: Client, visitor: Visitor, mei: Person) -> None:
    member = create_member(acme.agency, mei)
    visitor.sign_in(mei.email)

    assert visitor.delete(f"/v1/members/{member.public_id}").status_code == 204
    assert acme.read("/v1/members")["data"] == []


@pytest.mark.parametrize("what", ["expired", "viewer", "read_only"])
def test_last_admin_check_ignores_keys_that_cannot_invite(
    acme: Client, visitor: Visitor, mei: Person, what: str
) -> None:
    member = create_member(acme.agency, mei)
    fields: dict[str, dict[str, Any]] = {
        "expired": {"expires_at": NOON},
        "viewer": {"role": Role.VIEWER},
        "read_only": {"read_only": True},
    }
    with context.agency(acme.agency.pk):
        ApiKey.objects.update(**fields[what])
    visitor.sign_in(mei.email)

    assert visitor.delete(f"/v1/members/{member.public_id}").status_code == 409


def test_admins_removing_each_other_at_once_leave_one(acme: Client, mei: Person) -> None:
    other = create_user()
    members = {person: create_member(acme.agency, person) for person in (mei, other)}
    without_keys(acme)
    answers: list[int] = []
    barrier = threading.Barrier(2)
    removing = {mei: members[other], other: members[mei]}
    visitors = {person: Visitor() for person in removing}
    for person, visitor in visitors.items():
        visitor.sign_in(person.email)

    def run(person: Person) -> None:
        barrier.wait()
        answers.append(visitors[person].delete(f"/v1/members/{removing[person].public_id}").status_code)
        connections.close_all()

    threads = [threading.Thread(target=run, args=[person]) for person in removing]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) in ([204, 401], [204, 409])


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"role": "owner"}, 400, "/role"),
        ({"accounts": [f"acct_{'0' * 32}"]}, 404, "/accounts/0"),
        ({"role": "admin", "accounts": ["{shop}"]}, 409, "/accounts"),
        ({"role": "admin"}, 409, "/accounts"),
    ],
)
def test_member_update_with_invalid_fields_is_refused(
    acme: Client, mei: Person, body: dict[str, Any], status: int, pointer: str
) -> None:
    shop = acme.take_on()
    member = create_member(acme.agency, mei, role=Role.VIEWER, accounts=[shop])
    sent = body | ({"accounts": [shop]} if body.get("accounts") == ["{shop}"] else {})

    response = acme.patch(f"/v1/members/{member.public_id}", sent, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (status, pointer)


def test_account_limit_is_removed_with_null(acme: Client, mei: Person) -> None:
    member = create_member(acme.agency, mei, role=Role.VIEWER, accounts=[acme.take_on()])

    response = acme.patch(
        f"/v1/members/{member.public_id}", {"role": "admin", "accounts": None}, format="json"
    )

    assert (response.status_code, response.json()["accounts"], response.json()["role"]) == (
        200,
        None,
        "admin",
    )


def test_member_of_other_agency_is_not_found(acme: Client, rival: Client, mei: Person) -> None:
    path = f"/v1/members/{create_member(acme.agency, mei).public_id}"

    responses = [rival.get(path), rival.patch(path, {"role": "viewer"}, format="json"), rival.delete(path)]

    assert [answer.status_code for answer in responses] == [404] * 3
    assert rival.read("/v1/members")["data"] == []


def test_members_are_recorded_in_audit_log(acme: Client, mei: Person) -> None:
    member = create_member(acme.agency, mei).public_id
    acme.patch(f"/v1/members/{member}", {"role": "viewer"}, format="json")
    acme.patch(f"/v1/members/{member}", {"role": "viewer"}, format="json")
    acme.delete(f"/v1/members/{member}")

    noted = [each for each in acme.read("/v1/audit-log")["data"] if each["what"].startswith("member.")]

    assert [(each["what"], each["about"]) for each in noted] == [
        ("member.removed", member),
        ("member.changed", member),
    ]
    assert (noted[1]["before"], noted[1]["after"]) == ({"role": "admin"}, {"role": "viewer"})
    assert noted[0]["before"] == {"role": "viewer", "read_only": False, "accounts": None}
    assert mei.email not in str(noted)
