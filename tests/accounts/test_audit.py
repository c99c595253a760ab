"""The audit log: what was noted, by whom, for good; to its agency and to nobody else."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError
from structlog.contextvars import bound_contextvars

from accounts import audit
from accounts.agencies import lifecycle as agencies
from accounts.models import Actor, ApiKey, AuditEntry, Role
from accounts.tenancy import batches, context, principals
from api import identifiers
from tests.client import Client

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ENDPOINT = "ep_" + "a" * 32


def note(client: Client, what: str = "endpoint.created", *, about: str = ENDPOINT, **detail: Any) -> str:
    """Note something of an agency; returns its id."""
    with context.agency(client.agency.pk):
        who = principals.from_key(ApiKey.objects.get()).actor
        entry = audit.record(agency_id=client.agency.pk, who=who, what=what, about=about, detail=detail, now=NOW)
        return entry.public_id


def key_of(client: Client) -> UUID:
    with context.agency(client.agency.pk):
        return ApiKey.objects.get().pk


def listed(client: Client, **asked: str) -> list[str]:
    """The ids of entries, but for the one of the agency's own opening."""
    return [entry["id"] for entry in client.read("/v1/audit-log", **asked)["data"] if entry["what"] != "agency.opened"]


def test_an_entry_says_who_did_what_to_what(acme: Client) -> None:
    note(acme, event_types=["*"])

    key = acme.read("/v1/me")["key"]
    entry, opening = acme.read("/v1/audit-log")["data"]
    assert entry.pop("id").startswith("note_")
    assert entry == {
        "at": "2026-11-22T09:00:00Z",
        "who": f"{key['id']} {key['name']}",
        "what": "endpoint.created",
        "about": ENDPOINT,
        "before": None,
        "after": None,
        "detail": {"event_types": ["*"]},
        "request_id": None,
    }
    assert (opening["what"], opening["who"], opening["about"]) == ("agency.opened", "underone", acme.agency.public_id)


def test_of_two_sides_the_fields_that_differ_are_kept(acme: Client) -> None:
    sides: dict[str, Any] = {"before": {"name": "a", "at": None, "same": [1]}, "after": {"name": "b", "at": NOW, "same": [1]}}
    with context.agency(acme.agency.pk):
        audit.record_change(
            agency_id=acme.agency.pk, who=Actor("underone"), what="endpoint.changed", about=ENDPOINT, now=NOW, **sides
        )
        same = audit.record_change(
            agency_id=acme.agency.pk, who=Actor("underone"), what="endpoint.changed", about=ENDPOINT, now=NOW, before={}, after={}
        )

    (entry,) = acme.read("/v1/audit-log", about=ENDPOINT)["data"]
    assert (entry["before"], entry["after"]) == ({"name": "a", "at": None}, {"name": "b", "at": "2026-11-22T09:00:00Z"})
    assert same is None


def test_an_entry_tells_the_request_that_asked_for_it(acme: Client) -> None:
    with bound_contextvars(request_id="req_of_theirs"):
        note(acme)

    assert acme.read("/v1/audit-log")["data"][0]["request_id"] == "req_of_theirs"


def test_the_newest_entry_comes_first_page_by_page(acme: Client) -> None:
    newest_first = [note(acme, n=n) for n in range(5)][::-1]

    first = acme.get("/v1/audit-log", {"limit": 3})
    second = acme.read("/v1/audit-log", limit=3, cursor=first.json()["next_cursor"])

    assert [entry["id"] for entry in first.json()["data"] + second["data"]][:-1] == newest_first
    assert second["next_cursor"] is None
    assert 'rel="next"' in first.headers["Link"]


def test_entries_are_narrowed_by_what_and_by_about(acme: Client) -> None:
    other = "ep_" + "b" * 32
    created, changed, others = note(acme), note(acme, "endpoint.changed"), note(acme, about=other)
    elsewhere = note(acme, "endpoints.counted")

    assert listed(acme, what="endpoint.created") == [others, created]
    assert listed(acme, what="endpoint.*") == [others, changed, created]
    assert listed(acme, about=ENDPOINT) == [elsewhere, changed, created]
    assert listed(acme, about=other, what="endpoint.changed") == []
    assert listed(acme, what="endpoint") == listed(acme, what="*") == listed(acme, what=".*") == []


def test_entries_are_narrowed_by_who_and_by_moment(acme: Client) -> None:
    entry = note(acme)
    key = acme.read("/v1/me")["key"]["id"]
    earlier, at, later = "2026-11-22T08:59:59Z", "2026-11-22T09:00:00Z", "2026-11-22T09:00:01+00:00"

    assert listed(acme, who=key) == listed(acme, who=f"{key} first key") == [entry]
    assert listed(acme, who=key[:-1]) == listed(acme, who="first key") == listed(acme, who="underone") == []
    assert listed(acme, since=at) == listed(acme, until=later) == listed(acme, since=earlier, until=later) == [entry]
    assert listed(acme, since=later) == listed(acme, until=at) == []


def test_entries_are_read_as_a_sheet_and_no_name_becomes_a_formula(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        sides = {"before": {"name": "Æ"}, "after": {"name": "=1+1"}}
        audit.record(agency_id=acme.agency.pk, who=Actor("=cmd"), what="account.changed", about="acct_1", now=NOW, **sides)

    response = acme.get("/v1/audit-log", {"format": "csv"})

    head, line, _ = csv.reader(io.StringIO(response.content.decode()))
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert head == ["id", "at", "who", "what", "about", "before", "after", "detail", "request_id"]
    assert line[2:] == ["'=cmd", "account.changed", "acct_1", '{"name": "Æ"}', '{"name": "=1+1"}', "", ""]


def test_the_log_is_for_admins(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        ApiKey.objects.update(role=Role.MANAGER)

    response = acme.get("/v1/audit-log")

    assert (response.status_code, response.json()["type"]) == (403, "/problems/not-permitted")


def test_a_moment_with_any_offset_is_compared(acme: Client) -> None:
    note(acme)

    assert len(listed(acme, since="2026-01-01T00:00:00+23:59")) == len(listed(acme, until="2099-12-31T23:59:59-23:59")) == 1


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        *(({"cursor": "x"}, "/cursor"), ({"limit": "0"}, "/limit"), ({"what": "a\0"}, "/what"), ({"since": "today"}, "/since")),
        *(({"since": "0001-01-01T00:00:00+14:00"}, "/since"), ({"until": "9999-12-31T23:59:59-14:00"}, "/until")),
        ({"since": "2026-11-20T00:00:00Z" + " " * 30}, "/since"),
    ],
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
        "UPDATE accounts_auditentry SET actor_id = 'nobody'",
        "UPDATE accounts_auditentry SET detail = '{}'",
        "UPDATE accounts_auditentry SET at = at",
        "UPDATE accounts_auditentry SET actor_name = '', before = NULL, after = NULL, detail = '{}'",
        "DELETE FROM accounts_auditentry",
    ],
)
def test_what_was_noted_is_neither_changed_nor_taken_out(acme: Client, statement: str) -> None:
    note(acme)

    with context.agency(acme.agency.pk):
        with connection.cursor() as cursor, pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            cursor.execute(statement)
        assert AuditEntry.objects.count() == 2


@pytest.mark.parametrize("statement", ["TRUNCATE accounts_auditentry", "ALTER TABLE accounts_auditentry DISABLE TRIGGER ALL"])
def test_the_log_is_not_emptied_and_its_guard_is_not_sent_away(acme: Client, statement: str) -> None:
    refused = pytest.raises(ProgrammingError, match=r"denied|owner")
    with refused, context.agency(acme.agency.pk), connection.cursor() as cursor:
        cursor.execute(statement)


def test_nothing_is_noted_in_another_agency_s_log(acme: Client, rival: Client) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), context.agency(rival.agency.pk):
        audit.record(agency_id=acme.agency.pk, who=Actor("underone"), what="endpoint.created", about=ENDPOINT, now=NOW)


def test_of_a_closed_agency_s_entries_the_ids_alone_are_left_and_no_id_can_be_changed(
    acme: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    note(acme, about=ENDPOINT, host="hooks.example.com")
    with context.agency(acme.agency.pk):
        agencies.close(agency=acme.agency, by="key_1", who=Actor("key_1", "Mei"), now=NOW)
        for columns in (
            "actor_id = 'nobody'",
            "actor_name = '', before = NULL, after = NULL, detail = '{}', at = now()",
            "actor_id = 'nobody', actor_name = '', before = NULL, after = NULL, detail = '{}'",
            "about = actor_id",
        ):
            with connection.cursor() as cursor, pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
                cursor.execute(f"UPDATE accounts_auditentry SET {columns}")
        with connection.cursor() as cursor, pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            cursor.execute("DELETE FROM accounts_auditentry")

        shortened = [audit.remove_details(agency_id=acme.agency.pk) for _ in range(2)]

        entries = AuditEntry.objects.order_by("pk")
        kept = [(entry.who, entry.what, entry.before, entry.after, entry.detail) for entry in entries]
    key = identifiers.public("key", key_of(acme))
    whats = [("underone", "agency.opened"), (key, "endpoint.created"), ("key_1", "agency.closed")]
    assert shortened == [3, 0]
    assert kept == [(*each, None, None, {}) for each in whats]


def test_what_is_undone_was_never_noted(acme: Client) -> None:
    with context.agency(acme.agency.pk), pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError(note(acme))

    assert listed(acme) == []


def test_the_product_itself_is_called_by_its_name(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        audit.record(agency_id=acme.agency.pk, who=audit.UNDERONE, what="endpoint.disabled", about=ENDPOINT, detail={}, now=NOW)

    assert [entry["who"] for entry in acme.read("/v1/audit-log", about=ENDPOINT)["data"]] == ["underone"]


def test_an_entry_keeps_the_name_that_a_key_had(acme: Client) -> None:
    note(acme)
    with context.agency(acme.agency.pk):
        ApiKey.objects.update(name="renamed", created_at=NOW + timedelta(days=1))
        key = identifiers.public("key", ApiKey.objects.get().pk)

    assert [entry["who"] for entry in acme.read("/v1/audit-log", about=ENDPOINT)["data"]] == [f"{key} first key"]
