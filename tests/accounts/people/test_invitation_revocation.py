"""Test revoking invitations with their sender, and limits of keys with an expiry."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from accounts import invitation_revocation
from accounts.api_keys import lifecycle as api_keys
from accounts.api_keys import secrets as key_secrets
from accounts.models import Actor, ApiKey, Invitation, Member, Person, Role
from accounts.people import invitations, users
from accounts.tenancy import context
from tests.accounts.people.test_invitations import accept, invite, left
from tests.accounts.people.visitors import Outbox, Visitor, create_member, new_email
from tests.client import Client
from tests.conftest import NOON

OUTLIVES = "Your API key expires, so it cannot make a member an admin: the admin would keep access after the key expires."
REFUSED = (403, "/problems/not-permitted", OUTLIVES)


def another_key(client: Client, **rights: Any) -> tuple[ApiKey, Client]:
    with context.agency(client.agency.pk):
        key, text = key_secrets.create(agency=client.agency, name="a hundred % sure", now=NOON, **rights)
    return key, Client(client.agency, text)


@pytest.fixture
def ending(acme: Client) -> Client:
    """Create Acme with an admin key that expires in an hour."""
    return another_key(acme, expires_at=timezone.now() + timedelta(hours=1))[1]


def answer(response: Any) -> tuple[int, str, str]:
    return response.status_code, response.json()["type"], response.json()["detail"]


def list_revoked(client: Client) -> list[tuple[str, str]]:
    entries = client.read("/v1/audit-log")["data"]
    return [
        (each["about"], each["who"].partition(" ")[0])
        for each in entries
        if each["what"] == "invitation.revoked"
    ]


def test_expiring_key_cannot_invite_admin(acme: Client, ending: Client, post: Outbox) -> None:
    refused = ending.post("/v1/invitations", {"email": new_email(), "role": "admin"}, format="json")

    assert answer(refused) == REFUSED
    assert left(acme) == []
    assert post.collect() == []
    assert invite(ending, new_email(), role="manager")["role"] == "manager"
    assert invite(acme, new_email(), role="admin")["role"] == "admin"


def test_expiring_key_cannot_resend_admin_invitation(acme: Client, ending: Client, post: Outbox) -> None:
    email = new_email()
    admins, viewers = invite(acme, email, role="admin")["id"], invite(acme, new_email())["id"]
    token = post.token(email)

    assert answer(ending.post(f"/v1/invitations/{admins}/send")) == REFUSED
    assert ending.post(f"/v1/invitations/{viewers}/send").status_code == 200
    assert accept(token).status_code == 201


@pytest.mark.parametrize(
    ("was", "body", "status"),
    [
        ({"role": Role.VIEWER}, {"role": "admin"}, 403),
        ({"role": Role.MANAGER}, {"role": "admin", "read_only": True}, 403),
        ({"role": Role.ADMIN, "read_only": True}, {"read_only": False}, 403),
        ({"role": Role.ADMIN}, {"role": "admin"}, 200),
        ({"role": Role.ADMIN}, {"read_only": True}, 200),
        ({"role": Role.ADMIN}, {"role": "viewer"}, 200),
        ({"role": Role.VIEWER}, {"role": "manager"}, 200),
    ],
)
def test_expiring_key_cannot_make_member_admin(
    acme: Client, ending: Client, mei: Person, was: dict[str, Any], body: dict[str, Any], status: int
) -> None:
    path = f"/v1/members/{create_member(acme.agency, mei, **was).public_id}"
    before = acme.read(path)

    assert ending.patch(path, body, format="json").status_code == status

    assert acme.read(path) == before | (body if status == 200 else {})
    assert acme.patch(path, body, format="json").status_code == 200


def test_invitations_of_removed_member_are_revoked(
    acme: Client, visitor: Visitor, mei: Person, post: Outbox
) -> None:
    member, member_invitee, key_invitee = create_member(acme.agency, mei), new_email(), new_email()
    visitor.sign_in(mei.email)
    revoked = invite(visitor, member_invitee, role="admin")["id"]
    invite(acme, key_invitee)

    assert acme.delete(f"/v1/members/{member.public_id}").status_code == 204

    assert left(acme) == [key_invitee]
    assert [about for about, _ in list_revoked(acme)] == [revoked]
    assert list_revoked(acme)[0][1].startswith("key_")
    assert [accept(post.token(each)).status_code for each in (member_invitee, key_invitee)] == [403, 201]


def test_invitations_of_remaining_member_are_kept(acme: Client, visitor: Visitor, mei: Person) -> None:
    member, invitee = create_member(acme.agency, mei), new_email()
    visitor.sign_in(mei.email)
    invite(visitor, invitee)
    with context.agency(acme.agency.pk):
        for key in ApiKey.objects.all():
            key_secrets.revoke(key=key, now=NOON)

    assert visitor.delete(f"/v1/members/{member.public_id}").status_code == 409  # the last admin

    assert [each["email"] for each in visitor.get("/v1/invitations").json()["data"]] == [invitee]


@pytest.mark.parametrize("way", ["http", "staff"])
def test_invitations_of_revoked_key_are_revoked(acme: Client, rival: Client, post: Outbox, way: str) -> None:
    key, other = another_key(acme)
    revoked_invitee, valid_invitee = new_email(), new_email()
    revoked = invite(other, revoked_invitee)["id"]
    for client in (acme, rival):
        invite(client, valid_invitee)

    if way == "http":
        assert acme.delete(f"/v1/api-keys/{key.public_id}").status_code == 204
    else:
        with context.agency(acme.agency.pk):
            api_keys.revoke(key=key, actor=Actor("staff", "ana"), now=NOON)

    assert (left(acme), left(rival)) == ([valid_invitee], [valid_invitee])
    assert [about for about, _ in list_revoked(acme)] == [revoked]
    assert accept(post.token(revoked_invitee)).status_code == 403


def at_the_same_time(client: Client, token: str, act: Callable[[], Any]) -> Any:
    """Run an action while somebody accepts an invitation, and return the results."""
    outcome = []

    def run() -> None:
        outcome.append(act())
        connections.close_all()

    thread = threading.Thread(target=run)
    with context.agency(client.agency.pk):
        invitations.accept(
            token=token, profile=users.Profile(name="Client", password=None), now=timezone.now()
        )
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    return outcome[0]


@pytest.mark.parametrize("what", ["withdraw", "send"])
def test_invitation_accepted_meanwhile_is_not_found(acme: Client, post: Outbox, what: str) -> None:
    email = new_email()
    path = f"/v1/invitations/{invite(acme, email)['id']}"
    token = post.token(email)

    def act() -> Any:
        client = Client(acme.agency, acme.key)
        return client.delete(path) if what == "withdraw" else client.post(f"{path}/send")

    late = at_the_same_time(acme, token, act)

    assert (late.status_code, late.json()["detail"]) == (404, "No invitation has this ID.")
    assert [each["person"]["email"] for each in acme.read("/v1/members")["data"]] == [email]
    assert (left(acme), list_revoked(acme)) == ([], [])
    assert len(post.to(email)) == 1


def test_invitation_revoked_meanwhile_is_not_accepted(acme: Client, post: Outbox) -> None:
    email, answers = new_email(), []
    invite(acme, email)
    token = post.token(email)

    def run() -> None:
        answers.append(accept(token).status_code)
        connections.close_all()

    thread = threading.Thread(target=run)
    with context.agency(acme.agency.pk):
        invitation_revocation.revoke(
            invitation=Invitation.objects.get(), actor=Actor("key_1", "first key"), now=NOON
        )
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()

    assert answers == [403]
    with context.agency(acme.agency.pk):
        assert not Member.objects.exists()
