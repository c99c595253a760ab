"""Test the API's conventions on every operation of the OpenAPI document, so that new operations are included."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from accounts.agencies import lifecycle as agencies
from accounts.models import IdempotencyRecord
from accounts.tenancy import context
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.architecture.operations import OF_MAILBOXES, OPERATIONS, SHARED_PARTS, Operation, Response, read
from tests.client import Client
from tests.clock import clock
from tests.conftest import NOON

MAX_NEW_ENDPOINTS = 40  # an agency has a hundred endpoints at most
PROBLEM = "application/problem+json"
READS = [operation for operation in OPERATIONS if operation.method == "GET"]
WRITES = [operation for operation in OPERATIONS if operation.method != "GET"]
CLOSE_AGENCY = "DELETE /v1/agency"
ARCHIVE = "/v1/exports/{export_id}/archive"
FILE_PATHS = {"/v1/reports/{report_id}/document", ARCHIVE}


@pytest.fixture(scope="module")
def acme(committed_module: None) -> Client:
    """Create an agency with committed rows for all tests of this module."""
    return Client(*agencies.create_agency(name="Acme", now=NOON))


@pytest.fixture(scope="module")
def acme_ids(acme: Client) -> AgencyIds:
    return create_agency_data(acme, name="acme")


@contextmanager
def with_headers(client: Client, **headers: str) -> Iterator[Client]:
    """Yield the client, which also sends these headers in the block."""
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.key}", **headers)
    yield client
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.key}")


def sorted_writes() -> list[Operation]:
    """Return the writes without closing the agency, deletions last."""

    return sorted(
        (each for each in WRITES if str(each) != CLOSE_AGENCY),
        key=lambda each: (each.method == "DELETE", each.path == "/v1/accounts/{account_id}"),
    )


def summarize(response: Response) -> tuple[int, str, str | None]:
    return response.status, response.text, response.headers.get("Location")


def build_path(operation: Operation, resource_ids: AgencyIds) -> str:
    return operation.path.format_map(SHARED_PARTS | asdict(resource_ids))


def test_writes_refuse_idempotency_key_of_another_request(acme: Client, acme_ids: AgencyIds) -> None:
    with with_headers(acme, HTTP_IDEMPOTENCY_KEY="used"):
        acme.patch("/v1/agency", {"name": "Acme"}, format="json")
        atomic = [operation for operation in WRITES if not operation.path.endswith("/reports")]
        responses = {
            str(operation): operation.send(acme, acme_ids)
            for operation in atomic
            if operation.path != "/v1/agency"
        }

    assert {(response.status, response.headers["Content-Type"]) for response in responses.values()} == {
        (422, PROBLEM)
    }


def test_reads_return_304_for_same_etag(acme: Client, acme_ids: AgencyIds) -> None:
    in_order = sorted(
        READS, key=lambda each: each.path != ARCHIVE
    )  # that it is taken away is noted in the log, read later
    firsts = {operation: operation.send(acme, acme_ids) for operation in in_order}
    time.sleep(1.1)  # what holds the clock of the answer would have another tag now

    for operation, first in reversed(firsts.items()):
        again = read(acme.get(build_path(operation, acme_ids), HTTP_IF_NONE_MATCH=first.headers["ETag"]))

        assert (str(operation), again.status, again.text) == (str(operation), 304, "")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert "Authorization" in first.headers["Vary"]
        assert first.headers["Cache-Control"] == "private, no-cache"


def test_reads_support_head(acme: Client, acme_ids: AgencyIds) -> None:
    for operation in READS:
        get = operation.send(acme, acme_ids)
        head = acme.head(build_path(operation, acme_ids))

        assert (str(operation), head.status_code) == (str(operation), 200)
        assert head["ETag"] == get.headers["ETag"]
        head.close() if operation.path in FILE_PATHS else None


@pytest.mark.parametrize("operation", [each for each in WRITES if each.takes_body], ids=str)
def test_unreadable_body_is_a_problem(acme: Client, acme_ids: AgencyIds, operation: Operation) -> None:
    path, method = build_path(operation, acme_ids), operation.method
    bodies = {
        "no JSON": (b"{", "application/json", {400, 415}),
        "no UTF-8": (b'{"a": "\xff"}', "application/json", {400, 415}),
        "another kind": (b"<a/>", "application/xml", {415}),
        "form": (b"a=b", "application/x-www-form-urlencoded", {415}),
        "no object": (b"[]", "application/json", {400, 415}),
        "null": (b"null", "application/json", {400, 415}),
        "too large": (b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1), "application/json", {400, 413, 415}),
    }

    for key in ({}, {"HTTP_IDEMPOTENCY_KEY": "k1"}):
        for case, (body, kind, statuses) in bodies.items():
            response = read(acme.generic(method, path, body, kind, **key))

            assert (case, response.status in statuses, response.headers["Content-Type"]) == (
                case,
                True,
                PROBLEM,
            ), response.text
            assert response.body["request_id"] == response.headers["X-Request-Id"]


@pytest.mark.parametrize("operation", READS, ids=str)
def test_reads_refuse_unsupported_media_type(acme: Client, acme_ids: AgencyIds, operation: Operation) -> None:
    response = read(acme.get(build_path(operation, acme_ids), HTTP_ACCEPT="application/xml"))

    assert (response.status, response.headers["Content-Type"]) == (406, PROBLEM)


def test_paths_state_allowed_methods(acme: Client, acme_ids: AgencyIds) -> None:
    for path in sorted({operation.path for operation in OPERATIONS}):
        methods = {operation.method for operation in OPERATIONS if operation.path == path}
        at = path.format_map(SHARED_PARTS | asdict(acme_ids))
        refused, options = acme.generic("TRACE", at), acme.options(at)

        allowed = set(refused["Allow"].split(", "))
        assert (refused.status_code, refused["Content-Type"]) == (405, PROBLEM)
        assert allowed - {"HEAD", "OPTIONS"} == methods
        assert (options.status_code, set(options["Allow"].split(", "))) == (200, allowed)


@pytest.mark.parametrize(
    "path",
    ["/v2/accounts", "/v1/accounts/", "/static/x", "/docs/x", "/%ff", "/\N{PILE OF POO}"],
)
def test_unknown_path_is_a_problem(acme: Client, path: str) -> None:
    response = acme.get(path)

    assert (response.status_code, response["Content-Type"], response.json()["type"]) == (
        404,
        PROBLEM,
        "/problems/not-found",
    )
    assert response.json()["request_id"] == response["X-Request-Id"]


def read_lists(client: Client, resource_ids: AgencyIds) -> list[tuple[Operation, list[dict[str, Any]]]]:
    """Return the operations with pagination, each with its rows."""
    read_lists = []
    for operation in READS:
        if "cursor" in operation.parameters:
            rows = operation.send(client, resource_ids, limit="200").body["data"]
            read_lists.append((operation, rows))
    return read_lists


def read_pages(
    operation: Operation, client: Client, resource_ids: AgencyIds, *, between: Any
) -> list[dict[str, Any]]:
    """Read all rows, two a page, and call `between` after each page."""
    rows: list[dict[str, Any]] = []
    cursor, more = "", True
    while more:
        page = operation.send(client, resource_ids, limit="2", **({"cursor": cursor} if cursor else {})).body
        rows += page["data"]
        cursor, more = page["next_cursor"], page["next_cursor"] is not None
        between()
    return rows


def test_lists_return_each_row_once_while_rows_are_added(acme: Client, acme_ids: AgencyIds) -> None:
    numbers = iter(range(1000))

    def add_rows() -> None:
        number = next(numbers)
        acme.take_on(name=f"Late {number}", partner=f"A1LATE{number}")
        if number < MAX_NEW_ENDPOINTS:
            acme.listen(url=f"https://late-{number}.example/hooks")
        for path, body in (
            (f"/v1/breaches/{acme_ids.breach_id}/notes", {"text": f"Late {number}"}),
            (f"/v1/webhook-endpoints/{acme_ids.endpoint_id}/test", {"event_type": "breach.opened"}),
        ):
            acme.post(path, body, format="json")

    known = read_lists(acme, acme_ids)
    for operation, _ in known:
        before = operation.send(acme, acme_ids, limit="200").body["data"]
        seen = [
            json.dumps(row.get("id", row), sort_keys=True)
            for row in read_pages(operation, acme, acme_ids, between=add_rows)
        ]
        old = [json.dumps(row.get("id", row), sort_keys=True) for row in before]

        assert [row for row in seen if row in old] == old, operation
        assert len(set(seen)) == len(seen), operation
    assert len(known) >= 10
    assert sum(len(rows) > 2 for _, rows in known) >= 5


def test_lists_have_documented_maximum_limit(acme: Client, acme_ids: AgencyIds) -> None:
    document = json.loads((settings.BASE_DIR / "docs" / "openapi.json").read_text())

    for operation, _ in read_lists(acme, acme_ids):
        (limit,) = [
            each
            for each in document["paths"][operation.path]["get"]["parameters"]
            if each.get("name") == "limit"
        ]

        assert limit["schema"]["maximum"] == 200
        assert operation.send(acme, acme_ids, limit="201").status == 400


def test_cursor_of_another_list_is_refused_or_harmless(acme: Client, acme_ids: AgencyIds) -> None:
    known = [(operation, rows) for operation, rows in read_lists(acme, acme_ids) if 0 < len(rows) < 200]
    cursors = [operation.send(acme, acme_ids, limit="1").body["next_cursor"] for operation, _ in known]

    for operation, rows in known:
        for cursor in filter(None, cursors):
            response = operation.send(acme, acme_ids, cursor=cursor)

            assert response.status in {200, 404}
            assert response.status == 404 or all(row in rows for row in response.body["data"]), operation


def test_lists_select_requested_fields(acme: Client, acme_ids: AgencyIds) -> None:
    for operation, rows in read_lists(acme, acme_ids):
        name = min(rows[0]) if rows else "id"
        narrow = operation.send(acme, acme_ids, fields=name, limit="200")

        assert narrow.body["data"] == [{name: row[name]} for row in rows], operation
        assert operation.send(acme, acme_ids, fields="nothing").status == 400


def test_writes_are_replayed_under_same_idempotency_key(acme: Client, acme_ids: AgencyIds) -> None:
    """Run last: deletes what other tests use."""
    # Other tests sent test events at this moment, and an endpoint takes few of them in a minute.
    clock.advance(timedelta(minutes=5))
    operations = [each for each in sorted_writes() if str(each) not in OF_MAILBOXES]
    for number, operation in enumerate(operations):
        with with_headers(acme, HTTP_IDEMPOTENCY_KEY=f"once-{number}"):
            first, again = operation.send(acme, acme_ids), operation.send(acme, acme_ids)

        assert (str(operation), first.status) in {(str(operation), status) for status in (200, 201, 202, 204)}
        assert summarize(first) == summarize(again), operation
        assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "no-store"
        assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (
            None,
            "true",
        ), operation
    with context.agency(acme.agency.pk):
        assert IdempotencyRecord.objects.filter(key__startswith="once").count() == len(operations)
