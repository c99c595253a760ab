"""Test sign-in with a password, sessions, and sign-out."""

import statistics
import time
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from django.conf import settings
from django.contrib.auth.hashers import ScryptPasswordHasher  # type: ignore[attr-defined]  # the stubs lack it
from django.core.signing import Signer
from django.utils import timezone

from accounts.models import Agency, Person, Role
from accounts.people import sessions
from tests import owner
from tests.accounts.people.visitors import PASSWORD, Visitor, create_member, create_user, new_email
from tests.client import Client

OF_A_PERSON = [("GET", "session"), ("DELETE", "session"), ("DELETE", "sessions"), ("POST", "password")]


def summarize(response: Any) -> dict[str, Any]:
    """Return a problem without its request ID."""
    return {name: value for name, value in response.json().items() if name != "request_id"}


def expiry() -> datetime:
    """Return when the only session expires."""
    ((moment,),) = owner.execute("SELECT expire_date FROM django_session")
    return cast("datetime", moment)


def test_sign_in_with_password_returns_session(visitor: Visitor, agency: Agency, mei: Person) -> None:
    member = create_member(agency, mei, role=Role.MANAGER)

    response = visitor.send("/v1/auth/sign-in", email=mei.email.upper(), password=PASSWORD)

    body = response.json()
    assert response.status_code == 200
    assert body["token"].startswith("uo_ses_")
    assert datetime.fromisoformat(body["expires_at"]) - timezone.now() > timedelta(days=13, hours=23)
    assert body["person"] == {"id": mei.public_id, "name": "Mei Lin", "email": mei.email, "language": "en"}
    assert body["memberships"] == [
        {
            "id": member.public_id,
            "agency": {"id": agency.public_id, "name": "Acme"},
            "role": "manager",
            "read_only": False,
            "accounts": None,
        }
    ]
    assert response.cookies == {}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("header", [True, False], ids=["X-Session-Token", "Authorization"])
def test_session_is_principal_of_agency(visitor: Visitor, acme: Client, mei: Person, header: bool) -> None:
    shop = acme.take_on()
    create_member(acme.agency, mei, role=Role.VIEWER)
    visitor.carry(visitor.sign_in(mei.email)["token"], header=header)

    accounts, refused = visitor.get("/v1/accounts"), visitor.send("/v1/accounts", name="New")

    assert [each["id"] for each in accounts.json()["data"]] == [shop]
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-permitted")


def test_member_actions_are_recorded_with_name(visitor: Visitor, acme: Client, mei: Person) -> None:
    member = create_member(acme.agency, mei)
    visitor.sign_in(mei.email)

    made = visitor.send("/v1/webhook-endpoints", url="https://hooks.example.com/in")

    assert made.status_code == 201, made.content
    assert visitor.get("/v1/audit-log").json()["data"][0]["who"] == f"{member.public_id} Mei Lin"


@pytest.mark.parametrize(
    ("known", "password"),
    [(True, "a quiet orange rivet"), (False, PASSWORD)],
    ids=["wrong password", "unknown mailbox"],
)
def test_sign_in_failure_does_not_reveal_cause(
    visitor: Visitor, mei: Person, known: bool, password: str
) -> None:
    response = visitor.send("/v1/auth/sign-in", email=mei.email if known else new_email(), password=password)

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert summarize(response) == {
        "type": "/problems/sign-in-failed",
        "title": "Sign-in failed",
        "status": 401,
        "detail": "The e-mail address or password is incorrect.",
    }


def test_sign_in_with_unknown_address_takes_as_long(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScryptPasswordHasher, "work_factor", 2**14)  # as in production
    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(5):
        for known, times in taken.items():
            email = create_user().email if known else new_email()
            visitor, before = Visitor(), time.thread_time()
            visitor.send("/v1/auth/sign-in", email=email, password="a quiet orange rivet")
            times.append(time.thread_time() - before)

    known_for, unknown_for = (statistics.median(taken[known]) for known in (True, False))
    assert 0.5 < unknown_for / known_for < 2


def test_sign_in_of_inactive_user_or_without_password_reveals_nothing(visitor: Visitor, mei: Person) -> None:
    Person.objects.filter(pk=mei.pk).update(is_active=False)
    without = create_user(password=None)

    responses = [
        visitor.send("/v1/auth/sign-in", email=each.email, password=PASSWORD) for each in (mei, without)
    ]

    assert [(answer.status_code, summarize(answer)["type"]) for answer in responses] == [
        (401, "/problems/sign-in-failed")
    ] * 2


def test_sign_in_attempts_are_limited_per_client_address(visitor: Visitor) -> None:
    statuses = [
        visitor.send("/v1/auth/sign-in", email=new_email(), password=PASSWORD).status_code for _ in range(11)
    ]

    assert statuses == [401] * 10 + [429]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "mei"},
        {"email": "mei@agency.example"},
        {"email": "mei@agency.example", "password": ""},
        {"email": 7},
    ],
)
def test_sign_in_with_invalid_fields_is_refused_by_field(visitor: Visitor, body: dict[str, Any]) -> None:
    response = visitor.send("/v1/auth/sign-in", **body)

    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-request")
    assert {each["pointer"] for each in response.json()["errors"]} <= {"/email", "/password"}


def test_sign_in_ignores_allauth_fields(visitor: Visitor, mei: Person) -> None:
    response = visitor.send("/v1/auth/sign-in", username=mei.email, phone="+4912345", password=PASSWORD)

    assert response.json()["errors"] == [{"pointer": "/email", "detail": "This field is required."}]


def test_allauth_paths_are_not_routed(visitor: Visitor) -> None:
    paths = [f"{start}app/v1/auth/login" for start in ("/", "/v1/", "/_allauth/", "/v1/auth/")]

    assert {
        visitor.send(path, email="mei@agency.example", password=PASSWORD).status_code for path in paths
    } == {404}
    assert visitor.get("/staff/").status_code == 404


def test_session_cookie_does_not_authenticate(visitor: Visitor, acme: Client, mei: Person) -> None:
    create_member(acme.agency, mei)
    token = visitor.sign_in(mei.email)["token"]
    visitor.credentials()
    key = token.removeprefix("uo_ses_").partition(".")[0]

    for value in (key, token):
        visitor.cookies[settings.SESSION_COOKIE_NAME] = visitor.cookies["sessionid"] = value
        assert [visitor.get(path).status_code for path in ("/v1/me", "/v1/auth/session")] == [401, 401]


def test_session_key_of_database_does_not_authenticate(visitor: Visitor, acme: Client, mei: Person) -> None:
    create_member(acme.agency, mei)
    visitor.sign_in(mei.email)
    ((stored,),) = owner.execute("SELECT session_key FROM django_session")

    forged = [
        stored,
        f"uo_ses_{stored}",
        f"uo_ses_{stored}.",
        f"uo_ses_{Signer(key='another', salt='accounts.people.sessions', sep='.').sign(stored)}",
        f"uo_ses_{Signer(sep='.').sign(stored)}",
        f"uo_ses_{Signer(salt='accounts.people.sessions', sep='.').sign(stored)}",
        "uo_ses_",
        "uo_ses_é",
    ]

    for token in forged:
        for header in (True, False):
            response = visitor.carry(token.encode().decode("latin-1"), header=header).get("/v1/me")
            assert (token, response.status_code) == (token, 401)


def test_session_ends_after_two_weeks_without_use(visitor: Visitor, acme: Client, mei: Person) -> None:
    create_member(acme.agency, mei)
    visitor.sign_in(mei.email)
    owner.execute("UPDATE django_session SET expire_date = %s", timezone.now() - timedelta(seconds=1))

    assert visitor.get("/v1/me").status_code == 401


def test_session_use_extends_and_is_recorded_once_an_hour(
    visitor: Visitor, acme: Client, mei: Person
) -> None:
    create_member(acme.agency, mei)
    token = visitor.sign_in(mei.email)["token"]
    first = expiry()
    session, _ = sessions.get(token=token)
    now = timezone.now()

    soon = sessions.extend(session=session, now=now + timedelta(minutes=59))
    unchanged = expiry()
    later = sessions.extend(session=session, now=now + timedelta(minutes=61))

    assert unchanged == first
    assert expiry() > first
    assert later - soon > timedelta(hours=1)


def test_session_ended_meanwhile_is_not_restored(visitor: Visitor, mei: Person) -> None:
    session, _ = sessions.get(token=visitor.sign_in(mei.email)["token"])
    owner.execute("DELETE FROM django_session")

    with pytest.raises(sessions.Ended):
        sessions.extend(session=session, now=timezone.now() + timedelta(days=1))

    assert owner.execute("SELECT session_key FROM django_session") == []


def test_sign_out_ends_one_session(visitor: Visitor, mei: Person) -> None:
    other = Visitor()
    other.sign_in(mei.email)
    visitor.sign_in(mei.email)

    assert visitor.delete("/v1/auth/session").status_code == 204

    assert [each.get("/v1/auth/session").status_code for each in (visitor, other)] == [401, 200]


def test_sign_out_everywhere_ends_all_sessions(visitor: Visitor, mei: Person) -> None:
    other, another_user = Visitor(), Visitor()
    another_user.sign_in(create_user().email)
    for each in (other, visitor):
        each.sign_in(mei.email)

    assert visitor.delete("/v1/auth/sessions").status_code == 204

    assert [each.get("/v1/auth/session").status_code for each in (visitor, other, another_user)] == [
        401,
        401,
        200,
    ]
    assert visitor.sign_in(mei.email)


def test_deactivated_user_loses_access_at_once(visitor: Visitor, mei: Person) -> None:
    visitor.sign_in(mei.email)
    Person.objects.filter(pk=mei.pk).update(is_active=False)

    assert visitor.get("/v1/auth/session").status_code == 401


@pytest.mark.parametrize(("method", "path"), OF_A_PERSON)
@pytest.mark.parametrize("token", ["", "uo_ses_nothing.at-all"])
def test_user_operations_require_session(
    visitor: Visitor, acme: Client, method: str, path: str, token: str
) -> None:
    if token:
        visitor.carry(token)

    for client in (visitor, acme):
        response = client.generic(method, f"/v1/auth/{path}", b"{}", content_type="application/json")

        assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")


def test_session_shows_its_user(visitor: Visitor, agency: Agency, mei: Person) -> None:
    create_member(agency, mei)
    signed_in = visitor.sign_in(mei.email)

    body = visitor.get("/v1/auth/session").json()

    assert {name: body[name] for name in ("token", "person", "memberships")} == {
        name: signed_in[name] for name in ("token", "person", "memberships")
    }
