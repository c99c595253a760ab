"""Test every operation with every kind of principal: the status, and that refused requests change nothing.

The operations come from the OpenAPI document. Add the body of a new one to tests/architecture/operations.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.models import ApiKey, Role
from accounts.tenancy import context
from api import identifiers
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.architecture.operations import OPERATIONS, Operation, Response
from tests.client import Client
from tests.conftest import NOON, tables_of_ours

RANK = ("viewer", "manager", "admin")
ADMINISTERED = {
    *("GET /v1/api-keys", "POST /v1/api-keys", "GET /v1/api-keys/{key_id}", "PATCH /v1/api-keys/{key_id}"),
    *(
        "DELETE /v1/api-keys/{key_id}",
        "POST /v1/api-keys/{key_id}/rotate",
        "PATCH /v1/agency",
        "GET /v1/audit-log",
    ),
    *("DELETE /v1/accounts/{account_id}", "POST /v1/accounts/{account_id}/restore"),
    "POST /v1/accounts/{account_id}/corrections",
}
AUDITED_READS = {"GET /v1/exports/{export_id}/archive": "the audit log records downloads"}
READ_ONLY_WRITES = {"POST /v1/tokens": "a reader may create a read-only token; tokens create none"}
"""Writes that read-only principals may send."""


@dataclass(frozen=True)
class Case:
    """Describe a kind of principal, and whose resources it requests."""

    principal: str
    role: Role = Role.ADMIN
    read_only: bool = False
    is_limited: bool = False
    is_valid: bool = True
    is_token: bool = False
    target: str = "other"

    def __str__(self) -> str:
        return f"{self.principal} of {self.target}"


CASES = (
    Case("rival", target="acme's"),
    Case("read-only key", read_only=True, target="its own"),
    Case("viewer", role=Role.VIEWER, target="its own"),
    Case("limited manager", role=Role.MANAGER, is_limited=True, target="another account's"),
    Case(
        "limited token",
        role=Role.VIEWER,
        read_only=True,
        is_limited=True,
        is_token=True,
        target="another account's",
    ),
    Case("limited token", role=Role.VIEWER, read_only=True, is_limited=True, is_token=True, target="its own"),
    *(
        Case(principal, is_valid=False, target="acme's")
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
NOT_OWN = ("acme's", "another account's")


@dataclass(frozen=True)
class Agencies:
    """Store the clients, and the IDs of two accounts of Acme. The client `rival` is of another agency."""

    clients: dict[str, Client]
    visible: AgencyIds
    other: AgencyIds

    def send(self, case: Case, operation: Operation) -> Response:
        return operation.send(
            self.clients[case.principal], self.other if case.target in NOT_OWN else self.visible
        )

    def find_leaked(self, response: Response, case: Case) -> list[str]:
        """Return the words of a response that identify resources of others."""
        foreign = {"harbour", *asdict(self.other).values()} if case.target in NOT_OWN else set()
        foreign |= {"of visible", *asdict(self.visible).values()} if case.target == "acme's" else set()
        return [word for word in foreign if word in response.text.lower()]


@pytest.fixture(scope="module")
def agencies_with_data(committed_module: None) -> Agencies:
    """Create the agencies once, committed. No request of these tests may change them."""
    agency, text = agencies.create_agency(name="Acme", now=NOON)
    acme, rival = Client(agency, text), Client(*agencies.create_agency(name="Rival", now=NOON))
    visible, other = create_agency_data(acme, name="visible"), create_agency_data(acme, name="harbour")
    account_ids = [identifiers.private("acct", visible.account_id)]
    texts = {"no key": "", "malformed key": "uo_live_nonsense", **_create_keys(acme, account_ids)}
    clients = {name: Client(agency, each) for name, each in texts.items()} | {"rival": rival}
    clients["no key"].credentials()
    return Agencies(clients, visible, other)


def _create_keys(acme: Client, account_ids: list[UUID]) -> dict[str, str]:
    """Create keys and tokens of Acme, and return their texts by kind."""
    now, expired_at = timezone.now(), timezone.now() - timedelta(hours=1)

    def key(**rights: Any) -> tuple[ApiKey, str]:
        return key_secrets.create(agency=acme.agency, name="key", now=NOON, **rights)

    with context.agency(acme.agency.pk):
        limited, of_limited = key(role=Role.MANAGER, accounts=account_ids)
        revoked, of_revoked = key()
        token = partial(key_secrets.create_token, accounts=account_ids, now=NOON)
        texts = {
            "read-only key": key(read_only=True)[1],
            "viewer": key(role=Role.VIEWER)[1],
            "limited manager": of_limited,
            "limited token": token(parent=limited, expires_at=now + timedelta(hours=1))[1],
            "expired key": key(expires_at=expired_at)[1],
            "expired token": token(parent=limited, expires_at=expired_at)[1],
            "token of a revoked key": token(parent=revoked, expires_at=now + timedelta(hours=1))[1],
            "revoked key": of_revoked,
        }
        key_secrets.revoke(key=revoked, now=NOON)
    return texts


@pytest.fixture(scope="module")
def read_digest(owner_dsn: str) -> Iterator[Callable[[], dict[str, list[Any]]]]:
    """Provide a digest of every table by agency, without the times when keys were last used."""
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
    """Return the expected status; None if the principal may send this write."""
    if not case.is_valid:
        return 401
    is_read = operation.method == "GET"
    needs_higher_role = RANK.index(operation.role) > RANK.index(case.role)
    is_forbidden_write = (
        case.read_only and not is_read and (str(operation) not in READ_ONLY_WRITES or case.is_token)
    )
    if needs_higher_role or is_forbidden_write or (case.is_limited and operation.needs_all_accounts):
        return 403
    if operation.names and case.target in NOT_OWN:
        return 404
    return 200 if is_read and str(operation) not in AUDITED_READS else None


def test_operations_state_required_role() -> None:
    assert [str(operation) for operation in OPERATIONS if operation.role not in RANK] == []
    assert {str(operation) for operation in OPERATIONS if operation.role == "admin"} >= ADMINISTERED
    assert {str(operation) for operation in OPERATIONS} > {*READ_ONLY_WRITES, *AUDITED_READS}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_operations_refuse_principal_and_change_nothing(
    agencies_with_data: Agencies, read_digest: Callable[[], dict[str, list[Any]]], case: Case
) -> None:
    cases = [(operation, status) for operation in OPERATIONS if (status := expected(case, operation))]
    before = read_digest()

    responses = {operation: agencies_with_data.send(case, operation) for operation, _ in cases}

    wrong = {
        str(operation): (responses[operation].status, status)
        for operation, status in cases
        if responses[operation].status != status
    }
    leaked = {
        str(each): words
        for each, response in responses.items()
        if (words := agencies_with_data.find_leaked(response, case))
    }
    after = read_digest()
    assert (wrong, leaked) == ({}, {})
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
    assert len(cases) >= len(OPERATIONS) / 2


@pytest.mark.parametrize("principal", ["read-only key", "viewer"])
def test_read_only_token_can_be_created_by_reader(agencies_with_data: Agencies, principal: str) -> None:
    response = agencies_with_data.clients[principal].post("/v1/tokens", {}, format="json")

    assert response.status_code == 201
