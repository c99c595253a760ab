"""Test the audit log: entries, filters, and that entries cannot be changed or deleted."""

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
    """Record an entry, and return its ID."""
    with context.agency(client.agency.pk):
        actor = principals.from_key(ApiKey.objects.get()).actor
        entry = audit.record(
            agency_id=client.agency.pk, actor=actor, what=what, about=about, detail=detail, now=NOW
        )
        return entry.public_id


def key_of(client: Client) -> UUID:
    with context.agency(client.agency.pk):
        return ApiKey.objects.get().pk


def listed(client: Client, **params: str) -> list[str]:
    """Return the IDs of entries, without that of the agency's creation."""
    return [
        entry["id"]
        for entry in client.read("/v1/audit-log", **params)["data"]
        if entry["what"] != "agency.opened"
    ]


def test_audit_entry_has_documented_fields(acme: Client) -> None:
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
    assert (opening["what"], opening["who"], opening["about"]) == (
        "agency.opened",
        "underone",
        acme.agency.public_id,
    )


def test_audit_entry_stores_changed_fields_only(acme: Client) -> None:
    sides: dict[str, Any] = {
        "before": {"name": "a", "at": None, "same": [1]},
        "after": {"name": "b", "at": NOW, "same": [1]},
    }
    with context.agency(acme.agency.pk):
        audit.record_change(
            agency_id=acme.agency.pk,
            actor=Actor("underone"),
            what="endpoint.changed",
            about=ENDPOINT,
            now=NOW,
            **sides,
        )
        same = audit.record_change(
            agency_id=acme.agency.pk,
            actor=Actor("underone"),
            what="endpoint.changed",
            about=ENDPOINT,
            now=NOW,
            before={},
            after={},
        )

    (entry,) = acme.read("/v1/audit-log", about=ENDPOINT)["data"]
    assert (entry["before"], entry["after"]) == (
        {"name": "a", "at": None},
        {"name": "b", "at": "2026-11-22T09:00:00Z"},
    )
    assert same is None


def test_audit_entry_has_request_id(acme: Client) -> None:
    with bound_contextvars(request_id="req_of_theirs"):
        note(acme)

    assert acme.read("/v1/audit-log")["data"][0]["request_id"] == "req_of_theirs"


def test_audit_log_is_paginated_newest_first(acme: Client) -> None:
    newest_first = [note(acme, n=n) for n in range(5)][::-1]

    first = acme.get("/v1/audit-log", {"limit": 3})
    second = acme.read("/v1/audit-log", limit=3, cursor=first.json()["next_cursor"])

    assert [entry["id"] for entry in first.json()["data"] + second["data"]][:-1] == newest_first
    assert second["next_cursor"] is None
    assert 'rel="next"' in first.headers["Link"]


def test_audit_log_filters_by_what_and_about(acme: Client) -> None:
    other = "ep_" + "b" * 32
    created, changed, others = note(acme), note(acme, "endpoint.changed"), note(acme, about=other)
    elsewhere = note(acme, "endpoints.counted")

    assert listed(acme, what="endpoint.created") == [others, created]
    assert listed(acme, what="endpoint.*") == [others, changed, created]
    assert listed(acme, about=ENDPOINT) == [elsewhere, changed, created]
    assert listed(acme, about=other, what="endpoint.changed") == []
    assert listed(acme, what="endpoint") == listed(acme, what="*") == listed(acme, what=".*") == []


def test_audit_log_filters_by_who_and_time(acme: Client) -> None:
    entry = note(acme)
    key = acme.read("/v1/me")["key"]["id"]
    earlier, at, later = "2026-11-22T08:59:59Z", "2026-11-22T09:00:00Z", "2026-11-22T09:00:01+00:00"

    assert listed(acme, who=key) == listed(acme, who=f"{key} first key") == [entry]
    assert listed(acme, who=key[:-1]) == listed(acme, who="first key") == listed(acme, who="underone") == []
    assert (
        listed(acme, since=at)
        == listed(acme, until=later)
        == listed(acme, since=earlier, until=later)
        == [entry]
    )
    assert listed(acme, since=later) == listed(acme, until=at) == []


def test_audit_log_csv_has_no_formula(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        sides = {"before": {"name": "Æ"}, "after": {"name": "=1+1"}}
        audit.record(
            agency_id=acme.agency.pk,
            actor=Actor("=cmd"),
            what="account.changed",
            about="acct_1",
            now=NOW,
            **sides,
        )

    response = acme.get("/v1/audit-log", {"format": "csv"})

    head, line, _ = csv.reader(io.StringIO(response.content.decode()))
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert head == ["id", "at", "who", "what", "about", "before", "after", "detail", "request_id"]
    assert line[2:] == ["'=cmd", "account.changed", "acct_1", '{"name": "Æ"}', '{"name": "=1+1"}', "", ""]


def test_audit_log_requires_admin(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        ApiKey.objects.update(role=Role.MANAGER)

    response = acme.get("/v1/audit-log")

    assert (response.status_code, response.json()["type"]) == (403, "/problems/not-permitted")


def test_audit_log_filter_accepts_any_offset(acme: Client) -> None:
    note(acme)

    assert (
        len(listed(acme, since="2026-01-01T00:00:00+23:59"))
        == len(listed(acme, until="2099-12-31T23:59:59-23:59"))
        == 1
    )


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        *(
            ({"cursor": "x"}, "/cursor"),
            ({"limit": "0"}, "/limit"),
            ({"what": "a\0"}, "/what"),
            ({"since": "today"}, "/since"),
        ),
        *(
            ({"since": "0001-01-01T00:00:00+14:00"}, "/since"),
            ({"until": "9999-12-31T23:59:59-14:00"}, "/until"),
        ),
        ({"since": "2026-11-20T00:00:00Z" + " " * 30}, "/since"),
    ],
)
def test_audit_log_refuses_invalid_parameters(acme: Client, params: dict[str, str], pointer: str) -> None:
    response = acme.get("/v1/audit-log", params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_audit_log_of_other_agency_is_not_shown(acme: Client, rival: Client) -> None:
    note(acme)
    own = note(rival)

    assert listed(rival) == [own]
    assert listed(rival, about=ENDPOINT) == [own]


def test_audit_log_requires_authentication(acme: Client) -> None:
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
def test_audit_entries_cannot_be_changed_or_deleted(acme: Client, statement: str) -> None:
    note(acme)

    with context.agency(acme.agency.pk):
        with (
            connection.cursor() as cursor,
            pytest.raises(DatabaseError, match="never changed"),
            transaction.atomic(),
        ):
            cursor.execute(statement)
        assert AuditEntry.objects.count() == 2


@pytest.mark.parametrize(
    "statement", ["TRUNCATE accounts_auditentry", "ALTER TABLE accounts_auditentry DISABLE TRIGGER ALL"]
)
def test_audit_table_cannot_be_truncated_or_unguarded(acme: Client, statement: str) -> None:
    refused = pytest.raises(ProgrammingError, match=r"denied|owner")
    with refused, context.agency(acme.agency.pk), connection.cursor() as cursor:
        cursor.execute(statement)


def test_audit_entry_for_other_agency_is_refused(acme: Client, rival: Client) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), context.agency(rival.agency.pk):
        audit.record(
            agency_id=acme.agency.pk,
            actor=Actor("underone"),
            what="endpoint.created",
            about=ENDPOINT,
            now=NOW,
        )


def test_audit_entries_of_closed_agency_are_reduced_to_ids(
    acme: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    note(acme, about=ENDPOINT, host="hooks.example.com")
    with context.agency(acme.agency.pk):
        agencies.close(agency=acme.agency, by="key_1", actor=Actor("key_1", "Mei"), now=NOW)
        for columns in (
            "actor_id = 'nobody'",
            "actor_name = '', before = NULL, after = NULL, detail = '{}', at = now()",
            "actor_id = 'nobody', actor_name = '', before = NULL, after = NULL, detail = '{}'",
            "about = actor_id",
        ):
            with (
                connection.cursor() as cursor,
                pytest.raises(DatabaseError, match="never changed"),
                transaction.atomic(),
            ):
                cursor.execute(f"UPDATE accounts_auditentry SET {columns}")
        with (
            connection.cursor() as cursor,
            pytest.raises(DatabaseError, match="never changed"),
            transaction.atomic(),
        ):
            cursor.execute("DELETE FROM accounts_auditentry")

        shortened = [audit.remove_details(agency_id=acme.agency.pk) for _ in range(2)]

        entries = AuditEntry.objects.order_by("pk")
        stored = [(entry.who, entry.what, entry.before, entry.after, entry.detail) for entry in entries]
    key = identifiers.public("key", key_of(acme))
    whats = [("underone", "agency.opened"), (key, "endpoint.created"), ("key_1", "agency.closed")]
    assert shortened == [3, 0]
    assert stored == [(*each, None, None, {}) for each in whats]


def test_audit_entry_of_rolled_back_change_is_not_stored(acme: Client) -> None:
    with context.agency(acme.agency.pk), pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError(note(acme))

    assert listed(acme) == []


def test_audit_entry_of_product_is_by_underone(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        audit.record(
            agency_id=acme.agency.pk,
            actor=audit.UNDERONE,
            what="endpoint.disabled",
            about=ENDPOINT,
            detail={},
            now=NOW,
        )

    assert [entry["who"] for entry in acme.read("/v1/audit-log", about=ENDPOINT)["data"]] == ["underone"]


def test_audit_entry_keeps_old_name_of_key(acme: Client) -> None:
    note(acme)
    with context.agency(acme.agency.pk):
        ApiKey.objects.update(name="renamed", created_at=NOW + timedelta(days=1))
        key = identifiers.public("key", ApiKey.objects.get().pk)

    assert [entry["who"] for entry in acme.read("/v1/audit-log", about=ENDPOINT)["data"]] == [
        f"{key} first key"
    ]
