"""Test authentication by API key: accepted headers, and failures."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Stranger
from django.test.utils import CaptureQueriesContext

from accounts.api_keys import secrets as key_secrets
from accounts.models import ApiKey, ApiKeyPrefix
from accounts.tenancy import context
from api import identifiers
from tests.client import Client
from tests.conftest import NOON

NAMES = re.compile(r"uo_live_\w+|_x\d+")  # of keys and savepoints: they differ from one attempt to the next


@pytest.fixture
def key(acme: Client) -> str:
    with context.agency(acme.agency.pk):
        _, text = key_secrets.create(agency=acme.agency, name="front end", now=NOON)
    return text


def ask(authorization: str | None, path: str = "/v1/me") -> Any:
    """Send a request with this header, and return the response."""
    return Stranger().get(path, headers={} if authorization is None else {"Authorization": authorization})


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {}  "])
def test_key_authenticates_with_any_case_of_scheme(acme: Client, key: str, form: str) -> None:
    response = ask(form.format(key))

    assert response.status_code == 200
    assert response.json()["agency"]["id"] == acme.agency.public_id
    assert response.json()["key"]["name"] == "front end"


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (None, "not-authenticated"),
        ("", "not-authenticated"),
        ("{}", "authentication-failed"),
        ("Bearer", "authentication-failed"),
        ("Bearer ", "authentication-failed"),
        ("Bearer\t{}", "authentication-failed"),
        ("Bearer {0} {0}", "authentication-failed"),
        ("Bearer '{}'", "authentication-failed"),
        ("Bearer {},", "authentication-failed"),
        ("Basic {}", "authentication-failed"),
        ("Token {}", "authentication-failed"),
        ("Bearer: {}", "authentication-failed"),
        ("Bearer uo_live_\N{SNOWMAN}", "authentication-failed"),
        ("Bearer " + "x" * 10_000, "authentication-failed"),
    ],
)
def test_other_authorization_header_is_refused_with_hint(key: str, form: str | None, kind: str) -> None:
    response = ask(form if form is None else form.format(key).encode().decode("latin-1"))

    body = response.json()
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert response["WWW-Authenticate"] == 'Bearer realm="underone"'
    assert (body["type"], body["status"]) == (f"/problems/{kind}", 401)
    assert body["request_id"] == response["X-Request-Id"]


@pytest.mark.parametrize("form", ["Bearer {}x", "Basic {}", "Bearer {0} {0}"])
def test_authentication_failure_does_not_repeat_header(key: str, form: str) -> None:
    response = ask(form.format(key))

    assert response.status_code == 401
    assert key not in response.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/accounts",
        "/v1/accounts/acct_x",
        "/v1/accounts/acct_x/metrics",
        "/v1/accounts/acct_x/reports",
        "/v1/breaches",
    ],
)
def test_operations_authenticate_before_any_lookup(db: None, path: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = ask(None, path)

    assert response.status_code == 401
    assert [query for query in queries.captured_queries if "accounts_" in query["sql"]] == []


@pytest.mark.parametrize("path", ["/healthz", "/v1/openapi.json", "/docs"])
def test_public_paths_ignore_keys(db: None, path: str) -> None:
    assert ask("Bearer nonsense", path).status_code == 200


def queries_of(authorization: str) -> list[str]:
    """Return the statements of one authentication."""
    with CaptureQueriesContext(connection) as queries:
        assert ask(authorization).status_code == 401
    return [NAMES.sub("", query["sql"]) for query in queries.captured_queries]


def test_unknown_prefix_costs_same_statements_as_wrong_secret(key: str) -> None:
    wrong_secret = key[:21] + "A" * 43
    unknown_prefix = "uo_live_000000000000_" + key[21:]

    assert queries_of(f"Bearer {unknown_prefix}") == queries_of(f"Bearer {wrong_secret}")
    assert len(queries_of(f"Bearer {wrong_secret}")) > 1


def test_revoked_key_is_refused_like_unknown_key(acme: Client, key: str) -> None:
    with context.agency(acme.agency.pk):
        key_secrets.revoke(key=ApiKey.objects.get(name="front end"), now=NOON)

    revoked, unknown = ask(f"Bearer {key}"), ask("Bearer uo_live_000000000000_x")

    responses = [
        {name: value for name, value in answer.json().items() if name != "request_id"}
        for answer in (revoked, unknown)
    ]
    assert responses[0] == responses[1]


def test_revoked_key_leaves_other_keys_valid(acme: Client, key: str) -> None:
    with context.agency(acme.agency.pk):
        key_secrets.revoke(key=ApiKey.objects.get(name="front end"), now=NOON)

    assert acme.get("/v1/me").status_code == 200


def test_key_use_is_recorded_and_failed_attempt_is_not(acme: Client, key: str) -> None:
    before = acme.read("/v1/me")["key"]["last_used_at"]

    ask(f"Bearer {key[:21]}{'A' * 43}")
    attempted = _last_used(acme, key)
    ask(f"Bearer {key}")

    assert before is not None
    assert attempted is None
    assert _last_used(acme, key) is not None


def _last_used(acme: Client, key: str) -> datetime | None:
    with context.agency(acme.agency.pk):
        return ApiKey.objects.get(prefix=key[:20]).last_used_at


def test_key_decides_agency_of_request(acme: Client, rival: Client) -> None:
    bodies = [client.read("/v1/me")["agency"]["name"] for client in (acme, rival, acme)]

    assert bodies == ["Acme", "Rival", "Acme"]


def test_key_prefix_shows_one_key_only(acme: Client, rival: Client) -> None:
    with context.agency(acme.agency.pk):
        prefix = ApiKey.objects.get().prefix
    context.set_agency(None)

    context.set_local(key_prefix=prefix)
    shown = list(ApiKeyPrefix.objects.values_list("prefix", flat=True))
    changed = ApiKeyPrefix.objects.update(key_id=identifiers.uuid7()), ApiKey.objects.update(name="taken")

    assert (shown, changed) == ([prefix], (0, 0))
    assert not ApiKey.objects.exists()


def test_openapi_describes_key_scheme(db: None) -> None:
    schemes = Stranger().get("/v1/openapi.json").json()["components"]["securitySchemes"]

    assert schemes["apiKey"]["type"] == "http"
    assert schemes["apiKey"]["scheme"] == "bearer"


def test_key_public_id_does_not_authenticate(acme: Client) -> None:
    public_id = acme.read("/v1/me")["key"]["id"]

    assert identifiers.private("key", public_id) != identifiers.NO_ID
    assert ask(f"Bearer {public_id}").status_code == 401
