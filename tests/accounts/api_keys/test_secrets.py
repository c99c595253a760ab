"""Test secrets of API keys: stored as digests, authenticated and revoked."""

from datetime import timedelta

import pytest

from accounts.api_keys import secrets as key_secrets
from accounts.models import ApiKey
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON


def test_created_key_authenticates_by_text(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        key, text = key_secrets.create(agency=acme.agency, name="front end", now=NOON)

    authenticated = key_secrets.authenticate(text=text, now=NOON)

    assert (authenticated.id, authenticated.agency_id) == (key.pk, acme.agency.pk)
    assert context.current_agency_id() == acme.agency.pk


def test_key_secret_is_not_stored(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        _, text = key_secrets.create(agency=acme.agency, name="front end", now=NOON)
        rows = list(ApiKey.objects.values_list("prefix", "digest"))

    secret = text.rpartition("_")[2].encode()
    assert text.startswith("uo_live_")
    assert all(secret not in bytes(digest) and secret.decode() not in prefix for prefix, digest in rows)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
        lambda text: text[:20],
        lambda text: "uo_live_000000000000_" + text[21:],
        lambda text: text.upper(),
        lambda _: "",
        lambda _: "\0" * 40,
        lambda _: "uo_live_\ud800",
    ],
)
def test_invalid_key_text_is_unknown(acme: Client, spoil: object) -> None:
    with context.agency(acme.agency.pk):
        _, text = key_secrets.create(agency=acme.agency, name="front end", now=NOON)

    with pytest.raises(key_secrets.UnknownKey):
        key_secrets.authenticate(text=spoil(text), now=NOON)  # type: ignore[operator]

    assert context.current_agency_id() is None


def test_revoked_key_keeps_first_revocation_time(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        key, text = key_secrets.create(agency=acme.agency, name="front end", now=NOON)
        key_secrets.revoke(key=key, now=NOON)
        key_secrets.revoke(key=key, now=NOON + timedelta(days=1))
        key.refresh_from_db()

    with pytest.raises(key_secrets.UnknownKey):
        key_secrets.authenticate(text=text, now=NOON)
    assert key.revoked_at == NOON


def test_key_use_is_recorded_at_most_once_a_minute(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        key, text = key_secrets.create(agency=acme.agency, name="front end", now=NOON)

    seen = []
    for seconds in (0, 59, 61):
        key_secrets.authenticate(text=text, now=NOON + timedelta(seconds=seconds))
        key.refresh_from_db()
        seen.append(key.last_used_at)

    assert seen == [NOON, NOON, NOON + timedelta(seconds=61)]
