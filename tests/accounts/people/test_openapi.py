"""Test that responses of sign-in and user operations match the OpenAPI document."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings, settings
from jsonschema import Draft202012Validator

from accounts.models import Person
from tests.accounts.people.devices import ORIGIN, Device, totp_code
from tests.accounts.people.visitors import PASSWORD, Outbox, Visitor, create_member, create_user, new_email
from tests.client import Client
from tests.schemas import FORMATS

DOCUMENT = json.loads((Path(settings.BASE_DIR) / "docs" / "openapi.json").read_text())
ENTRANCE = [
    path for path in DOCUMENT["paths"] if path.startswith("/v1/auth/") or path == "/v1/invitations/accept"
]
PROBLEM = "application/problem+json"


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the target of a reference within the document."""
    while "$ref" in schema:
        place: Any = DOCUMENT
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        schema = place
    return schema


def documented(method: str, path: str, status: int) -> dict[str, Any]:
    """Return the documented bodies of an operation and status by media type. Raises KeyError for an undocumented
    status."""

    answers = DOCUMENT["paths"][path][method]["responses"]
    return dict(resolved(answers[str(status)]).get("content", {}))


def faults(response: Any, *, method: str, path: str) -> list[str]:
    """Return the differences between a response and the document."""
    bodies = documented(method, path, response.status_code)
    if not response.content:
        return [] if not bodies else ["nothing was answered"]
    media = response["Content-Type"].partition(";")[0]
    schema = bodies[media]["schema"] | {"components": DOCUMENT["components"]}
    errors = Draft202012Validator(schema, format_checker=FORMATS).iter_errors(response.json())
    return [f"{error.json_path}: {error.message}" for error in errors]


def check_schema(response: Any, status: int, path: str, method: str = "post") -> Any:
    """Check the status and the schema of a response, and return it."""
    assert response.status_code == status, response.content
    assert faults(response, method=method, path=path) == []
    return response


def test_openapi_lists_problems_of_sign_in_operations(db: None) -> None:
    assert len(ENTRANCE) == 22
    for path in ENTRANCE:
        for operation in DOCUMENT["paths"][path].values():
            assert {"401"} <= set(operation["responses"]), path
            assert operation["tags"] == ["Users"]


def test_sign_in_matches_openapi(visitor: Visitor, acme: Client, mei: Person) -> None:
    create_member(acme.agency, mei)
    path = "/v1/auth/sign-in"

    check_schema(visitor.send(path, email=mei.email, password=PASSWORD), 200, path)
    check_schema(visitor.send(path, email=mei.email, password="a quiet orange rivet"), 401, path)
    check_schema(visitor.send(path, email="nobody"), 400, path)
    check_schema(visitor.post(path, "email=mei", content_type="text/plain"), 415, path)
    check_schema([visitor.send(path, email=new_email(), password=PASSWORD) for _ in range(12)][-1], 429, path)


def test_sign_in_codes_match_openapi(visitor: Visitor, mei: Person) -> None:
    ask, confirm = "/v1/auth/code", "/v1/auth/code/confirm"

    waiting = check_schema(visitor.send(ask, email=mei.email), 202, ask).json()
    check_schema(visitor.send(confirm, code="BBBB-BBBB"), 401, confirm)
    visitor.carry(waiting["token"], header=True)
    check_schema(visitor.send(confirm, code="BBBB-BBBB"), 401, confirm)
    check_schema(visitor.send(confirm), 400, confirm)
    check_schema([visitor.send(ask, email=mei.email) for _ in range(3)][-1], 429, ask)


def test_passwords_match_openapi(visitor: Visitor, mei: Person) -> None:
    forgotten, reset, change = "/v1/auth/password/forgotten", "/v1/auth/password/reset", "/v1/auth/password"

    check_schema(visitor.send(forgotten, email=mei.email), 202, forgotten)
    check_schema(visitor.send(forgotten), 400, forgotten)
    check_schema(visitor.send(reset, key="nothing", password=PASSWORD), 404, reset)
    check_schema(visitor.send(change, password=PASSWORD), 401, change)
    visitor.sign_in(mei.email)
    check_schema(visitor.send(change, current_password="guess", password="seven green windows"), 400, change)
    check_schema(visitor.send(change, current_password=PASSWORD, password="seven green windows"), 200, change)


def test_second_factors_match_openapi(
    visitor: Visitor, acme: Client, mei: Person, settings: LazySettings
) -> None:
    factors, totp, activate, codes = (
        f"/v1/auth/{each}" for each in ("second-factors", "totp", "totp/activate", "recovery-codes")
    )
    confirm, sign_in = "/v1/auth/second-factor", "/v1/auth/sign-in"
    visitor.sign_in(mei.email)

    check_schema(visitor.send(codes), 409, codes)
    secret = check_schema(visitor.send(totp), 200, totp).json()["secret"]
    check_schema(visitor.send(activate, code="1"), 400, activate)
    check_schema(visitor.send(activate, code=totp_code(secret)), 201, activate)
    check_schema(visitor.send(totp), 409, totp)
    check_schema(visitor.get(factors), 200, factors, "get")
    check_schema(visitor.send(codes), 201, codes)
    pending = check_schema(Visitor().send(sign_in, email=mei.email, password=PASSWORD), 202, sign_in).json()
    other = Visitor().carry(pending["token"], header=True)
    check_schema(other.send(confirm, code="1"), 401, confirm)
    check_schema(other.send(confirm, code=totp_code(secret)), 200, confirm)
    check_schema(visitor.delete(totp), 204, totp, "delete")
    check_schema(visitor.delete(totp), 404, totp, "delete")


def test_passkeys_match_openapi(visitor: Visitor, mei: Person, settings: LazySettings) -> None:
    create, add, one = (f"/v1/auth/passkeys{each}" for each in ("/options", "", "/{passkey_id}"))
    begin, sign_in = "/v1/auth/passkey/options", "/v1/auth/passkey"
    device = Device()
    visitor.sign_in(mei.email)

    check_schema(visitor.send(create), 409, create)
    settings.PEOPLE_URL = ORIGIN
    options = check_schema(visitor.send(create), 200, create).json()["options"]
    check_schema(visitor.send(add, name="Phone", credential={}), 400, add)
    added = check_schema(visitor.send(add, name="Phone", credential=device.create(options)), 201, add).json()
    other = Visitor()
    waiting = check_schema(other.send(begin), 202, begin).json()
    other.carry(waiting["token"], header=True)
    check_schema(other.send(sign_in, credential=device.get(waiting["options"])), 200, sign_in)
    check_schema(visitor.delete(f"{add}/{added['second_factor']['id']}"), 204, one, "delete")


def test_sessions_match_openapi(visitor: Visitor, acme: Client, mei: Person) -> None:
    one, every = "/v1/auth/session", "/v1/auth/sessions"
    create_member(acme.agency, mei)
    visitor.sign_in(mei.email)

    check_schema(visitor.get(one), 200, one, "get")
    check_schema(visitor.delete(one), 204, one, "delete")
    check_schema(visitor.get(one), 401, one, "get")
    check_schema(visitor.delete(every), 401, every, "delete")
    visitor.credentials()
    visitor.sign_in(mei.email)
    check_schema(visitor.delete(every), 204, every, "delete")


def test_sign_up_and_acceptance_match_openapi(
    visitor: Visitor, acme: Client, post: Outbox, mei: Person, settings: LazySettings
) -> None:
    accept, sign_up, invitations = "/v1/invitations/accept", "/v1/auth/sign-up", "/v1/invitations"
    email = new_email()

    check_schema(acme.post(invitations, {"email": email, "role": "viewer"}, format="json"), 201, invitations)
    check_schema(acme.post(invitations, {"email": email, "role": "viewer"}, format="json"), 409, invitations)
    check_schema(visitor.send(accept, token=post.token(email)), 400, accept)
    check_schema(visitor.send(accept, token=post.token(email), name="Client"), 201, accept)
    check_schema(visitor.send(accept, token=post.token(email), name="Client"), 403, accept)
    check_schema(
        acme.post(invitations, {"email": mei.email, "role": "admin"}, format="json"), 201, invitations
    )
    check_schema(visitor.send(accept, token=post.token(mei.email)), 201, accept)
    check_schema(visitor.send(sign_up, agency_name="A", name="B", email=email), 403, sign_up)
    settings.SIGN_UP = True
    check_schema(visitor.send(sign_up, agency_name="A", name="B", email=email), 202, sign_up)
    check_schema(visitor.send(sign_up), 400, sign_up)


def test_members_and_invitations_match_openapi(acme: Client, mei: Person) -> None:
    member, one = create_member(acme.agency, mei, accounts=None).public_id, "/v1/members/{member_id}"
    made = acme.post("/v1/invitations", {"email": new_email(), "role": "viewer"}, format="json").json()
    invitation, again = f"/v1/invitations/{made['id']}", "/v1/invitations/{invitation_id}/send"

    check_schema(acme.get("/v1/members"), 200, "/v1/members", "get")
    check_schema(acme.get(f"/v1/members/{member}"), 200, one, "get")
    check_schema(acme.patch(f"/v1/members/{member}", {"role": "viewer"}, format="json"), 200, one, "patch")
    check_schema(acme.patch(f"/v1/members/{member}", {"role": "owner"}, format="json"), 400, one, "patch")
    check_schema(acme.delete(f"/v1/members/{member}"), 204, one, "delete")
    check_schema(acme.get(f"/v1/members/{member}"), 404, one, "get")
    check_schema(acme.get("/v1/invitations"), 200, "/v1/invitations", "get")
    check_schema(acme.get(invitation), 200, "/v1/invitations/{invitation_id}", "get")
    check_schema(acme.post(f"{invitation}/send"), 200, again)
    check_schema(acme.delete(invitation), 204, "/v1/invitations/{invitation_id}", "delete")
    check_schema(acme.post(f"{invitation}/send"), 404, again)


def test_choose_agency_matches_openapi(visitor: Visitor, acme: Client, rival: Client, mei: Person) -> None:
    for client in (acme, rival):
        create_member(client.agency, mei)
    visitor.sign_in(mei.email)

    response = check_schema(visitor.get("/v1/accounts"), 400, "/v1/accounts", "get")

    assert response["Content-Type"] == PROBLEM
    assert len(response.json()["choices"]) == 2


@pytest.mark.parametrize("path", ["/v1/me", "/v1/members", "/v1/accounts"])
def test_ended_session_matches_openapi(visitor: Visitor, acme: Client, path: str) -> None:
    person = create_user()
    create_member(acme.agency, person)
    visitor.sign_in(person.email)
    assert visitor.delete("/v1/auth/sessions").status_code == 204

    check_schema(visitor.get(path), 401, path, "get")
