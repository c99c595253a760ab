"""Test API2:2023 Broken Authentication: expired and revoked keys, digests, and slow guessing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.api_keys import secrets as key_secrets
from accounts.models import ApiKey
from accounts.tenancy import context
from tests.client import Client
from tests.owasp.conftest import MakeClient

NEVER_IN = ("", "?api_key=", "?key=", "?access_token=", "?token=")


def test_expired_key_is_refused(make_client: MakeClient) -> None:
    client = make_client(expires_at=timezone.now() - timedelta(seconds=1))

    response = client.get("/v1/me")

    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="underone"')


def test_revoked_key_and_its_tokens_are_refused(acme: Client, make_client: MakeClient) -> None:
    client = make_client()
    token = Client(acme.agency, client.post("/v1/tokens", {}, format="json").json()["token"])
    assert (client.get("/v1/me").status_code, token.get("/v1/me").status_code) == (200, 200)

    key = client.read("/v1/me")["key"]["id"]
    assert acme.delete(f"/v1/api-keys/{key}").status_code == 204

    assert (client.get("/v1/me").status_code, token.get("/v1/me").status_code) == (401, 401)


@pytest.mark.parametrize("place", NEVER_IN)
def test_key_is_read_from_header_only(acme: Client, place: str) -> None:
    client = Client(acme.agency, "")
    client.credentials()
    client.cookies["Authorization"] = f"Bearer {acme.key}"

    assert client.get(f"/v1/me{place}{acme.key if place else ''}").status_code == 401


def test_database_holds_no_key(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        row = ApiKey.objects.values().get()

    assert acme.key.encode() not in b"".join(
        bytes(each) if isinstance(each, memoryview) else str(each).encode() for each in row.values()
    )


def test_keys_are_long_and_unique(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        texts = {key_secrets.create(agency=acme.agency, name="x", now=timezone.now())[1] for _ in range(50)}

    assert len({text[-43:] for text in texts}) == 50


def test_wrong_password_is_answered_like_unknown_address(anonymous: Client) -> None:
    responses = [
        anonymous.post(
            "/v1/auth/sign-in",
            {"email": f"{name}@example.com", "password": "wrong horse battery"},
            format="json",
        )
        for name in ("mei", "nobody")
    ]

    assert [answer.status_code for answer in responses] == [401, 401]
    assert responses[0].json()["detail"] == responses[1].json()["detail"]
