"""Test sign-up: a token by e-mail creates one agency, if the installation allows it."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import signing
from django.db import connections

from accounts.models import Person
from accounts.people import invitations
from accounts.people import sign_up as people_sign_up
from accounts.tenancy import context
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, new_email


@pytest.fixture
def open_to_all(settings: LazySettings) -> None:
    settings.SIGN_UP = True


def sign_up(email: str, **fields: Any) -> Any:
    return Visitor().send(
        "/v1/auth/sign-up", **{"agency_name": "Nordwind", "name": "Mei Lin", "email": email} | fields
    )


def accept(token: str, **fields: Any) -> Any:
    return Visitor().send("/v1/invitations/accept", **{"token": token, "password": PASSWORD} | fields)


def test_sign_up_is_refused_when_disabled(db: None, post: Outbox, settings: LazySettings) -> None:
    email = new_email()
    refused = sign_up(email)
    settings.SIGN_UP = True
    sign_up(email)
    settings.SIGN_UP = False

    for answer in (refused, accept(post.token(email))):
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/sign-up-closed")
    assert len(post.mails) == 1
    assert context.open_agency_ids() == []


def test_sign_up_token_creates_agency_with_first_admin(db: None, post: Outbox, open_to_all: None) -> None:
    email = new_email()
    assert (sign_up(email).status_code, Person.objects.count(), context.open_agency_ids()) == (202, 0, [])

    response = accept(post.token(email))

    body = response.json()
    assert response.status_code == 201, response.content
    assert body["person"]["name"] == "Mei Lin"
    assert (body["membership"]["agency"]["name"], body["membership"]["role"]) == ("Nordwind", "admin")
    visitor = Visitor().carry(body["session"]["token"])
    assert visitor.send("/v1/invitations", email=new_email(), role="manager").status_code == 201
    assert [each["what"] for each in visitor.get("/v1/audit-log").json()["data"]] == [
        "member.invited",
        "agency.opened",
    ]
    assert post.to(email)[0].subject == "[Underone] Create your agency"


def test_sign_up_token_creates_one_agency(db: None, post: Outbox, open_to_all: None) -> None:
    email = new_email()
    sign_up(email)
    token, answers = post.token(email), []
    barrier = threading.Barrier(3)

    def run() -> None:
        barrier.wait()
        answers.append(accept(token).status_code)
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [201, 403, 403]
    assert accept(token).status_code == 403
    assert len(context.open_agency_ids()) == 1


def test_sign_up_by_existing_user_creates_agency_and_keeps_user(
    db: None, post: Outbox, open_to_all: None
) -> None:
    email = new_email()
    sign_up(email)
    accept(post.token(email))
    known = sign_up(email, agency_name="Suedwind", name="Somebody else")

    response = accept(post.token(email), password="another quiet river")

    assert (known.status_code, known.content) == (202, b"")
    assert (response.status_code, response.json()["session"], response.json()["person"]["name"]) == (
        201,
        None,
        "Mei Lin",
    )
    assert {each["agency"]["name"] for each in Visitor().sign_in(email)["memberships"]} == {
        "Nordwind",
        "Suedwind",
    }


def test_sign_up_token_forged_or_expired_is_refused(
    db: None, post: Outbox, open_to_all: None, settings: LazySettings
) -> None:
    email = new_email()
    sign_up(email)
    token = post.token(email)
    content = signing.loads(token.removeprefix(people_sign_up.TOKEN_HEAD), salt=people_sign_up.SALT)
    others = [
        people_sign_up.TOKEN_HEAD + signing.dumps(content, salt="another", compress=True),
        people_sign_up.TOKEN_HEAD
        + signing.dumps(content, key="another", salt=people_sign_up.SALT, compress=True),
        token[:-1],
        token.replace(people_sign_up.TOKEN_HEAD, invitations.TOKEN_HEAD),
    ]

    assert [accept(each).status_code for each in others] == [403] * len(others)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people_sign_up, "SIGN_UP_LIFETIME", timedelta(seconds=-1))
        assert accept(token).status_code == 403
    assert accept(token).status_code == 201


def test_sign_up_with_weak_password_creates_no_agency(db: None, post: Outbox, open_to_all: None) -> None:
    email = new_email()
    sign_up(email)

    response = accept(post.token(email), password="short")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/password")
    assert (Person.objects.count(), context.open_agency_ids()) == (0, [])


def test_sign_up_mails_are_limited(db: None, open_to_all: None) -> None:
    email, visitor = new_email(), Visitor()
    body = {"agency_name": "Nordwind", "name": "Mei"}

    by_pair = [visitor.send("/v1/auth/sign-up", email=email, **body).status_code for _ in range(4)]
    visitor = Visitor()
    by_address = [visitor.send("/v1/auth/sign-up", email=new_email(), **body).status_code for _ in range(6)]

    assert by_pair == [202] * 3 + [429]
    assert sign_up(email).status_code == 202
    assert by_address == [202] * 5 + [429]


@pytest.mark.parametrize("missing", ["agency_name", "name", "email"])
def test_sign_up_names_missing_fields(db: None, open_to_all: None, missing: str) -> None:
    body = {"agency_name": "Nordwind", "name": "Mei", "email": new_email(), missing: ""}

    response = Visitor().send("/v1/auth/sign-up", **body)

    assert (response.status_code, [each["pointer"] for each in response.json()["errors"]]) == (
        400,
        [f"/{missing}"],
    )


def test_sign_up_mail_goes_to_signed_address(db: None, post: Outbox, open_to_all: None) -> None:
    email = new_email()

    assert sign_up(email.upper()).status_code == 202

    assert [message.to for message in post.collect()] == [[email]]
    assert accept(post.token(email)).json()["person"]["email"] == email
