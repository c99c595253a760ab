"""Test passwords: reset, first password, and change."""

import itertools
import re
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import identify_hasher
from django.db import transaction

from accounts.models import FormerPassword, Person
from accounts.tenancy import context
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, create_user, new_email
from tests.architecture.statements import rows

NEW = "seven green windows"


def key(post: Outbox, email: str) -> str:
    """Return the key in the newest e-mail that has one."""
    texts = [str(message.body) for message in post.to(email) if "key" in str(message.body)]
    return str(re.findall(r"^([0-9a-z]+-\S+)$", texts[-1], re.MULTILINE)[0])


def test_password_is_reset_with_key_from_mail(visitor: Visitor, post: Outbox, mei: Person) -> None:
    signed_in = Visitor()
    signed_in.sign_in(mei.email)
    assert visitor.send("/v1/auth/password/forgotten", email=mei.email.upper()).status_code == 202

    response = visitor.send("/v1/auth/password/reset", key=key(post, mei.email), password=NEW)

    assert (response.status_code, response.content) == (204, b"")
    assert visitor.send("/v1/auth/sign-in", email=mei.email, password=PASSWORD).status_code == 401
    assert visitor.sign_in(mei.email, NEW)
    assert signed_in.get("/v1/auth/session").status_code == 401
    assert post.to(mei.email)[-1].subject == "[Underone] Your password was reset"


def test_password_reset_key_works_once_and_unchanged(visitor: Visitor, post: Outbox, mei: Person) -> None:
    visitor.send("/v1/auth/password/forgotten", email=mei.email)
    given = key(post, mei.email)
    other = create_user()
    forged = [
        given[:-1],
        given + "0",
        given.partition("-")[2],
        "nothing",
        f"{given.partition('-')[0]}-{given}",
        "",
    ]

    statuses = [
        visitor.send("/v1/auth/password/reset", key=each, password=NEW).status_code for each in forged
    ]
    used = [
        visitor.send("/v1/auth/password/reset", key=given, password=each).status_code
        for each in (NEW, PASSWORD)
    ]

    assert statuses == [404] * (len(forged) - 1) + [400]
    assert used == [204, 404]
    assert Visitor().sign_in(other.email)


def test_password_reset_key_expires_after_an_hour(
    visitor: Visitor, post: Outbox, mei: Person, settings: LazySettings
) -> None:
    visitor.send("/v1/auth/password/forgotten", email=mei.email)
    settings.PASSWORD_RESET_TIMEOUT = -1

    response = visitor.send("/v1/auth/password/reset", key=key(post, mei.email), password=NEW)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (404, "/key")


def test_password_reset_does_not_reveal_known_addresses(visitor: Visitor, post: Outbox, mei: Person) -> None:
    unknown = new_email()

    responses = [visitor.send("/v1/auth/password/forgotten", email=email) for email in (mei.email, unknown)]

    assert [(answer.status_code, answer.content) for answer in responses] == [(202, b"")] * 2
    assert [len(post.to(email)) for email in (mei.email, unknown)] == [1, 0]


def test_password_reset_mails_are_limited(db: None) -> None:
    email, visitor = new_email(), Visitor()

    statuses = [visitor.send("/v1/auth/password/forgotten", email=email).status_code for _ in range(6)]

    assert statuses == [202] * 5 + [429]
    assert Visitor().send("/v1/auth/password/forgotten", email=email).status_code == 202


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too short"),
        ("qv8#kz0!wel", "at least 12 characters"),
        ("password123", "too common"),
        ("12345678901234", "entirely numeric"),
        ("mei lin mei", "too similar"),
    ],
)
def test_weak_password_is_refused_with_reason(
    visitor: Visitor, post: Outbox, mei: Person, password: str, why: str
) -> None:
    visitor.send("/v1/auth/password/forgotten", email=mei.email)

    response = visitor.send("/v1/auth/password/reset", key=key(post, mei.email), password=password)

    errors: list[dict[str, Any]] = response.json()["errors"]
    assert (response.status_code, {each["pointer"] for each in errors}) == (400, {"/password"})
    assert any(why in each["detail"] for each in errors)


def test_password_change_ends_other_sessions(visitor: Visitor, post: Outbox, mei: Person) -> None:
    other = Visitor()
    for each in (other, visitor):
        each.sign_in(mei.email)

    response = visitor.send("/v1/auth/password", current_password=PASSWORD, password=NEW)

    assert response.status_code == 200, response.content
    assert other.get("/v1/auth/session").status_code == 401
    assert visitor.get("/v1/auth/session").status_code == 401
    assert visitor.carry(response.json()["token"]).get("/v1/auth/session").status_code == 200
    assert Visitor().sign_in(mei.email, NEW)
    assert post.to(mei.email)[-1].subject == "[Underone] Your password was changed"


@pytest.mark.parametrize("current", [None, "", "another quiet river"])
def test_password_change_requires_current_password(
    visitor: Visitor, mei: Person, current: str | None
) -> None:
    visitor.sign_in(mei.email)
    sent = {"password": NEW} | ({} if current is None else {"current_password": current})

    response = visitor.send("/v1/auth/password", **sent)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/current_password")
    assert Visitor().sign_in(mei.email)


def test_password_change_attempts_are_limited(visitor: Visitor, mei: Person) -> None:
    visitor.sign_in(mei.email)

    responses = [
        visitor.send("/v1/auth/password", current_password=f"guess {n}", password=NEW) for n in range(6)
    ]

    assert [answer.status_code for answer in responses] == [400] * 5 + [429]


def test_passwords_are_stored_with_slow_hash(mei: Person) -> None:
    assert identify_hasher(mei.password).algorithm == "scrypt"
    assert PASSWORD not in mei.password


def test_last_ten_passwords_are_refused(visitor: Visitor, mei: Person, settings: LazySettings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"change_password": "100/m/user"}
    token = visitor.sign_in(mei.email)["token"]
    used = [
        PASSWORD,
        *(
            f"{word} green windows"
            for word in ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
        ),
    ]
    for before, after in itertools.pairwise(used):
        token = set_password(visitor, token, before, after).json()["token"]

    refused = [set_password(Visitor(), token, used[-1], each) for each in used]

    assert {response.status_code for response in refused} == {400}
    assert refused[0].json()["errors"] == [
        {"pointer": "/password", "detail": "This is one of your last ten passwords. Choose another one."}
    ]
    token = set_password(visitor, token, used[-1], "10 quiet green windows").json()["token"]
    assert set_password(visitor, token, "10 quiet green windows", PASSWORD).status_code == 200
    assert len(former_passwords(mei.pk)) == 10


def test_password_reset_refuses_former_password(visitor: Visitor, post: Outbox, mei: Person) -> None:
    visitor.send("/v1/auth/password/forgotten", email=mei.email)
    given = key(post, mei.email)

    refused = visitor.send("/v1/auth/password/reset", key=given, password=PASSWORD)
    accepted = visitor.send("/v1/auth/password/reset", key=given, password=NEW)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/password")
    assert accepted.status_code == 204


def test_password_from_before_history_is_refused(visitor: Visitor, mei: Person) -> None:
    with transaction.atomic():
        context.set_local(person=str(mei.pk))
        FormerPassword.objects.all().delete()
    token = visitor.sign_in(mei.email)["token"]

    assert set_password(visitor, token, PASSWORD, PASSWORD).status_code == 400


def test_former_passwords_are_visible_to_their_user_and_deleted_with_it(mei: Person) -> None:
    people = (mei.pk, create_user().pk)

    assert rows("SELECT count(*) FROM accounts_formerpassword") == [0]
    assert [len(former_passwords(person)) for person in people] == [1, 1]
    mei.delete()
    assert [len(former_passwords(person)) for person in people] == [0, 1]


def former_passwords(person_id: UUID) -> list[str]:
    """Return the digests that are remembered of a user."""
    with transaction.atomic():
        context.set_local(person=str(person_id))
        return list(FormerPassword.objects.values_list("digest", flat=True))


def set_password(visitor: Visitor, token: str, current: str, new: str) -> Any:
    """Change the password with this session."""
    return visitor.carry(token).send("/v1/auth/password", current_password=current, password=new)
