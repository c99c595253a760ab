"""Test the erasure of closed agencies."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from accounts.agencies import lifecycle as agencies
from accounts.models import Agency, AuditEntry, Member, Person, Role, SellerAccount
from accounts.tenancy import batches
from accounts.tenancy import context as tenant_context
from ingestion import erasure, tasks
from ingestion.models import Report
from tests import build, messages, owner
from tests.architecture.agency_data import create_agency_data
from tests.architecture.statements import TENANT_TABLES, rows
from tests.client import Client
from tests.clock import NOW, clock

LATER = NOW + timedelta(days=8)
STAYS = {"accounts_auditentry"}


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    """Return a storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def close(client: Client) -> None:
    assert (
        client.delete("/v1/agency", {"confirm": f"close {client.agency.name}"}, format="json").status_code
        == 202
    )


def read_all_rows(client: Client) -> dict[str, list[str]]:
    """Return every row of the agency by table."""
    with tenant_context.agency(client.agency.pk):
        return {
            table: sorted(rows(f"SELECT to_jsonb(it)::text FROM {table} AS it"))
            for table in rows(TENANT_TABLES)
        }


def files(storage: Path, client: Client) -> int:
    return sum(path.is_file() for path in (storage / client.agency.pk.hex).rglob("*"))


def read_agency_row(client: Client) -> Agency:
    with tenant_context.agency(client.agency.pk):
        return Agency.objects.get()


def test_erased_agency_leaves_only_its_row(acme: Client, rival: Client, storage: Path) -> None:
    create_agency_data(acme, name="acme")
    create_agency_data(rival, name="rival")
    rival_data = read_all_rows(rival), files(storage, rival)
    key = acme.read("/v1/me")["key"]["id"]
    close(acme)
    assert min(map(len, read_all_rows(acme).values())) > 0 < files(storage, acme)

    assert erasure.erase_agency(agency_id=acme.agency.pk, now=LATER)

    left = read_all_rows(acme)
    agency = read_agency_row(acme)
    assert {table for table, parsed in left.items() if parsed} == STAYS
    assert files(storage, acme) == 0
    assert (read_all_rows(rival), files(storage, rival)) == rival_data
    assert (agency.name, agency.closed_by, agency.erased_at) == ("", key, LATER)
    assert tenant_context.closed_agency_ids() == []
    assert tenant_context.open_agency_ids() == [rival.agency.pk]


def columns(client: Client) -> dict[str, Any]:
    with tenant_context.agency(client.agency.pk):
        return dict(Agency.objects.values().get())


def test_erased_agency_row_keeps_id_and_dates_but_no_settings(acme: Client, rival: Client) -> None:
    untouched = columns(rival)
    chosen = {
        "counts_pending_and_cancelled": True,
        "keeps_personal_columns": True,
        "document_retention_days": 7,
        "data_retention_months": 24,
        "allowed_origins": ["https://app.acme.example"],
        "ignored_metrics": ["message_response_rate_24h"],
        "language": "zh-hans",
    }
    assert acme.patch("/v1/agency", chosen, format="json").status_code == 200
    # Only a member with a second factor may change it.
    chosen["requires_second_factor"] = True
    with tenant_context.agency(acme.agency.pk):
        Agency.objects.update(requires_second_factor=True)
    key = acme.read("/v1/me")["key"]["id"]
    close(acme)
    before = columns(acme)
    assert all(before[name] != untouched[name] for name in ("name", *chosen))

    erasure.erase_agency(agency_id=acme.agency.pk, now=LATER)

    left = columns(acme)
    assert {name for name in left if left[name] != untouched[name]} == {
        *("id", "closed_at", "closed_by", "erased_from", "erased_at", "name"),
    }
    assert (left["name"], left["closed_by"]) == ("", key)
    stays = ("id", "created_at", "closed_at", "closed_by", "erased_from")
    assert {name: left[name] for name in stays} == {name: before[name] for name in stays}
    assert left.keys() == {*stays, "erased_at", "name", *chosen}


def test_audit_log_of_erased_agency_is_reduced_to_ids(acme: Client) -> None:
    create_agency_data(acme, name="acme")
    key = acme.read("/v1/me")["key"]["id"]
    whats = [entry["what"] for entry in acme.read("/v1/audit-log", limit=200)["data"]]
    close(acme)

    erasure.erase_agency(agency_id=acme.agency.pk, now=LATER)

    with tenant_context.agency(acme.agency.pk):
        noted = AuditEntry.objects.order_by("-pk")
        entries = [(entry.what, entry.who, entry.before, entry.after, entry.detail) for entry in noted]
    assert [what for what, *_ in entries if what != "export.expired"] == [
        "agency.erased",
        "agency.closed",
        *whats,
    ]
    assert {actor for _, actor, *_ in entries} == {"underone", key}
    assert {str(rest) for _, _, *rest in entries} == {"[None, None, {}]"}


def test_erasure_skips_open_agencies_and_those_not_due(acme: Client, rival: Client) -> None:
    create_agency_data(acme, name="acme")
    close(acme)
    before = read_all_rows(acme)

    soon = erasure.erase_agency(agency_id=acme.agency.pk, now=NOW + timedelta(days=6))
    other = erasure.erase_agency(agency_id=rival.agency.pk, now=LATER)

    assert (soon, other, read_all_rows(acme)) == (False, False, before)


def test_users_of_erased_agency_are_deleted_unless_members_elsewhere_or_staff(nord: Client) -> None:
    rival = Client(*agencies.create_agency(name="Rival", now=NOW))
    people = {
        name: Person.objects.create(email=f"{name}@a.example", name=name, created_at=NOW)
        for name in ("mei", "lu", "ana")
    }
    owner.make_staff(people["ana"])
    for client, names in ((nord, ("mei", "lu", "ana")), (rival, ("lu",))):
        with tenant_context.agency(client.agency.pk):
            for name in names:
                Member.objects.create(
                    agency=client.agency, person=people[name], role=Role.VIEWER, created_at=NOW
                )
    close(nord)

    erasure.erase_agency(agency_id=nord.agency.pk, now=LATER)

    assert set(Person.objects.values_list("name", flat=True)) == {"lu", "ana"}
    with tenant_context.agency(rival.agency.pk):
        assert Member.objects.get().person == people["lu"]


def test_agency_erasure_is_idempotent(acme: Client) -> None:
    close(acme)

    assert [erasure.erase_agency(agency_id=acme.agency.pk, now=LATER) for _ in range(2)] == [True, False]

    with tenant_context.agency(acme.agency.pk):
        assert AuditEntry.objects.filter(what="agency.erased").count() == 1


@pytest.mark.parametrize(
    "table", ["webhooks_attempt", "metrics_dailycounts", "ingestion_report", "accounts_selleraccount"]
)
def test_killed_agency_erasure_is_finished_by_next_run(
    acme: Client, storage: Path, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupt before this table: earlier tables are erased, later ones are not."""
    create_agency_data(acme, name="acme")
    close(acme)

    class Interrupted(Exception):
        pass

    def kill(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if sql.lstrip().startswith(f"DELETE FROM {table} "):
            raise Interrupted
        return execute(sql, params, many, context)

    with connection.execute_wrapper(kill), pytest.raises(Interrupted):
        erasure.erase_agency(agency_id=acme.agency.pk, now=LATER)
    assert read_agency_row(acme).erased_at is None
    assert read_all_rows(acme)[table]

    assert erasure.erase_agency(agency_id=acme.agency.pk, now=LATER)
    assert {name for name, parsed in read_all_rows(acme).items() if parsed} == STAYS
    assert files(storage, acme) == 0


def test_rows_are_erased_in_batches(acme: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    create_agency_data(acme, name="acme")
    close(acme)
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    most: list[int] = []

    def count(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.lstrip().startswith(("DELETE", "UPDATE accounts_auditentry")):
            most.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(count):
        erasure.erase_agency(agency_id=acme.agency.pk, now=LATER)

    assert max(most) == 2
    assert {name for name, parsed in read_all_rows(acme).items() if parsed} == STAYS


def test_due_agencies_are_erased_by_scheduled_task(acme: Client, rival: Client) -> None:
    for client in (acme, rival):
        close(client)
    with tenant_context.agency(acme.agency.pk):
        agencies.erase_now(agency=acme.agency, now=NOW)
    messages.take()

    tasks.erase_agencies()
    handed_out = messages.take()
    for _, words in handed_out:
        tasks.erase_agency(**words)

    assert {words["agency_id"] for _, words in handed_out} == {
        str(client.agency.pk) for client in (acme, rival)
    }
    assert (read_agency_row(acme).erased_at is None, read_agency_row(rival).erased_at is None) == (
        False,
        True,
    )


def test_reports_of_closed_agency_are_loaded_after_reopening(acme: Client, shop: str) -> None:
    report = acme.send(shop, build.orders_file([build.order_row()])).json()["id"]
    close(acme)
    with tenant_context.agency(acme.agency.pk):
        waiting = Report.objects.get()

    tasks.load_report()

    with tenant_context.agency(acme.agency.pk):
        waiting.refresh_from_db()
        assert waiting.status == Report.Status.QUEUED
        agencies.reopen(agency=read_agency_row(acme), now=NOW)
    tasks.load_report()
    assert acme.read(f"/v1/reports/{report}")["status"] == "loaded"


def test_deleted_accounts_of_closed_agency_are_erased_too(acme: Client, shop: str) -> None:
    acme.delete(f"/v1/accounts/{shop}")
    close(acme)
    clock.advance(timedelta(days=7))

    tasks.erase_accounts()

    with tenant_context.agency(acme.agency.pk):
        assert not SellerAccount.objects.exists()


def erase(client: Client, name: str) -> str:
    output = io.StringIO()
    call_command("erase_agency", client.agency.public_id, "--confirm", name, stdout=output)
    return output.getvalue()


def test_erase_agency_command_erases_named_agency(acme: Client, rival: Client) -> None:
    create_agency_data(acme, name="acme")

    printed = erase(acme, "Acme")

    assert printed == f"{acme.agency.public_id} is erased.\n"
    assert (read_agency_row(acme).closed_by, read_agency_row(acme).name) == ("underone", "")
    assert acme.get("/v1/me").status_code == 401
    assert rival.get("/v1/me").status_code == 200
    with pytest.raises(CommandError, match="No agency"):
        erase(acme, "Acme")


def test_erase_agency_command_with_wrong_name_closes_nothing(acme: Client) -> None:
    with pytest.raises(CommandError, match="does not match the agency's name"):
        erase(acme, "Rival")

    assert acme.get("/v1/me").status_code == 200


def reopen(public_id: str) -> str:
    output = io.StringIO()
    call_command("reopen_agency", public_id, stdout=output)
    return output.getvalue()


def test_reopen_agency_command_reopens_closed_agency(acme: Client) -> None:
    close(acme)

    assert reopen(acme.agency.public_id) == "Acme is reopened.\n"
    assert acme.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("state", "expected"),
    [("open", "not closed"), ("due", "being erased"), ("erased", "being erased"), ("none", "No agency")],
)
def test_reopen_agency_command_reports_agencies_it_cannot_reopen(
    acme: Client, state: str, expected: str
) -> None:
    if state in {"due", "erased"}:
        close(acme)
        with tenant_context.agency(acme.agency.pk):
            agencies.erase_now(agency=acme.agency, now=NOW)
    if state == "erased":
        erasure.erase_agency(agency_id=acme.agency.pk, now=LATER)

    with pytest.raises(CommandError, match=expected):
        reopen("agcy_" + "0" * 32 if state == "none" else acme.agency.public_id)
