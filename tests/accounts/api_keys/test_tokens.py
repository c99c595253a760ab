"""Test tokens: read-only, short-lived, and never wider than their API key."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.api_keys import lifecycle as api_keys
from accounts.api_keys import secrets as key_secrets
from accounts.api_keys import tasks
from accounts.models import ApiKey, Role
from accounts.tenancy import batches, context
from api import identifiers
from tests.client import Client
from tests.conftest import NOON

TOKENS = "/v1/tokens"


def new_token(client: Client, **fields: Any) -> dict[str, Any]:
    response = client.post(TOKENS, fields, format="json")
    assert response.status_code == 201, response.content
    return dict(response.json())


def token(client: Client, **fields: Any) -> Client:
    return Client(client.agency, new_token(client, **fields)["token"])


def key(client: Client, **rights: Any) -> Client:
    with context.agency(client.agency.pk):
        named = rights.pop("accounts", None)
        accounts = None if named is None else [identifiers.private("acct", each) for each in named]
        return Client(
            client.agency,
            key_secrets.create(agency=client.agency, name="parent", now=NOON, accounts=accounts, **rights)[1],
        )


def test_token_lasts_fifteen_minutes_by_default(acme: Client, shop: str) -> None:
    response = acme.post(TOKENS, {}, format="json")

    made = response.json()
    left = datetime.fromisoformat(made["expires_at"]) - timezone.now()
    assert (response.status_code, response["Cache-Control"]) == (201, "no-store")
    assert set(made) == {"token", "expires_at", "accounts"}
    assert made["token"].startswith("uo_tok_")
    assert timedelta(minutes=14, seconds=50) < left <= timedelta(minutes=15)
    assert Client(acme.agency, made["token"]).read(f"/v1/accounts/{shop}")["id"] == shop


def test_token_is_shown_by_me(acme: Client, shop: str) -> None:
    me = token(acme, accounts=[shop]).read("/v1/me")

    assert me["key"] is None
    assert me["may"] == ["read"]
    expected = {"kind": "token", "name": "first key", "role": "viewer", "read_only": True, "accounts": [shop]}
    assert me["bearer"].items() >= expected.items()
    assert me["bearer"]["id"].startswith("tok_")


def test_token_is_read_only(acme: Client, shop: str) -> None:
    browser = token(acme)

    responses = [
        browser.patch(f"/v1/accounts/{shop}", {"name": "x"}, format="json"),
        browser.put("/v1/thresholds", {"metric": "return_rate", "warn_at": 0.3}, format="json"),
        browser.post(TOKENS, {}, format="json"),
        browser.get("/v1/api-keys"),
        browser.get("/v1/audit-log"),
    ]

    assert {answer.status_code for answer in responses} == {403}
    assert acme.read(f"/v1/accounts/{shop}")["name"] == "Shop"


def test_token_sees_given_accounts_only(acme: Client, shop: str) -> None:
    other = acme.take_on(name="Other", partner="A1OTHER")

    browser = token(acme, accounts=[shop])

    assert [account["id"] for account in browser.read("/v1/accounts")["data"]] == [shop]
    assert browser.get(f"/v1/accounts/{other}").status_code == 404


def test_token_limit_is_within_limit_of_key(acme: Client, shop: str) -> None:
    other = acme.take_on(name="Other", partner="A1OTHER")
    limited = key(acme, role=Role.VIEWER, accounts=[shop])

    refused = limited.post(TOKENS, {"accounts": [shop, other]}, format="json")
    unknown = limited.post(TOKENS, {"accounts": [shop, "acct_" + "0" * 32]}, format="json")

    assert new_token(limited)["accounts"] == new_token(limited, accounts=None)["accounts"] == [shop]
    assert (refused.status_code, refused.json()["errors"]) == (404, unknown.json()["errors"])
    assert refused.json()["errors"][0]["pointer"] == "/accounts/1"


def test_token_with_too_many_accounts_is_refused_without_lookup(acme: Client) -> None:
    viewer = key(acme, role=Role.VIEWER)
    named = json.dumps({"accounts": ["acct_" + "0" * 32] * 230_000}).encode()

    with CaptureQueriesContext(connection) as captured:
        response = viewer.generic("POST", TOKENS, named, content_type="application/json")

    assert (response.status_code, len(response.json()["errors"])) == (400, 1)
    assert response.json()["errors"][0]["pointer"] == "/accounts"
    assert [query["sql"] for query in captured if "accounts_selleraccount" in query["sql"]] == []


def test_token_expires_no_later_than_its_key(acme: Client) -> None:
    ends = timezone.now() + timedelta(minutes=5)

    made = new_token(key(acme, expires_at=ends), expires_in=3600)

    assert datetime.fromisoformat(made["expires_at"]) == ends


@pytest.mark.parametrize(
    "rights", [{"role": Role.VIEWER}, {"read_only": True}, {"role": Role.MANAGER}], ids=str
)
def test_token_can_be_created_by_any_key(acme: Client, rights: dict[str, Any]) -> None:
    assert token(key(acme, **rights)).get("/v1/accounts").status_code == 200


@pytest.mark.parametrize("seconds", [59, 3601, 0, -1, "soon", None, 10**30])
def test_token_lifetime_is_a_minute_to_an_hour(acme: Client, seconds: Any) -> None:
    response = acme.post(TOKENS, {"expires_in": seconds}, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/expires_in")


def test_token_that_expired_is_unknown(acme: Client) -> None:
    made = new_token(acme, expires_in=60)
    ends = datetime.fromisoformat(made["expires_at"])

    assert key_secrets.authenticate(text=made["token"], now=ends - timedelta(seconds=1)).kind == "token"
    with pytest.raises(key_secrets.UnknownKey):
        key_secrets.authenticate(text=made["token"], now=ends)


def test_token_of_revoked_key_leaves_no_tenant_context(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        parent, _ = key_secrets.create(agency=acme.agency, name="old key", now=NOON)
        until = timezone.now() + timedelta(hours=1)
        _, token = key_secrets.create_token(parent=parent, accounts=None, expires_at=until, now=NOON)
        key_secrets.revoke(key=parent, now=NOON)
    context.set_agency(None)

    with pytest.raises(key_secrets.UnknownKey):
        key_secrets.authenticate(text=token, now=timezone.now())

    assert context.current_agency_id() is None


def test_token_ends_with_its_revoked_key(acme: Client) -> None:
    maker = key(acme)
    browser = token(maker)
    before = browser.get("/v1/me").status_code

    acme.delete(f"/v1/api-keys/{maker.read('/v1/me')['key']['id']}")

    assert (before, browser.get("/v1/me").status_code) == (200, 401)
    assert context.current_agency_id() is None


def test_token_ends_with_its_rotated_key(acme: Client) -> None:
    maker = key(acme)
    made = new_token(maker)
    acme.post(
        f"/v1/api-keys/{maker.read('/v1/me')['key']['id']}/rotate", {"overlap_seconds": 30}, format="json"
    )
    now = timezone.now()

    assert key_secrets.authenticate(text=made["token"], now=now)
    with pytest.raises(key_secrets.UnknownKey):
        key_secrets.authenticate(text=made["token"], now=now + timedelta(seconds=31))


def test_token_is_recorded_in_audit_log(acme: Client) -> None:
    new_token(acme)

    (entry,) = acme.read("/v1/audit-log", what="token.created")["data"]
    assert entry["about"].startswith("tok_")
    assert "uo_tok_" not in str(entry)


def test_token_audit_entry_is_once_a_minute(acme: Client) -> None:
    me = key_secrets.authenticate(text=acme.key, now=NOON)
    with context.agency(acme.agency.pk):
        for seconds in (0, 1, 59, 60, 61):
            at = NOON + timedelta(seconds=seconds)
            api_keys.create_token(by=me, accounts=None, lifetime=timedelta(minutes=5), now=at)

    entries = acme.read("/v1/audit-log", what="token.created")["data"]
    assert [datetime.fromisoformat(entry["at"]) for entry in entries] == [NOON + timedelta(minutes=1), NOON]


def create_agency_data(client: Client, *, count: int, expires_at: datetime) -> None:
    """Create tokens of the agency's first key."""
    with context.agency(client.agency.pk):
        parent = ApiKey.objects.get(kind=ApiKey.Kind.KEY)
        rights: dict[str, Any] = {
            "kind": "token",
            "role": Role.VIEWER,
            "read_only": True,
            "digest": bytes(32),
        }
        ApiKey.objects.bulk_create(
            ApiKey(
                agency=client.agency,
                parent=parent,
                prefix=f"uo_tok_{n:013}",
                created_at=NOON,
                expires_at=expires_at,
                **rights,
            )
            for n in range(count)
        )


def test_tokens_of_key_are_limited(acme: Client) -> None:
    create_agency_data(acme, count=api_keys.MAX_TOKENS - 1, expires_at=timezone.now() + timedelta(minutes=10))
    other = key(acme)
    new_token(acme)

    refused = acme.post(TOKENS, {}, format="json")

    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-tokens")
    assert 580 < int(refused.headers["Retry-After"]) <= 601
    assert new_token(other)
    with context.agency(acme.agency.pk):
        ApiKey.objects.filter(prefix="uo_tok_" + "0" * 13).update(expires_at=timezone.now())
    assert new_token(acme)


def test_expired_tokens_are_deleted_in_batches(acme: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 20)
    create_agency_data(acme, count=2 * batches.BATCH_SIZE + 1, expires_at=NOON)

    assert key_secrets.delete_expired_tokens(agency_id=acme.agency.pk, now=NOON) == 2 * batches.BATCH_SIZE + 1
    assert key_secrets.delete_expired_tokens(agency_id=acme.agency.pk, now=NOON) == 0


def test_expired_tokens_are_deleted_and_others_kept(acme: Client, rival: Client) -> None:
    past = timezone.now() - timedelta(hours=1)
    for client in (acme, rival):
        with context.agency(client.agency.pk):
            parent, _ = key_secrets.create(agency=client.agency, name="old key", expires_at=past, now=past)
            key_secrets.create_token(parent=parent, accounts=None, expires_at=past, now=past)
    new_token(acme)
    context.set_agency(None)

    tasks.delete_expired_tokens()

    left = {}
    for client in (acme, rival):
        with context.agency(client.agency.pk):
            left[client.agency.name] = sorted(ApiKey.objects.values_list("kind", "name"))
    assert left["Acme"] == [("key", "first key"), ("key", "old key"), ("token", "first key")]
    assert left["Rival"] == [("key", "first key"), ("key", "old key")]
