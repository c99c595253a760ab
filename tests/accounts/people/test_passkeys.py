"""Test passkeys: adding, signing in with one, as a second factor, and removing."""

from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import Person
from tests.accounts.people.devices import ORIGIN, PRESENT, Device
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, create_member, create_user
from tests.client import Client

MALFORMED: list[Any] = [
    None,
    "credential",
    7,
    [],
    {},
    {"id": "a", "rawId": "a", "type": "public-key", "response": {}},
    {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
    },
    {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {
            "clientDataJSON": "e30",
            "authenticatorData": "AAAA",
            "signature": "AAAA",
            "userHandle": "AAAA",
        },
    },
    {"id": 1, "rawId": None, "type": [], "response": "x"},
    {"id": "a" * 70_000},
]


@pytest.fixture(autouse=True)
def front_end(settings: LazySettings) -> None:
    settings.PEOPLE_URL = ORIGIN


@pytest.fixture
def signed_in(visitor: Visitor, mei: Person) -> Visitor:
    """Return Mei, who has just signed in."""
    visitor.sign_in(mei.email)
    return visitor


def add(visitor: Visitor, device: Device, *, name: str = "Laptop of Mei") -> Any:
    """Add a passkey to the signed-in user, and return the response."""
    options = visitor.send("/v1/auth/passkeys/options").json()["options"]
    return visitor.send("/v1/auth/passkeys", name=name, credential=device.create(options))


def start(visitor: Visitor, path: str = "/v1/auth/passkey/options") -> dict[str, Any]:
    """Request options, and continue with the pending session."""
    response = visitor.send(path)
    assert response.status_code == 202, response.content
    visitor.carry(response.json()["token"], header=True)
    return dict(response.json()["options"])


def test_passkey_is_added_and_listed(signed_in: Visitor, post: Outbox, mei: Person) -> None:
    added = add(signed_in, Device())

    assert added.status_code == 201, added.content
    assert added.json()["second_factor"]["name"] == "Laptop of Mei"
    assert len(added.json()["recovery_codes"]) == 10
    kinds = [each["kind"] for each in signed_in.get("/v1/auth/second-factors").json()["data"]]
    assert kinds == ["passkey", "recovery_codes"]
    assert add(signed_in, Device(), name="Phone").json()["recovery_codes"] is None
    assert post.to(mei.email)[0].subject == "[Underone] A passkey was added to your account"


def test_sign_in_with_passkey(signed_in: Visitor, acme: Client, mei: Person) -> None:
    create_member(acme.agency, mei)
    device = Device()
    add(signed_in, device)
    visitor = Visitor()

    options = start(visitor)
    response = visitor.send("/v1/auth/passkey", credential=device.get(options))

    assert (response.status_code, response.json()["person"]["id"]) == (200, mei.public_id), response.content
    assert options["publicKey"]["rpId"] == "app.agency.example"
    assert options["publicKey"]["userVerification"] == "required"
    assert visitor.get("/v1/me").status_code == 401
    assert visitor.carry(response.json()["token"]).get("/v1/me").status_code == 200


def test_passkey_is_second_factor(signed_in: Visitor, mei: Person) -> None:
    device, visitor = Device(), Visitor()
    add(signed_in, device)
    pending = visitor.send("/v1/auth/sign-in", email=mei.email, password=PASSWORD)
    assert (pending.status_code, pending.json()["second_factors"]) == (202, ["passkey", "recovery_codes"])
    visitor.carry(pending.json()["token"], header=True)

    options = start(visitor, "/v1/auth/second-factor/passkey/options")
    response = visitor.send("/v1/auth/second-factor/passkey", credential=device.get(options))

    assert response.status_code == 200, response.content
    assert visitor.carry(response.json()["token"]).get("/v1/auth/session").status_code == 200


def test_answer_to_other_challenge_is_refused(signed_in: Visitor, mei: Person) -> None:
    device = Device()
    add(signed_in, device)
    visitor = Visitor()
    old = start(visitor)
    used = device.get(start(visitor))
    assert visitor.send("/v1/auth/passkey", credential=device.get(old)).status_code == 401

    statuses = [visitor.send("/v1/auth/passkey", credential=used).status_code for _ in range(2)]

    assert statuses == [200, 401]


def test_passkey_of_another_site_user_or_device_is_refused(signed_in: Visitor, mei: Person) -> None:
    device, visitor = Device(), Visitor()
    add(signed_in, device)
    options = start(visitor)
    forged = [
        Device(origin="https://evil.example", key=device.key, credential_id=device.credential_id),
        Device(site="evil.example", key=device.key, credential_id=device.credential_id),
        Device(credential_id=device.credential_id),
        Device(key=device.key),
    ]
    for each in forged:
        each.user_handle = device.user_handle
    answers = [each.get(options) for each in forged]
    other = Device(key=device.key, credential_id=device.credential_id, user_handle="bm9ib2R5")
    answers += [other.get(options), device.get(options, flags=PRESENT)]

    responses = [visitor.send("/v1/auth/passkey", credential=each) for each in answers]

    assert [(each.status_code, each.json()["type"]) for each in responses] == [
        (401, "/problems/sign-in-failed")
    ] * 6
    assert visitor.send("/v1/auth/passkey", credential=device.get(options)).status_code == 200


def test_passkey_of_other_user_is_no_second_factor(signed_in: Visitor, mei: Person) -> None:
    add(signed_in, Device())
    stranger, device = create_user(), Device()
    theirs = Visitor()
    theirs.sign_in(stranger.email)
    add(theirs, device)
    visitor = Visitor()
    pending = visitor.send("/v1/auth/sign-in", email=mei.email, password=PASSWORD).json()
    visitor.carry(pending["token"], header=True)

    options = start(visitor, "/v1/auth/second-factor/passkey/options")

    assert visitor.send("/v1/auth/second-factor/passkey", credential=device.get(options)).status_code == 401


def test_passkey_of_inactive_user_is_refused(signed_in: Visitor, mei: Person) -> None:
    device, visitor = Device(), Visitor()
    add(signed_in, device)
    Person.objects.filter(pk=mei.pk).update(is_active=False)

    response = visitor.send("/v1/auth/passkey", credential=device.get(start(visitor)))

    assert response.status_code == 401


@pytest.mark.parametrize("credential", MALFORMED)
def test_malformed_credential_is_refused(signed_in: Visitor, credential: Any) -> None:
    signed_in.send("/v1/auth/passkeys/options")
    visitor = Visitor()
    start(visitor)

    responses = [
        signed_in.send("/v1/auth/passkeys", name="Laptop", credential=credential),
        visitor.send("/v1/auth/passkey", credential=credential),
    ]

    assert {each.status_code for each in responses} <= {400, 401}, [each.content for each in responses]


def test_passkey_without_options_or_verification_is_refused(signed_in: Visitor) -> None:
    options = signed_in.send("/v1/auth/passkeys/options").json()["options"]
    device = Device()

    unverified = signed_in.send(
        "/v1/auth/passkeys", name="Key", credential=device.create(options, flags=PRESENT)
    )
    accepted = signed_in.send("/v1/auth/passkeys", name="Key", credential=device.create(options))
    again = signed_in.send("/v1/auth/passkeys", name="Key", credential=Device().create(options))

    assert [each.status_code for each in (unverified, accepted, again)] == [400, 201, 400]
    assert again.json()["errors"][0]["pointer"] == "/credential"


def test_passkey_is_removed_by_its_user(signed_in: Visitor, post: Outbox, acme: Client, mei: Person) -> None:
    create_member(acme.agency, mei)
    device = Device()
    factor = add(signed_in, device).json()["second_factor"]["id"]
    stranger = Visitor()
    stranger.sign_in(create_user().email)

    assert stranger.delete(f"/v1/auth/passkeys/{factor}").status_code == 404
    assert signed_in.delete("/v1/auth/passkeys/fac_x").status_code == 404
    assert signed_in.delete(f"/v1/auth/passkeys/{factor}").status_code == 204

    assert signed_in.get("/v1/auth/second-factors").json() == {"data": []}
    visitor = Visitor()
    assert visitor.send("/v1/auth/passkey", credential=device.get(start(visitor))).status_code == 401
    assert acme.read("/v1/audit-log")["data"][0]["what"] == "member.second_factor_removed"
    assert post.to(mei.email)[-1].subject == "[Underone] A passkey was removed from your account"


def test_passkeys_are_limited(signed_in: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.people.api.second_factor_views.MAX_PASSKEYS", 1)
    add(signed_in, Device())

    assert add(signed_in, Device()).status_code == 409


def test_passkeys_need_front_end(signed_in: Visitor, settings: LazySettings) -> None:
    settings.PEOPLE_URL = ""

    responses = [signed_in.send("/v1/auth/passkeys/options"), Visitor().send("/v1/auth/passkey/options")]

    assert [each.json()["type"] for each in responses] == ["/problems/passkeys-unavailable"] * 2


def test_passkey_options_are_limited_per_address(visitor: Visitor) -> None:
    statuses = [visitor.send("/v1/auth/passkey/options").status_code for _ in range(31)]

    assert statuses == [202] * 30 + [429]
