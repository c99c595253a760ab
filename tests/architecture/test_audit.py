"""Every write leaves its trace, and what was refused leaves none. An operation that is new here is asked
too."""

import pytest

from accounts.agencies import lifecycle as agencies
from accounts.models import AuditEntry
from accounts.tenancy import context
from tests.architecture.furnishing import Furnished, furnish
from tests.architecture.operations import OPERATIONS, Operation
from tests.client import Client
from tests.conftest import NOON

LEAVE_NO_TRACE: dict[str, str] = {}
"""Operations that write nothing which an agency would ask after, and why."""
LAST = ("DELETE /v1/accounts/{account_id}", "DELETE /v1/agency")
WRITES = sorted(
    (each for each in OPERATIONS if each.method != "GET"),
    key=lambda each: (each.method == "DELETE", str(each) in LAST, str(each)),
)


@pytest.fixture
def world(committed_db: None) -> tuple[Client, Client, Furnished]:
    """Acme, its rival, and what acme has."""
    acme, rival = (Client(*agencies.create_agency(name=name, now=NOON)) for name in ("Acme", "Rival"))
    return acme, rival, furnish(acme, name="acme")


def entries(*clients: Client) -> dict[str, str]:
    """Who did what, by the entry's id, in the logs of all of these."""
    actors: dict[str, str] = {}
    for client in clients:
        with context.agency(client.agency.pk):
            actors |= {entry.public_id: entry.who for entry in AuditEntry.objects.all()}
    return actors


def traces(client: Client, operation: Operation, has: Furnished) -> tuple[int, set[str]]:
    """The status of the answer, and who is named in the entries that were not there before."""
    before = entries(client)
    answer = operation.ask(client, has)
    return answer.status, {actor for entry, actor in entries(client).items() if entry not in before}


def test_every_write_that_succeeds_is_in_the_log_with_who_asked_for_it(
    world: tuple[Client, Client, Furnished],
) -> None:
    acme, _, has = world
    key = acme.read("/v1/me")["key"]

    left = {str(operation): traces(acme, operation, has) for operation in WRITES}

    assert {operation: status for operation, (status, _) in left.items() if status >= 300} == {}
    silent = {operation for operation, (_, whos) in left.items() if f"{key['id']} {key['name']}" not in whos}
    assert silent == set(LEAVE_NO_TRACE)


def test_what_is_refused_leaves_no_trace(world: tuple[Client, Client, Furnished]) -> None:
    acme, rival, has = world
    before = entries(acme, rival)

    strangers = {str(operation): operation.ask(rival, has).status for operation in WRITES if operation.names}
    unread = {
        str(operation): acme.generic(
            operation.method, operation.path.format_map(vars(has)), b"[1", content_type="application/json"
        ).status_code
        for operation in WRITES
        if operation.takes_body
    }

    assert set(strangers.values()) == {404}
    assert set(unread.values()) <= {400, 415}
    assert entries(acme, rival) == before
