"""Test sign-in with a code by e-mail: correct, wrong and expired codes."""

import re
import time
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import translation

from accounts.models import Person
from accounts.people import sessions
from tests import owner
from tests.accounts.people.visitors import Outbox, Visitor, create_user, new_email

CODE = re.compile(r"\b[B-Z]{4}-[B-Z]{4}\b")


def ask(visitor: Visitor, email: str) -> dict[str, Any]:
    """Request a code, and continue with the pending session."""
    response = visitor.send("/v1/auth/code", email=email)
    assert response.status_code == 202, response.content
    visitor.carry(response.json()["token"], header=True)
    return dict(response.json())


def code(post: Outbox, email: str) -> str:
    """Return the code in the newest e-mail."""
    return str(CODE.findall(str(post.to(email)[-1].body))[0])


def test_code_signs_in_with_new_token(visitor: Visitor, post: Outbox, mei: Person) -> None:
    waiting = ask(visitor, mei.email)
    assert visitor.get("/v1/auth/session").status_code == 401

    response = visitor.send("/v1/auth/code/confirm", code=code(post, mei.email).lower().replace("-", " "))

    assert (response.status_code, response.json()["person"]["id"]) == (200, mei.public_id)
    assert response.json()["token"] != waiting["token"]
    assert visitor.get("/v1/auth/session").status_code == 401
    assert visitor.carry(response.json()["token"]).get("/v1/auth/session").status_code == 200


def test_code_is_sent_in_the_language_of_the_user(visitor: Visitor, post: Outbox, mei: Person) -> None:
    ask(visitor, mei.email)
    assert post.to(mei.email)[-1].subject == "[Underone] Your sign-in code"
    visitor.sign_in(mei.email)

    changed = visitor.patch("/v1/auth/session", {"language": "zh-hans"}, format="json")
    refused = visitor.patch("/v1/auth/session", {"language": "de"}, format="json")
    unchanged = visitor.patch("/v1/auth/session", {}, format="json")
    # The language of the request does not matter: somebody else may send it.
    ask(Visitor(), mei.email)

    assert (changed.status_code, changed.json()["person"]["language"]) == (200, "zh-hans")
    assert (unchanged.status_code, unchanged.json()["person"]["language"]) == (200, "zh-hans")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/language")
    assert post.to(mei.email)[-1].subject == "[Underone] 您的登录验证码"


def test_new_user_has_the_language_of_the_request(db: None) -> None:
    with translation.override("zh-hans"):
        assert create_user().language == "zh-hans"
    assert create_user().language == "en"


def test_code_works_once(visitor: Visitor, post: Outbox, mei: Person) -> None:
    ask(visitor, mei.email)
    known = code(post, mei.email)

    responses = [visitor.send("/v1/auth/code/confirm", code=known) for _ in range(2)]

    assert [answer.status_code for answer in responses] == [200, 401]


def test_code_session_ends_after_three_wrong_codes(visitor: Visitor, post: Outbox, mei: Person) -> None:
    ask(visitor, mei.email)

    wrong = [visitor.send("/v1/auth/code/confirm", code="BBBB-BBBB") for _ in range(3)]
    right = visitor.send("/v1/auth/code/confirm", code=code(post, mei.email))

    assert [answer.status_code for answer in [*wrong, right]] == [401] * 4
    assert {answer.json()["type"] for answer in [*wrong, right]} == {"/problems/sign-in-failed"}


def test_code_of_other_session_is_refused(visitor: Visitor, post: Outbox, mei: Person) -> None:
    ask(visitor, mei.email)
    known = code(post, mei.email)
    thief = Visitor()
    ask(thief, mei.email)

    assert thief.send("/v1/auth/code/confirm", code=known).status_code == 401
    thief.credentials()
    assert thief.send("/v1/auth/code/confirm", code=known).status_code == 401
    assert visitor.send("/v1/auth/code/confirm", code=known).status_code == 200


def test_code_expires_after_ten_minutes(visitor: Visitor, post: Outbox, mei: Person) -> None:
    token = ask(visitor, mei.email)["token"]
    session = sessions.SignedTokens().lookup_session(token)
    assert session is not None
    waiting = session["account_login"]
    waiting["state"]["stages"]["login_by_code"]["data"]["at"] = time.time() - 601
    session["account_login"] = waiting
    session.save()

    assert visitor.send("/v1/auth/code/confirm", code=code(post, mei.email)).status_code == 401


def test_code_request_for_unknown_address_looks_the_same_and_sends_nothing(post: Outbox, mei: Person) -> None:
    unknown, without_agency = new_email(), create_user()
    Person.objects.filter(pk=without_agency.pk).update(is_active=False)
    answers = []
    for email in (mei.email, unknown, without_agency.email):
        visitor = Visitor()
        response = ask(visitor, email)
        tried = [visitor.send("/v1/auth/code/confirm", code="BBBB-BBBB") for _ in range(4)]
        answers.append((sorted(response), [(each.status_code, each.json()["detail"]) for each in tried]))

    assert answers[0] == answers[1] == answers[2]
    assert [len(post.to(email)) for email in (mei.email, unknown, without_agency.email)] == [1, 0, 0]


def test_code_requests_are_limited_per_address(db: None, post: Outbox) -> None:
    for email in (create_user().email, new_email()):
        visitor = Visitor()
        responses = [visitor.send("/v1/auth/code", email=email) for _ in range(4)]

        assert [answer.status_code for answer in responses] == [202] * 3 + [429]
        assert Visitor().send("/v1/auth/code", email=email).status_code == 202


def test_code_mail_has_link_to_front_end(
    visitor: Visitor, post: Outbox, mei: Person, settings: LazySettings
) -> None:
    settings.PEOPLE_URL = "https://app.agency.example"
    visitor.send("/v1/auth/code", email=mei.email)

    (message,) = post.to(mei.email)
    session, known = re.findall(
        r"^https://app\.agency\.example/sign-in#session=(\S+)&code=(\S+)$", str(message.body), re.MULTILINE
    )[0]

    another_browser = Visitor().carry(session, header=True)
    assert another_browser.send("/v1/auth/code/confirm", code=known).status_code == 200


def test_code_session_token_does_not_become_the_signed_in_session(post: Outbox, mei: Person) -> None:
    thief, owner = Visitor(), Visitor()
    waiting = ask(thief, mei.email)["token"]
    response = owner.carry(waiting, header=True).send("/v1/auth/code/confirm", code=code(post, mei.email))

    assert response.status_code == 200
    assert thief.get("/v1/auth/session").status_code == 401


def test_code_mail_without_front_end_has_code_only(visitor: Visitor, post: Outbox, mei: Person) -> None:
    waiting = ask(visitor, mei.email)["token"]

    (message,) = post.to(mei.email)

    assert message.subject == "[Underone] Your sign-in code"
    assert waiting not in str(message.body)
    assert "http" not in str(message.body)
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": "B" * 21}, {"code": 7}])
def test_code_that_is_malformed_is_refused(visitor: Visitor, mei: Person, body: dict[str, Any]) -> None:
    ask(visitor, mei.email)

    assert visitor.send("/v1/auth/code/confirm", **body).status_code in {400, 401}
    assert owner.execute("SELECT count(*) FROM django_session") == [(1,)]
