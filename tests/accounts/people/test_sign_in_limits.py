"""Test that guesses are bounded, and that an attacker cannot keep a user out."""

import pytest
from django.conf import LazySettings
from django.test import Client as Browser
from django.test import RequestFactory

from accounts.models import Person
from accounts.people import rate_limits
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, address, new_email

KINDS = ("password", "code_mail", "reset_mail", "sign_up")
WRONG = "a quiet orange rivet"


def guess(visitor: Visitor, email: str, password: str = WRONG) -> int:
    """Try a password, and return the status."""
    return int(visitor.send("/v1/auth/sign-in", email=email, password=password).status_code)


def exhaust(kind: str, mailbox: str) -> int:
    """Try from ever new addresses until the mailbox is closed to them; return how many were admitted."""
    factory = RequestFactory()
    for number in range(1000):
        request = factory.post("/", REMOTE_ADDR=f"100.64.{number // 250}.{number % 250}")
        if rate_limits.count_attempt(request=request, kind=kind, mailbox=mailbox) is None:
            return number
    raise AssertionError("A thousand attempts were admitted.")


def test_attempts_are_limited_per_mailbox_and_address(visitor: Visitor, mei: Person) -> None:
    statuses = [guess(visitor, mei.email.upper() if n % 2 else mei.email) for n in range(6)]

    assert statuses == [401] * 5 + [429]
    assert guess(visitor, mei.email, PASSWORD) == 429


def test_attacker_at_another_address_cannot_keep_user_out(db: None, mei: Person) -> None:
    attacker = Visitor()
    assert [guess(attacker, mei.email) for _ in range(12)][-1] == 429

    assert guess(Visitor(), mei.email, PASSWORD) == 200


@pytest.mark.parametrize("kind", KINDS)
def test_one_address_cannot_use_up_limit_of_mailbox(
    db: None, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Try every ten minutes for ten hours."""
    mailbox, attacker = new_email(), RequestFactory().post("/", REMOTE_ADDR=address())
    now = 1_800_000_000.0
    monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: now)

    for _ in range(60):
        rate_limits.count_attempt(request=attacker, kind=kind, mailbox=mailbox)
        now += 600

    owner = RequestFactory().post("/", REMOTE_ADDR=address())
    assert rate_limits.count_attempt(request=owner, kind=kind, mailbox=mailbox) is not None


@pytest.mark.parametrize(
    ("kind", "most"), [("password", 100), ("code_mail", 20), ("reset_mail", 20), ("sign_up", 10)]
)
def test_attempts_from_many_addresses_are_bounded(db: None, kind: str, most: int) -> None:
    assert exhaust(kind, new_email()) == most


def test_known_address_is_admitted_while_many_addresses_guess(visitor: Visitor, mei: Person) -> None:
    visitor.sign_in(mei.email)

    exhaust("password", mei.email)

    assert guess(Visitor(), mei.email, PASSWORD) == 429
    assert guess(visitor, mei.email, PASSWORD) == 200
    assert [guess(visitor, mei.email) for _ in range(6)] == [401] * 5 + [429]


def test_code_by_mail_admits_new_address_while_many_addresses_guess(
    visitor: Visitor, post: Outbox, mei: Person
) -> None:
    exhaust("password", mei.email)

    response = visitor.send("/v1/auth/code", email=mei.email)

    assert response.status_code == 202


def test_guesses_at_staff_page_and_api_share_their_limit(
    visitor: Visitor, mei: Person, settings: LazySettings
) -> None:
    settings.ROOT_URLCONF = "tests.config.staff_urls"
    for _ in range(5):
        guess(visitor, mei.email)

    browser = Browser(REMOTE_ADDR=visitor.defaults["REMOTE_ADDR"])
    response = browser.post("/staff/login/", {"username": mei.email, "password": WRONG})

    assert response.status_code == 429


def test_reset_password_admits_address_with_failures(visitor: Visitor, post: Outbox, mei: Person) -> None:
    for _ in range(6):
        guess(visitor, mei.email)
    visitor.send("/v1/auth/password/forgotten", email=mei.email)
    key = str(post.to(mei.email)[-1].body).split("\n\n")[1]

    assert visitor.send("/v1/auth/password/reset", key=key, password="seven green windows").status_code == 204

    assert guess(visitor, mei.email, "seven green windows") == 200
