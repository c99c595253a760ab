"""Test users from sign-up to sign-out: invitations, roles, account limits and removal."""

import pytest
from django.conf import LazySettings

from tests import build
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, new_email

ACCOUNT = {"name": "Nordwind Outdoor", "selling_partner_id": "A2NORDWIND", "home_marketplace": "US"}


@pytest.fixture
def mailboxes(committed_db: None) -> Outbox:
    """Return the mailboxes, without e-mails that other tests left in the queue."""
    Outbox().collect()
    return Outbox()


def accept_invitation(mailboxes: Outbox, email: str, *, name: str) -> Visitor:
    """Accept the newest invitation of `email` as a new user, and sign in."""
    visitor = Visitor()
    response = visitor.send(
        "/v1/invitations/accept", token=mailboxes.token(email), name=name, password=PASSWORD
    )
    assert response.status_code == 201, response.content
    return visitor.carry(response.json()["session"]["token"])


def test_users_sign_up_work_and_sign_out(mailboxes: Outbox, settings: LazySettings) -> None:
    settings.SIGN_UP = True
    owner_at, manager_at, client_at = (new_email() for _ in range(3))
    body = {"agency_name": "Marlowe & Finch", "name": "Ana", "email": owner_at}
    assert Visitor().send("/v1/auth/sign-up", **body).status_code == 202
    owner = accept_invitation(mailboxes, owner_at, name="Ana")

    shops = [
        owner.send("/v1/accounts", **ACCOUNT | {"selling_partner_id": f"A{n}"}).json()["id"] for n in (1, 2)
    ]
    for email, rights in (
        (manager_at, {"role": "manager"}),
        (client_at, {"role": "viewer", "accounts": shops[:1]}),
    ):
        assert owner.send("/v1/invitations", email=email, **rights).status_code == 201
    manager, client = (
        accept_invitation(mailboxes, manager_at, name="Ben"),
        accept_invitation(mailboxes, client_at, name="Cleo"),
    )

    defect = build.defect(order=build.order_id(1))
    assert manager.send(f"/v1/accounts/{shops[0]}/defects", defects=[defect]).status_code == 202
    assert client.send(f"/v1/accounts/{shops[0]}/defects", defects=[defect]).status_code == 403
    assert [each["id"] for each in client.get("/v1/accounts").json()["data"]] == shops[:1]
    assert client.get(f"/v1/accounts/{shops[1]}").status_code == 404

    people = {each["person"]["name"]: each["id"] for each in owner.get("/v1/members").json()["data"]}
    assert set(people) == {"Ana", "Ben", "Cleo"}
    assert owner.delete(f"/v1/members/{people['Ana']}").status_code == 409
    assert owner.patch(f"/v1/members/{people['Ben']}", {"role": "admin"}, format="json").status_code == 200
    assert owner.delete(f"/v1/members/{people['Ana']}").status_code == 204
    assert owner.get("/v1/me").status_code == 401

    entries = [each["what"] for each in manager.get("/v1/audit-log").json()["data"]]
    assert entries[:2] == ["member.removed", "member.changed"]
    assert entries[-1] == "agency.opened"
    assert manager.delete("/v1/auth/session").status_code == 204
    assert manager.get("/v1/me").status_code == 401
    assert manager.sign_in(manager_at)["memberships"][0]["role"] == "admin"
