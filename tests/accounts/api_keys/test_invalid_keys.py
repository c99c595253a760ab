"""Test invalid API keys: they cost the same, cost little, and do not slow valid keys."""

import re
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client as Stranger
from django.test.utils import CaptureQueriesContext

from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON

SECRET = "A" * 43
ROUNDS = 150
NOISE = 2.0
"""Medians of a machine that others use too; a look-up that is left out shows as a ratio of ten."""

NAMES = re.compile(
    r"uo_(live|tok)_[\w-]+|_x\d+"
)  # of keys and savepoints: they differ from one attempt to the next
WRONG: dict[str, Callable[[str], str]] = {
    "wrong secret": lambda key: f"{key[:20]}_{SECRET}",
    "unknown prefix": lambda _: f"uo_live_{'0' * 12}_{SECRET}",
    "unknown token": lambda _: f"uo_tok_{'0' * 13}_{SECRET}",
    "malformed": lambda key: key[::-1],
    "prefix in capitals": lambda key: key[:20].upper() + key[20:],
    "prefix alone": lambda key: key[:20],
    "empty": lambda _: "",
    "NUL": lambda key: key[:10] + "\0" + key[11:],
}


@pytest.fixture
def key(acme: Client) -> str:
    return acme.key


def refuse(text: str) -> None:
    with pytest.raises(key_secrets.UnknownKey):
        key_secrets.authenticate(text=text, now=NOON)


def statements(act: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        act()
    return [NAMES.sub("", query["sql"]) for query in queries.captured_queries]


@pytest.mark.parametrize("kind", WRONG)
def test_invalid_key_costs_one_statement(key: str, kind: str) -> None:
    executed = statements(lambda: refuse(WRONG[kind](key)))

    assert executed == statements(lambda: refuse(WRONG["wrong secret"](key)))
    assert len(executed) == 1


@pytest.mark.parametrize("kind", [kind for kind in WRONG if kind != "NUL"])
def test_invalid_key_request_costs_same_statements(key: str, kind: str) -> None:
    def ask(text: str) -> None:
        assert Stranger().get("/v1/me", headers={"Authorization": f"Bearer {text}"}).status_code == 401

    assert statements(lambda: ask(WRONG[kind](key))) == statements(lambda: ask(WRONG["wrong secret"](key)))


def test_invalid_key_timing_does_not_reveal_prefix(key: str) -> None:
    """Alternate the kinds, so that other load on the machine affects all alike."""
    texts = {kind: WRONG[kind](key) for kind in ("wrong secret", "unknown prefix", "malformed")}
    durations: dict[str, list[float]] = {kind: [] for kind in texts}

    for _ in range(ROUNDS):
        for kind, text in texts.items():
            began = time.perf_counter()
            refuse(text)
            durations[kind].append(time.perf_counter() - began)

    medians = {kind: statistics.median(times) for kind, times in durations.items()}
    assert max(medians.values()) / min(medians.values()) < NOISE, medians


def test_valid_key_is_not_refused_among_invalid_ones(acme: Client) -> None:
    stranger, statuses = Stranger(), set()

    for n in range(400):
        text = WRONG[("wrong secret", "unknown prefix", "malformed")[n % 3]](acme.key)
        statuses.add(stranger.get("/v1/me", headers={"Authorization": f"Bearer {text}"}).status_code)
        if n % 40 == 39:
            assert acme.get("/v1/me").status_code == 200

    assert statuses <= {401, 429}


def test_token_of_revoked_key_is_refused_like_unknown_key(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        parent, _ = key_secrets.create(agency=acme.agency, name="parent", now=NOON)
        _, token = key_secrets.create_token(
            parent=parent, accounts=None, expires_at=NOON + timedelta(days=36500), now=NOON
        )
        key_secrets.revoke(key=parent, now=NOON)

    bodies = [
        Stranger().get("/v1/me", headers={"Authorization": f"Bearer {text}"}).json()
        for text in (token, WRONG["unknown token"](token))
    ]

    assert bodies[0]["detail"] == bodies[1]["detail"]
    assert [answer["type"] for answer in bodies] == ["/problems/authentication-failed"] * 2
