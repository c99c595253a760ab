"""The audit log: what was noted, by whom, for good; to its agency and to nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from accounts import audit, bearers, identifiers, scoping
from accounts.models import ApiKey, AuditEntry
from tests.client import Client

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ENDPOINT = "ep_" + "a" * 32


def note(client: Client, what: str = "endpoint.created", *, about: str = ENDPOINT, **detail: Any) -> str:
    """Note something of an agency; returns its id."""
    with scoping.agency(client.agency.pk):
        who = bearers.of_key(ApiKey.objects.get()).who
        entry = audit.note(agency_id=client.agency.pk, who=who, what=what, about=about, detail=detail, now=NOW)
        return entry.public_id


def listed(client: Client, **asked: str) -> list[str]:
    return [entry["id"] for entry in client.read("/v1/audit-log", **asked)["data"]]


def test_an_entry_says_who_did_what_to_what(acme: Client) -> None:
    entry = note(acme, event_types=["*"])

    key = acme.read("/v1/me")["key"]
    assert acme.read("/v1/audit-log") == {
        "data": [
            {
                "id": entry,
                "at": "2026-11-22T09:00:00Z",
                "who": f"{key['id']} {key['name']}",
                "what": "endpoint.created",
                "about": ENDPOINT,
                "detail": {"event_types": ["*"]},
            }
        ],
        "next_cursor": None,
    }


def test_nothing_was_done_yet(acme: Client) -> None:
    assert acme.read("/v1/audit-log") == {"data": [], "next_cursor": None}


def test_the_newest_entry_comes_first_page_by_page(acme: Client) -> None:
    newest_first = [note(acme, n=n) for n in range(5)][::-1]

    first = acme.read("/v1/audit-log", limit=3)
    second = acme.read("/v1/audit-log", limit=3, cursor=first["next_cursor"])

    assert [entry["id"] for entry in first["data"] + second["data"]] == newest_first
    assert second["next_cursor"] is None


def test_entries_are_narrowed_by_what_and_by_about(acme: Client) -> None:
    other = "ep_" + "b" * 32
    created, changed, others = note(acme), note(acme, "endpoint.changed"), note(acme, about=other)

    assert listed(acme, what="endpoint.created") == [others, created]
    assert listed(acme, about=ENDPOINT) == [changed, created]
    assert listed(acme, about=other, what="endpoint.changed") == []
    assert listed(acme, what="endpoint") == []


@pytest.mark.parametrize(
    ("asked", "pointer"), [({"cursor": "x"}, "/cursor"), ({"limit": "0"}, "/limit"), ({"what": "a\0"}, "/what")]
)
def test_a_wrong_question_is_pointed_at(acme: Client, asked: dict[str, str], pointer: str) -> None:
    response = acme.get("/v1/audit-log", asked)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_a_stranger_sees_none_of_it(acme: Client, rival: Client) -> None:
    note(acme)
    own = note(rival)

    assert listed(rival) == [own]
    assert listed(rival, about=ENDPOINT) == [own]


def test_without_a_key_there_is_no_answer(acme: Client) -> None:
    acme.credentials()

    assert acme.get("/v1/audit-log").status_code == 401


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET who = 'nobody'",
        "UPDATE accounts_auditentry SET detail = '{}'",
        "UPDATE accounts_auditentry SET at = at",
        "DELETE FROM accounts_auditentry",
    ],
)
def test_what_was_noted_is_neither_changed_nor_taken_out(acme: Client, statement: str) -> None:
    note(acme)

    with scoping.agency(acme.agency.pk):
        with connection.cursor() as cursor, pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            cursor.execute(statement)
        assert AuditEntry.objects.count() == 1


def test_what_is_undone_was_never_noted(acme: Client) -> None:
    with scoping.agency(acme.agency.pk), pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError(note(acme))

    assert listed(acme) == []


def test_the_product_itself_is_called_by_its_name(acme: Client) -> None:
    with scoping.agency(acme.agency.pk):
        audit.note(agency_id=acme.agency.pk, who=audit.UNDERONE, what="endpoint.disabled", about=ENDPOINT, detail={}, now=NOW)

    assert [entry["who"] for entry in acme.read("/v1/audit-log")["data"]] == ["underone"]


def test_an_entry_keeps_the_name_that_a_key_had(acme: Client) -> None:
    note(acme)
    with scoping.agency(acme.agency.pk):
        ApiKey.objects.update(name="renamed", created_at=NOW + timedelta(days=1))
        key = identifiers.public("key", ApiKey.objects.get().pk)

    assert [entry["who"] for entry in acme.read("/v1/audit-log")["data"]] == [f"{key} first key"]
