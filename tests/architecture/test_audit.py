"""Test that every write is in the audit log and refused writes are not. New operations are included."""

import pytest

from accounts.agencies import lifecycle as agencies
from accounts.models import AuditEntry
from accounts.tenancy import context
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.architecture.operations import OF_MAILBOXES, OPERATIONS, Operation
from tests.client import Client
from tests.conftest import NOON

NOT_AUDITED: dict[str, str] = {}
"""Writes that are not audited, and why."""
LAST = (
    "DELETE /v1/accounts/{account_id}",
    # Restoring an account that is not deleted changes nothing.
    "POST /v1/accounts/{account_id}/restore",
    "DELETE /v1/agency",
)
WRITES = sorted(
    (each for each in OPERATIONS if each.method != "GET"),
    key=lambda each: (
        str(each) in LAST and 1 + LAST.index(str(each)),
        each.method == "DELETE",
        str(each),
    ),
)


@pytest.fixture
def acme_and_rival(committed_db: None) -> tuple[Client, Client, AgencyIds]:
    """Create Acme with data, and Rival."""
    acme, rival = (Client(*agencies.create_agency(name=name, now=NOON)) for name in ("Acme", "Rival"))
    return acme, rival, create_agency_data(acme, name="acme")


def read_entries(*clients: Client) -> dict[str, str]:
    """Return the actor of each audit entry of these agencies by its ID."""
    actors: dict[str, str] = {}
    for client in clients:
        with context.agency(client.agency.pk):
            actors |= {entry.public_id: entry.who for entry in AuditEntry.objects.all()}
    return actors


def record_entries(client: Client, operation: Operation, ids: AgencyIds) -> tuple[int, set[str]]:
    """Send the operation, and return its status and the actors of the new audit entries."""
    before = read_entries(client)
    response = operation.send(client, ids)
    return response.status, {actor for entry, actor in read_entries(client).items() if entry not in before}


def test_writes_are_in_audit_log_with_actor(
    acme_and_rival: tuple[Client, Client, AgencyIds],
) -> None:
    acme, _, ids = acme_and_rival
    key = acme.read("/v1/me")["key"]

    recorded = {
        str(operation): record_entries(acme, operation, ids)
        for operation in WRITES
        if str(operation) not in OF_MAILBOXES
    }

    assert {operation: status for operation, (status, _) in recorded.items() if status >= 300} == {}
    silent = {
        operation for operation, (_, actors) in recorded.items() if f"{key['id']} {key['name']}" not in actors
    }
    assert silent == set(NOT_AUDITED)


def test_refused_writes_are_not_in_audit_log(acme_and_rival: tuple[Client, Client, AgencyIds]) -> None:
    acme, rival, ids = acme_and_rival
    before = read_entries(acme, rival)

    not_found_statuses = {
        str(operation): operation.send(rival, ids).status for operation in WRITES if operation.names
    }
    invalid_statuses = {
        str(operation): acme.generic(
            operation.method, operation.path.format_map(vars(ids)), b"[1", content_type="application/json"
        ).status_code
        for operation in WRITES
        if operation.takes_body
    }

    assert set(not_found_statuses.values()) == {404}
    assert set(invalid_statuses.values()) <= {400, 415}
    assert read_entries(acme, rival) == before
