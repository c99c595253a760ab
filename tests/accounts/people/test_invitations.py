"""Test invitations: create, accept, resend and revoke, also concurrently."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import Actor, Invitation, Member, Person, Role
from accounts.people.invitations import MAX_INVITATIONS
from accounts.tenancy import context
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, create_member, create_user, new_email
from tests.client import Client


def invite(client: Any, email: str, **fields: Any) -> dict[str, Any]:
    """Create an invitation."""
    response = client.post("/v1/invitations", {"email": email, "role": "viewer"} | fields, format="json")
    assert response.status_code == 201, response.content
    return dict(response.json())


def accept(token: str, **fields: Any) -> Any:
    """Accept an invitation from a new address, and return the response."""
    return Visitor().send(
        "/v1/invitations/accept", **{"token": token, "name": "Client", "password": PASSWORD} | fields
    )


def left(client: Client) -> list[str]:
    """Return the mailboxes with a pending invitation."""
    return [each["email"] for each in client.read("/v1/invitations")["data"]]


def test_invitation_response_has_documented_fields(acme: Client, post: Outbox) -> None:
    shop, email = acme.take_on(), new_email()
    before = timezone.now()

    response = acme.post(
        "/v1/invitations", {"email": email.upper(), "role": "viewer", "accounts": [shop]}, format="json"
    )

    body = response.json()
    assert (response.status_code, response["Location"]) == (201, f"/v1/invitations/{body['id']}")
    assert datetime.fromisoformat(body["expires_at"]) - before >= timedelta(days=7)
    assert {name: body[name] for name in ("email", "role", "read_only", "accounts", "status")} == {
        "email": email,
        "role": "viewer",
        "read_only": False,
        "accounts": [shop],
        "status": "open",
    }
    assert body["invited_by"].endswith("first key")
    assert acme.read(f"/v1/invitations/{body['id']}") == body
    (message,) = post.to(email)
    assert message.subject == "[Underone] Invitation to an agency"
    assert post.token(email) not in response.content.decode()


def test_accept_creates_new_user_with_session(acme: Client, post: Outbox) -> None:
    shop, other, email = acme.take_on(), acme.take_on(partner="A2OTHER"), new_email()
    invite(acme, email, accounts=[shop])

    response = accept(post.token(email), name="Client of Acme")

    body = response.json()
    assert response.status_code == 201, response.content
    assert body["person"] | {"id": ""} == {
        "id": "",
        "name": "Client of Acme",
        "email": email,
        "language": "en",
    }
    assert (body["membership"]["agency"]["name"], body["membership"]["accounts"]) == ("Acme", [shop])
    visitor = Visitor().carry(body["session"]["token"])
    me = visitor.get("/v1/me").json()
    assert me["memberships"][0]["id"] == body["membership"]["id"]
    assert other not in str(me)
    assert left(acme) == []
    assert visitor.sign_in(email)


def test_accept_by_existing_user_adds_membership_without_session(
    acme: Client, rival: Client, post: Outbox, mei: Person
) -> None:
    create_member(rival.agency, mei, role=Role.VIEWER)
    invite(acme, mei.email, role="manager")

    response = accept(post.token(mei.email), name="Somebody else", password="another quiet river")

    assert (response.status_code, response.json()["session"]) == (201, None)
    assert response.json()["person"]["name"] == "Mei Lin"
    signed_in = Visitor().sign_in(mei.email, PASSWORD)
    assert {each["agency"]["name"]: each["role"] for each in signed_in["memberships"]} == {
        "Rival": "viewer",
        "Acme": "manager",
    }


def test_accept_without_password_allows_sign_in_by_code(acme: Client, post: Outbox) -> None:
    email = new_email()
    invite(acme, email)

    assert accept(post.token(email), password=None).status_code == 201

    assert Visitor().send("/v1/auth/sign-in", email=email, password=PASSWORD).status_code == 401
    assert Visitor().send("/v1/auth/code", email=email).status_code == 202
    assert post.to(email)[-1].subject == "[Underone] Your sign-in code"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"password": "short"}, "/password"),
        ({"password": "clientclient"}, "/password"),
    ],
)
def test_accept_requires_name_and_strong_password_of_new_user(
    acme: Client, post: Outbox, fields: dict[str, str], pointer: str
) -> None:
    email = f"clientclient{new_email()}"
    invite(acme, email)
    token = post.token(email)

    refused = accept(token, **fields)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, pointer)
    assert not Person.objects.filter(email=email).exists()
    assert accept(token).status_code == 201


def test_accept_refuses_forged_used_revoked_or_replaced_token(acme: Client, post: Outbox) -> None:
    used, withdrawn, replaced = (new_email() for _ in range(3))
    ids = {email: invite(acme, email)["id"] for email in (used, withdrawn, replaced)}
    tokens = {email: post.token(email) for email in ids}
    assert accept(tokens[used]).status_code == 201
    assert acme.delete(f"/v1/invitations/{ids[withdrawn]}").status_code == 204
    assert acme.post(f"/v1/invitations/{ids[replaced]}/send").status_code == 200
    newer = post.token(replaced)

    forged = [*tokens.values(), newer[:-1], newer + "A", newer.upper(), "uo_inv_", "nothing"]
    responses = [accept(token) for token in forged]

    assert {(answer.status_code, answer.json()["type"]) for answer in responses} == {
        (403, "/problems/token-opens-nothing")
    }
    assert accept(newer).status_code == 201


def test_invitation_expires_after_a_week_and_can_be_resent(acme: Client, post: Outbox) -> None:
    email = new_email()
    invitation = invite(acme, email)
    with context.agency(acme.agency.pk):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert accept(post.token(email)).status_code == 403
    assert acme.read(f"/v1/invitations/{invitation['id']}")["status"] == "expired"
    again = acme.post(f"/v1/invitations/{invitation['id']}/send")

    assert (again.status_code, again.json()["status"]) == (200, "open")
    assert accept(post.token(email)).status_code == 201


def test_invitation_token_is_in_mail_only(acme: Client, post: Outbox, settings: LazySettings) -> None:
    settings.PEOPLE_URL = "https://app.agency.example/people"
    email = new_email()
    invite(acme, email)

    token = post.token(email)

    assert f"https://app.agency.example/people/invitation#token={token}" in str(post.to(email)[0].body)
    with context.agency(acme.agency.pk), connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, '') FROM accounts_invitation t")
        (row,) = cursor.fetchone()
        cursor.execute("SELECT coalesce(string_agg(t::text, ''), '') FROM accounts_auditentry t")
        (noted,) = cursor.fetchone()
    assert email in row
    assert token not in row + noted
    assert email not in noted


def test_accept_twice_at_once_creates_one_member(acme: Client, post: Outbox) -> None:
    email = new_email()
    invite(acme, email)
    token, answers = post.token(email), []
    barrier = threading.Barrier(4)

    def run() -> None:
        barrier.wait()
        answers.append(accept(token).status_code)
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [201, 403, 403, 403]
    assert Person.objects.filter(email=email).count() == 1
    assert [each["person"]["email"] for each in acme.read("/v1/members")["data"]] == [email]


def test_accept_for_two_agencies_at_once_creates_one_user(acme: Client, rival: Client, post: Outbox) -> None:
    email = new_email()
    invite(acme, email)
    acme_token = post.token(email)
    invite(rival, email)
    rival_token, answers = post.token(email), []
    barrier = threading.Barrier(2)

    def run(token: str) -> None:
        barrier.wait()
        answers.append(accept(token).status_code)
        connections.close_all()

    threads = [threading.Thread(target=run, args=[token]) for token in (acme_token, rival_token)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [201, 201]
    assert {each["agency"]["name"] for each in Visitor().sign_in(email)["memberships"]} == {"Acme", "Rival"}


def test_invitation_of_invited_address_or_member_is_refused(acme: Client, mei: Person) -> None:
    create_member(acme.agency, mei)
    email = new_email()
    invite(acme, email)

    responses = [
        acme.post("/v1/invitations", {"email": each, "role": "viewer"}, format="json")
        for each in (email.upper(), mei.email)
    ]

    assert [(each.status_code, each.json()["type"]) for each in responses] == [
        (409, "/problems/already-invited"),
        (409, "/problems/already-member"),
    ]


def test_invitations_are_limited_in_number(acme: Client) -> None:
    now = timezone.now()
    with context.agency(acme.agency.pk):
        Invitation.objects.bulk_create(
            Invitation(
                agency=acme.agency,
                email=f"{n}@agency.example",
                role=Role.VIEWER,
                digest=n.to_bytes(32, "big"),
                created_at=now,
                sent_at=now,
                expires_at=now,
            )
            for n in range(MAX_INVITATIONS)
        )

    response = acme.post("/v1/invitations", {"email": new_email(), "role": "viewer"}, format="json")

    assert (response.status_code, response.json()["type"]) == (409, "/problems/too-many-invitations")


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"email": "nobody"}, 400, "/email"),
        ({"role": "owner"}, 400, "/role"),
        ({"role": None}, 400, "/role"),
        ({"role": "admin", "accounts": ["{shop}"]}, 409, "/accounts"),
        ({"accounts": []}, 400, "/accounts"),
        ({"accounts": ["{shop}", f"acct_{'0' * 32}"]}, 404, "/accounts/1"),
        ({"accounts": ["{theirs}"]}, 404, "/accounts/0"),
        ({"read_only": "perhaps"}, 400, "/read_only"),
    ],
)
def test_invitation_with_invalid_fields_is_refused_by_field(
    acme: Client, rival: Client, fields: dict[str, Any], status: int, pointer: str
) -> None:
    ids = {"{shop}": acme.take_on(), "{theirs}": rival.take_on()}
    named = [ids.get(each, each) for each in fields.get("accounts", ())]
    body = (
        {"email": new_email(), "role": "viewer"}
        | fields
        | ({"accounts": named} if "accounts" in fields else {})
    )

    response = acme.post("/v1/invitations", body, format="json")

    assert (response.status_code, [each["pointer"] for each in response.json()["errors"]]) == (
        status,
        [pointer],
    )


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_invitations_require_admin(acme: Client, visitor: Visitor, mei: Person, role: Role) -> None:
    invitation = invite(acme, new_email())["id"]
    create_member(acme.agency, mei, role=role)
    visitor.sign_in(mei.email)

    responses = [
        visitor.send("/v1/invitations", email=new_email(), role="viewer"),
        visitor.get("/v1/invitations"),
        visitor.get(f"/v1/invitations/{invitation}"),
        visitor.send(f"/v1/invitations/{invitation}/send"),
        visitor.delete(f"/v1/invitations/{invitation}"),
        visitor.get("/v1/members"),
    ]

    assert [answer.status_code for answer in responses] == [403] * 6


def test_invitation_by_admin_member_is_created(acme: Client, visitor: Visitor, mei: Person) -> None:
    member = create_member(acme.agency, mei)
    visitor.sign_in(mei.email)

    assert invite(visitor, new_email())["invited_by"] == f"{member.public_id} Mei Lin"


def test_invitation_of_other_agency_is_not_found(acme: Client, rival: Client) -> None:
    path = f"/v1/invitations/{invite(acme, new_email())['id']}"

    responses = [rival.get(path), rival.delete(path), rival.post(f"{path}/send")]

    assert [answer.status_code for answer in responses] == [404] * 3
    assert left(rival) == []


def test_accept_by_inactive_user_is_refused(acme: Client, post: Outbox) -> None:
    shut_out = create_user()
    Person.objects.filter(pk=shut_out.pk).update(is_active=False)
    invite(acme, shut_out.email)

    assert accept(post.token(shut_out.email)).status_code == 403
    with context.agency(acme.agency.pk):
        assert not Member.objects.exists()


def test_accept_for_closed_agency_is_refused(
    acme: Client, post: Outbox, visitor: Visitor, mei: Person
) -> None:
    email = new_email()
    create_member(acme.agency, mei)
    invite(acme, email)
    visitor.sign_in(mei.email)
    with context.agency(acme.agency.pk):
        agencies.close(agency=acme.agency, by="key_1", actor=Actor("key_1", "first key"), now=timezone.now())

    assert accept(post.token(email)).status_code == 403
    assert visitor.get("/v1/accounts").status_code == 401


def test_accept_attempts_are_limited(visitor: Visitor) -> None:
    statuses = [
        visitor.send("/v1/invitations/accept", token=f"uo_inv_{n}", name="Nobody").status_code
        for n in range(21)
    ]

    assert statuses == [403] * 20 + [429]


def test_invitations_are_recorded_in_audit_log(acme: Client, post: Outbox) -> None:
    joined, gone = new_email(), new_email()
    first, second = (invite(acme, email)["id"] for email in (joined, gone))
    acme.post(f"/v1/invitations/{first}/send")
    member = accept(post.token(joined), name="Client").json()["membership"]["id"]
    acme.delete(f"/v1/invitations/{second}")

    entries = [
        each
        for each in acme.read("/v1/audit-log")["data"]
        if each["what"].startswith(("invitation.", "member."))
    ]
    noted = [(each["what"], each["about"], each["who"].partition(" ")[2]) for each in entries]

    assert noted == [
        ("invitation.revoked", second, "first key"),
        ("member.joined", member, "Client"),
        ("invitation.sent_again", first, "first key"),
        ("member.invited", second, "first key"),
        ("member.invited", first, "first key"),
    ]


def test_invitation_mails_are_limited_per_recipient(acme: Client, rival: Client, post: Outbox) -> None:
    email, other = new_email(), new_email()
    invitation = invite(acme, email)["id"]

    sent = [acme.post(f"/v1/invitations/{invitation}/send").status_code for _ in range(5)]
    acme.delete(f"/v1/invitations/{invitation}")
    anew = acme.post("/v1/invitations", {"email": email.upper(), "role": "viewer"}, format="json").status_code

    assert [*sent, anew] == [200] * 4 + [429] * 2
    assert invite(acme, other)["id"]
    assert invite(rival, email)["id"]
