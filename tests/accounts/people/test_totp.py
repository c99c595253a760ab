"""Test authenticator apps and recovery codes: adding, signing in, and removing."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.utils import timezone

from accounts.encryption import at_rest
from accounts.models import Person
from accounts.people import second_factors
from tests.accounts.people.devices import totp_code
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, create_member, new_email
from tests.client import Client


def add_totp(visitor: Visitor) -> tuple[str, list[str]]:
    """Add an authenticator app to the signed-in user, and return its secret and the recovery codes."""
    secret = visitor.send("/v1/auth/totp").json()["secret"]
    added = visitor.send("/v1/auth/totp/activate", code=totp_code(secret))
    assert added.status_code == 201, added.content
    return secret, added.json()["recovery_codes"]


def start(email: str) -> Visitor:
    """Sign in with the password, and continue with the pending session."""
    visitor = Visitor()
    response = visitor.send("/v1/auth/sign-in", email=email, password=PASSWORD)
    assert response.status_code == 202, response.content
    return visitor.carry(response.json()["token"], header=True)


def confirm(visitor: Visitor, code: str) -> Any:
    return visitor.send("/v1/auth/second-factor", code=code)


@pytest.fixture
def signed_in(visitor: Visitor, mei: Person) -> Visitor:
    """Return Mei, who has just signed in."""
    visitor.sign_in(mei.email)
    return visitor


def test_totp_is_added_with_first_code(signed_in: Visitor) -> None:
    created = signed_in.send("/v1/auth/totp").json()
    assert signed_in.get("/v1/auth/second-factors").json() == {"data": []}

    added = signed_in.send("/v1/auth/totp/activate", code=totp_code(created["secret"]))

    assert added.status_code == 201, added.content
    assert created["url"].startswith("otpauth://totp/mei.")
    assert f"secret={created['secret']}&issuer=Underone" in created["url"]
    assert added.json()["second_factor"]["kind"] == "totp"
    assert len(set(added.json()["recovery_codes"])) == 10
    listed = signed_in.get("/v1/auth/second-factors").json()["data"]
    assert [(each["kind"], each["unused_codes"]) for each in listed] == [
        ("totp", None),
        ("recovery_codes", 10),
    ]
    assert created["secret"] not in str(listed)


def test_wrong_first_code_adds_nothing(signed_in: Visitor) -> None:
    secret = signed_in.send("/v1/auth/totp").json()["secret"]

    refused = signed_in.send("/v1/auth/totp/activate", code=totp_code(secret, steps=5))

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/code")
    assert signed_in.get("/v1/auth/second-factors").json() == {"data": []}


def test_second_authenticator_app_is_refused(signed_in: Visitor) -> None:
    secret, _ = add_totp(signed_in)

    refused = [
        signed_in.send("/v1/auth/totp"),
        signed_in.send("/v1/auth/totp/activate", code=totp_code(secret)),
    ]

    assert [each.json()["type"] for each in refused] == ["/problems/second-factor-exists"] * 2


def test_sign_in_requires_code(signed_in: Visitor, mei: Person) -> None:
    secret, _ = add_totp(signed_in)

    visitor = Visitor()
    pending = visitor.send("/v1/auth/sign-in", email=mei.email, password=PASSWORD)
    visitor.carry(pending.json()["token"], header=True)

    assert pending.status_code == 202
    assert pending.json()["second_factors"] == ["recovery_codes", "totp"]
    assert {visitor.get(path).status_code for path in ("/v1/me", "/v1/auth/session", "/v1/accounts")} == {401}
    response = confirm(visitor, totp_code(secret))
    assert (response.status_code, response.json()["person"]["id"]) == (200, mei.public_id)
    assert response.json()["token"] != pending.json()["token"]
    assert visitor.get("/v1/auth/session").status_code == 401
    assert visitor.carry(response.json()["token"]).get("/v1/auth/session").status_code == 200


def test_sign_in_by_mail_requires_code(signed_in: Visitor, post: Outbox, mei: Person) -> None:
    secret, _ = add_totp(signed_in)
    visitor = Visitor()
    visitor.carry(visitor.send("/v1/auth/code", email=mei.email).json()["token"], header=True)
    mailed = str(post.to(mei.email)[-1].body).split("code is ")[1][:9]

    pending = visitor.send("/v1/auth/code/confirm", code=mailed)

    assert (pending.status_code, pending.json()["second_factors"]) == (202, ["recovery_codes", "totp"])
    visitor.carry(pending.json()["token"], header=True)
    assert visitor.get("/v1/auth/session").status_code == 401
    assert confirm(visitor, totp_code(secret)).status_code == 200


def test_agency_of_sign_in_is_kept(signed_in: Visitor, acme: Client, rival: Client, mei: Person) -> None:
    for client in (acme, rival):
        create_member(client.agency, mei)
    secret, _ = add_totp(signed_in)
    visitor = Visitor()
    chosen = {"password": PASSWORD, "agency": rival.agency.public_id}
    visitor.carry(visitor.send("/v1/auth/sign-in", email=mei.email, **chosen).json()["token"], header=True)

    visitor.carry(confirm(visitor, totp_code(secret)).json()["token"])

    assert visitor.get("/v1/me").json()["agency"]["id"] == rival.agency.public_id


@pytest.mark.parametrize("steps", [-5, 5])
def test_code_of_other_time_is_refused(signed_in: Visitor, mei: Person, steps: int) -> None:
    secret, _ = add_totp(signed_in)

    response = confirm(start(mei.email), totp_code(secret, steps=steps))

    assert (response.status_code, response.json()["type"]) == (401, "/problems/sign-in-failed")


def test_code_works_once_while_it_is_valid(signed_in: Visitor, mei: Person) -> None:
    secret, _ = add_totp(signed_in)
    # Valid for another thirty seconds at least, longer than allauth remembers used codes.
    code = totp_code(secret, steps=1)

    statuses = [
        confirm(start(mei.email), each).status_code for each in (code, code, f"{code[:3]} {code[3:]}")
    ]

    assert statuses == [200, 401, 401]


def test_recovery_code_works_once(signed_in: Visitor, mei: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_factors, "CODE_VALID_FOR", 0)
    _, codes = add_totp(signed_in)

    statuses = [confirm(start(mei.email), codes[3]).status_code for _ in range(2)]

    assert statuses == [200, 401]
    listed = signed_in.get("/v1/auth/second-factors").json()["data"]
    assert [each["unused_codes"] for each in listed] == [None, 9]


def test_new_recovery_codes_replace_old_ones(signed_in: Visitor, post: Outbox, mei: Person) -> None:
    _, old = add_totp(signed_in)

    new = signed_in.send("/v1/auth/recovery-codes")

    assert new.status_code == 201
    assert not set(new.json()["recovery_codes"]) & set(old)
    assert confirm(start(mei.email), old[0]).status_code == 401
    assert confirm(start(mei.email), new.json()["recovery_codes"][0]).status_code == 200
    assert post.to(mei.email)[-1].subject == "[Underone] New recovery codes were created for your account"


def test_recovery_codes_require_second_factor(signed_in: Visitor) -> None:
    refused = signed_in.send("/v1/auth/recovery-codes")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/second-factor-missing")


def test_codes_are_limited(signed_in: Visitor, mei: Person) -> None:
    secret, _ = add_totp(signed_in)
    guessing = start(mei.email)

    statuses = [confirm(guessing, f"00000{n}").status_code for n in range(6)]

    assert statuses == [401] * 5 + [429]
    assert confirm(start(mei.email), totp_code(secret)).status_code == 200


def test_totp_is_removed_with_its_recovery_codes(signed_in: Visitor, post: Outbox, mei: Person) -> None:
    add_totp(signed_in)

    assert signed_in.delete("/v1/auth/totp").status_code == 204

    assert signed_in.get("/v1/auth/second-factors").json() == {"data": []}
    assert Visitor().sign_in(mei.email)
    assert signed_in.delete("/v1/auth/totp").status_code == 404
    assert [message.subject for message in post.to(mei.email)] == [
        "[Underone] An authenticator app was added to your account",
        "[Underone] The authenticator app was removed from your account",
    ]


def test_changes_are_recorded_in_every_agency(
    signed_in: Visitor, acme: Client, rival: Client, mei: Person
) -> None:
    members = [create_member(client.agency, mei) for client in (acme, rival)]
    add_totp(signed_in)
    signed_in.delete("/v1/auth/totp")

    for client, member in zip((acme, rival), members, strict=True):
        entries = client.read("/v1/audit-log")["data"][:2]
        assert [(each["what"], each["who"], each["about"], each["detail"]) for each in entries] == [
            (
                f"member.second_factor_{done}",
                f"{member.public_id} Mei Lin",
                member.public_id,
                {"kind": "totp"},
            )
            for done in ("removed", "added")
        ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "totp", {}),
        ("post", "totp/activate", {"code": "123456"}),
        ("delete", "totp", None),
        ("post", "recovery-codes", {}),
    ],
)
def test_changes_require_recent_sign_in(
    signed_in: Visitor, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: dict[str, str] | None
) -> None:
    later = timezone.now() + timedelta(minutes=11)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)

    response = getattr(signed_in, method)(f"/v1/auth/{path}", body, format="json")

    assert (response.status_code, response.json()["type"]) == (403, "/problems/sign-in-again")


def test_changed_password_is_no_recent_sign_in(signed_in: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(minutes=11)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    changed = signed_in.send("/v1/auth/password", current_password=PASSWORD, password="seven green windows")

    response = signed_in.carry(changed.json()["token"]).send("/v1/auth/totp")

    assert (response.status_code, response.json()["type"]) == (403, "/problems/sign-in-again")


@pytest.mark.parametrize("token", ["", "uo_ses_unknown"])
def test_second_factor_requires_pending_sign_in(visitor: Visitor, token: str) -> None:
    if token:
        visitor.carry(token, header=True)

    response = confirm(visitor, "123456")

    assert (response.status_code, response.json()["type"]) == (401, "/problems/sign-in-failed")


def test_password_reset_leaves_second_factor(signed_in: Visitor, post: Outbox, mei: Person) -> None:
    add_totp(signed_in)
    visitor = Visitor()
    visitor.send("/v1/auth/password/forgotten", email=mei.email)
    key = str(post.to(mei.email)[-1].body).split("\n\n")[1]
    visitor.send("/v1/auth/password/reset", key=key, password="seven green windows")

    response = visitor.send("/v1/auth/sign-in", email=mei.email, password="seven green windows")

    assert response.status_code == 202


def test_secrets_are_encrypted_at_rest_and_rotated(
    signed_in: Visitor, mei: Person, settings: LazySettings
) -> None:
    secret, codes = add_totp(signed_in)
    stored = {each.type: each.data for each in Authenticator.objects.all()}
    assert secret not in str(stored)
    assert (
        at_rest.decrypt(base64.b64decode(stored["totp"]["secret"]), context=second_factors.CONTEXT)
        == secret.encode()
    )
    (old,) = settings.SECRETS_KEYS
    assert second_factors.key_ids_in_use() == {old: 2}

    settings.SECRETS_KEYS = {old + 1: b"2" * 32, **settings.SECRETS_KEYS}

    assert [second_factors.rotate(), second_factors.rotate()] == [2, 0]
    assert second_factors.key_ids_in_use() == {old + 1: 2}
    del settings.SECRETS_KEYS[old]
    assert confirm(start(mei.email), totp_code(secret)).status_code == 200
    assert confirm(start(mei.email), codes[0]).status_code == 200


def test_code_for_staff_is_verified_as_in_sign_in(signed_in: Visitor, mei: Person) -> None:
    secret, codes = add_totp(signed_in)

    assert second_factors.verify_code(person=mei, code=totp_code(secret))
    assert not second_factors.verify_code(person=mei, code=totp_code(secret))
    assert second_factors.verify_code(person=mei, code=codes[0])
    assert not second_factors.verify_code(person=mei, code="00000000")


def test_second_factor_of_unknown_user_is_not_revealed(db: None) -> None:
    response = Visitor().send("/v1/auth/sign-in", email=new_email(), password=PASSWORD)

    assert response.status_code == 401
