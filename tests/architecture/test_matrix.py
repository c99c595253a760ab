"""Every operation, asked for with every kind of bearer: the answer that it must get, and nothing changed by
those who may not.

Made from the document: an operation that is new is asked for here as soon as tests/architecture/operations.py can
fill it.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.models import ApiKey, Role
from accounts.tenancy import context
from api import identifiers
from tests.architecture.furnishing import Furnished, furnish
from tests.architecture.operations import OPERATIONS, Answer, Operation
from tests.client import Client
from tests.conftest import NOON, empty, tables_of_ours

RANK = ("viewer", "manager", "admin")
ADMINISTERED = {
    *("GET /v1/api-keys", "POST /v1/api-keys", "GET /v1/api-keys/{key_id}", "PATCH /v1/api-keys/{key_id}"),
    *(
        "DELETE /v1/api-keys/{key_id}",
        "POST /v1/api-keys/{key_id}/rotate",
        "PATCH /v1/agency",
        "GET /v1/audit-log",
    ),
    "DELETE /v1/accounts/{account_id}",
}
IS_NOTED = {"GET /v1/exports/{export_id}/archive": "who took an archive away is in the audit log"}
CHANGES_NOTHING = {"POST /v1/tokens": "whoever reads may make a token that reads; tokens make none"}
"""Writes that are not kept from who may only read."""


@dataclass(frozen=True)
class Case:
    """A kind of bearer, and whose things it asks for."""

    principal: str
    role: Role = Role.ADMIN
    read_only: bool = False
    is_limited: bool = False
    opens: bool = True
    is_token: bool = False
    asks_for: str = "other"

    def __str__(self) -> str:
        return f"{self.principal} of {self.asks_for}"


CASES = (
    Case("rival", asks_for="acme's"),
    Case("read-only key", read_only=True, asks_for="its own"),
    Case("viewer", role=Role.VIEWER, asks_for="its own"),
    Case("limited manager", role=Role.MANAGER, is_limited=True, asks_for="another account's"),
    Case(
        "limited token",
        role=Role.VIEWER,
        read_only=True,
        is_limited=True,
        is_token=True,
        asks_for="another account's",
    ),
    Case(
        "limited token", role=Role.VIEWER, read_only=True, is_limited=True, is_token=True, asks_for="its own"
    ),
    *(
        Case(principal, opens=False, asks_for="acme's")
        for principal in (
            "expired key",
            "revoked key",
            "expired token",
            "token of a revoked key",
            "no key",
            "malformed key",
        )
    ),
)
OF_OTHERS = ("acme's", "another account's")


@dataclass(frozen=True)
class World:
    """Acme has two accounts with everything; a third agency stands aside."""

    bearers: dict[str, Client]
    mine: Furnished
    other: Furnished

    def ask(self, case: Case, operation: Operation) -> Answer:
        return operation.ask(
            self.bearers[case.principal], self.other if case.asks_for in OF_OTHERS else self.mine
        )

    def gives_away(self, answer: Answer, case: Case) -> list[str]:
        """What of somebody else's an answer names."""
        strange = {"harbour", *asdict(self.other).values()} if case.asks_for in OF_OTHERS else set()
        strange |= {"of mine", *asdict(self.mine).values()} if case.asks_for == "acme's" else set()
        return [word for word in strange if word in answer.text.lower()]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker, owner_dsn: str) -> Iterator[World]:
    """Made once, of committed rows: nothing that is asked for here may change one."""
    with django_db_blocker.unblock():
        yield _world()
        connections.close_all()
    empty(owner_dsn)


def _world() -> World:
    agency, text = agencies.create_agency(name="Acme", now=NOON)
    acme, rival = Client(agency, text), Client(*agencies.create_agency(name="Rival", now=NOON))
    mine, other = furnish(acme, name="mine"), furnish(acme, name="harbour")
    whose = [identifiers.private("acct", mine.account_id)]
    texts = {"no key": "", "malformed key": "uo_live_nonsense", **_bearers(acme, whose)}
    bearers = {name: Client(agency, each) for name, each in texts.items()} | {"rival": rival}
    bearers["no key"].credentials()
    return World(bearers, mine, other)


def _bearers(acme: Client, whose: list[UUID]) -> dict[str, str]:
    """The texts of keys and tokens of acme's by what they are; what is in use was used a moment ago."""
    now, over = timezone.now(), timezone.now() - timedelta(hours=1)

    def key(**rights: Any) -> tuple[ApiKey, str]:
        return key_secrets.create(agency=acme.agency, name="key", now=NOON, **rights)

    with context.agency(acme.agency.pk):
        limited, of_limited = key(role=Role.MANAGER, accounts=whose)
        revoked, of_revoked = key()
        token = partial(key_secrets.create_token, accounts=whose, now=NOON)
        texts = {
            "read-only key": key(read_only=True)[1],
            "viewer": key(role=Role.VIEWER)[1],
            "limited manager": of_limited,
            "limited token": token(parent=limited, expires_at=now + timedelta(hours=1))[1],
            "expired key": key(expires_at=over)[1],
            "expired token": token(parent=limited, expires_at=over)[1],
            "token of a revoked key": token(parent=revoked, expires_at=now + timedelta(hours=1))[1],
            "revoked key": of_revoked,
        }
        key_secrets.revoke(key=revoked, now=NOON)
    return texts


@pytest.fixture(scope="module")
def digest(owner_dsn: str) -> Iterator[Callable[[], dict[str, list[Any]]]]:
    """What every table holds of each agency, but for when keys were used last."""
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        yield lambda: _digest(owner)


def _digest(owner: psycopg.Connection) -> dict[str, list[Any]]:
    digests: dict[str, list[Any]] = {}
    for (agency,) in owner.execute("SELECT open_agency_ids()").fetchall():
        owner.execute("SELECT set_config('underone.agency', %s, false)", [str(agency)])
        for table in tables_of_ours(owner):
            row = "(to_jsonb(row) - 'last_used_at')::text"
            statement = f"SELECT count(*), md5(string_agg({row}, '' ORDER BY {row})) FROM {table} AS row"
            digests.setdefault(table, []).append(owner.execute(statement.encode()).fetchone())
    return digests


def expected(case: Case, operation: Operation) -> int | None:
    """The status that the answer must have; None where the bearer may do it, and would."""
    if not case.opens:
        return 401
    is_read = operation.method == "GET"
    wants_more = RANK.index(operation.role) > RANK.index(case.role)
    writes = case.read_only and not is_read and (str(operation) not in CHANGES_NOTHING or case.is_token)
    if wants_more or writes or (case.is_limited and operation.needs_all_accounts):
        return 403
    if operation.names and case.asks_for in OF_OTHERS:
        return 404
    return 200 if is_read and str(operation) not in IS_NOTED else None


def test_every_operation_says_what_it_wants() -> None:
    assert [str(operation) for operation in OPERATIONS if operation.role not in RANK] == []
    assert {str(operation) for operation in OPERATIONS if operation.role == "admin"} >= ADMINISTERED
    assert {str(operation) for operation in OPERATIONS} > {*CHANGES_NOTHING, *IS_NOTED}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_operation_answers_a_bearer_as_it_must_and_changes_nothing(
    world: World, digest: Callable[[], dict[str, list[Any]]], case: Case
) -> None:
    cases = [(operation, status) for operation in OPERATIONS if (status := expected(case, operation))]
    before = digest()

    answers = {operation: world.ask(case, operation) for operation, _ in cases}

    wrong = {
        str(operation): (answers[operation].status, status)
        for operation, status in cases
        if answers[operation].status != status
    }
    given_away = {
        str(each): words for each, answer in answers.items() if (words := world.gives_away(answer, case))
    }
    after = digest()
    assert (wrong, given_away) == ({}, {})
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
    assert len(cases) >= len(OPERATIONS) / 2


@pytest.mark.parametrize("principal", ["read-only key", "viewer"])
def test_whoever_reads_may_make_a_token_that_reads(world: World, principal: str) -> None:
    made = world.bearers[principal].post("/v1/tokens", {}, format="json")

    assert made.status_code == 201
