"""The manners of the API, asked of every operation that the document describes: new ones have them without a
line of theirs."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from accounts.agencies import lifecycle as agencies
from accounts.models import IdempotencyRecord
from accounts.tenancy import context
from tests.architecture.furnishing import Furnished, furnish
from tests.architecture.operations import FREE, OPERATIONS, Answer, Operation, read
from tests.client import Client
from tests.clock import clock
from tests.conftest import NOON, empty

A_FEW = 40  # an agency has a hundred endpoints at most
PROBLEM = "application/problem+json"
READS = [operation for operation in OPERATIONS if operation.method == "GET"]
WRITES = [operation for operation in OPERATIONS if operation.method != "GET"]
THE_END = "DELETE /v1/agency"
ARCHIVE = "/v1/exports/{export_id}/archive"
GIVES_A_FILE = {"/v1/reports/{report_id}/document", ARCHIVE}


@pytest.fixture(scope="module")
def acme(django_db_setup: None, django_db_blocker: DjangoDbBlocker, owner_dsn: str) -> Iterator[Client]:
    """An agency with committed rows, for all tests of this module."""
    with django_db_blocker.unblock():
        yield Client(*agencies.create_agency(name="Acme", now=NOON))
        connections.close_all()
    empty(owner_dsn)


@pytest.fixture(scope="module")
def own(acme: Client) -> Furnished:
    return furnish(acme, name="acme")


@contextmanager
def saying(client: Client, **headers: str) -> Iterator[Client]:
    """The client while it sends these headers too."""
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.key}", **headers)
    yield client
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.key}")


def in_turn() -> list[Operation]:
    """Writes, those last that take away what others need, and without the one after which nobody is answered
    any more."""

    return sorted(
        (each for each in WRITES if str(each) != THE_END),
        key=lambda each: (each.method == "DELETE", each.path == "/v1/accounts/{account_id}"),
    )


def told(answer: Answer) -> tuple[int, str, str | None]:
    return answer.status, answer.text, answer.headers.get("Location")


def where(operation: Operation, has: Furnished) -> str:
    return operation.path.format_map(FREE | asdict(has))


def test_every_write_refuses_a_key_that_was_used_for_something_else(acme: Client, own: Furnished) -> None:
    with saying(acme, HTTP_IDEMPOTENCY_KEY="used"):
        acme.patch("/v1/agency", {"name": "Acme"}, format="json")
        atomic = [operation for operation in WRITES if not operation.path.endswith("/reports")]
        answers = {
            str(operation): operation.ask(acme, own) for operation in atomic if operation.path != "/v1/agency"
        }

    assert {(answer.status, answer.headers["Content-Type"]) for answer in answers.values()} == {
        (422, PROBLEM)
    }


def test_every_read_is_known_again_and_says_304(acme: Client, own: Furnished) -> None:
    in_order = sorted(
        READS, key=lambda each: each.path != ARCHIVE
    )  # that it is taken away is noted in the log, read later
    firsts = {operation: operation.ask(acme, own) for operation in in_order}
    time.sleep(1.1)  # what holds the clock of the answer would have another tag now

    for operation, first in reversed(firsts.items()):
        again = read(acme.get(where(operation, own), HTTP_IF_NONE_MATCH=first.headers["ETag"]))

        assert (str(operation), again.status, again.text) == (str(operation), 304, "")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert "Authorization" in first.headers["Vary"]
        assert first.headers["Cache-Control"] == "private, no-cache"


def test_every_read_is_answered_to_head_too(acme: Client, own: Furnished) -> None:
    for operation in READS:
        get = operation.ask(acme, own)
        head = acme.head(where(operation, own))

        assert (str(operation), head.status_code) == (str(operation), 200)
        assert head["ETag"] == get.headers["ETag"]
        head.close() if operation.path in GIVES_A_FILE else None


@pytest.mark.parametrize("operation", [each for each in WRITES if each.takes_body], ids=str)
def test_every_body_that_cannot_be_read_is_a_problem(
    acme: Client, own: Furnished, operation: Operation
) -> None:
    path, method = where(operation, own), operation.method
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
            answer = read(acme.generic(method, path, body, kind, **key))

            assert (case, answer.status in statuses, answer.headers["Content-Type"]) == (
                case,
                True,
                PROBLEM,
            ), answer.text
            assert answer.body["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("operation", READS, ids=str)
def test_every_read_refuses_what_it_cannot_give(acme: Client, own: Furnished, operation: Operation) -> None:
    answer = read(acme.get(where(operation, own), HTTP_ACCEPT="application/xml"))

    assert (answer.status, answer.headers["Content-Type"]) == (406, PROBLEM)


def test_every_path_says_what_it_takes(acme: Client, own: Furnished) -> None:
    for path in sorted({operation.path for operation in OPERATIONS}):
        methods = {operation.method for operation in OPERATIONS if operation.path == path}
        at = path.format_map(FREE | asdict(own))
        refused, options = acme.generic("TRACE", at), acme.options(at)

        allowed = set(refused["Allow"].split(", "))
        assert (refused.status_code, refused["Content-Type"]) == (405, PROBLEM)
        assert allowed - {"HEAD", "OPTIONS"} == methods
        assert (options.status_code, set(options["Allow"].split(", "))) == (200, allowed)


@pytest.mark.parametrize(
    "path",
    ["/v2/accounts", "/v1/accounts/", "/static/x", "/docs/x", "/%ff", "/\N{PILE OF POO}"],
)
def test_every_other_path_is_a_problem(acme: Client, path: str) -> None:
    answer = acme.get(path)

    assert (answer.status_code, answer["Content-Type"], answer.json()["type"]) == (
        404,
        PROBLEM,
        "/problems/not-found",
    )
    assert answer.json()["request_id"] == answer["X-Request-Id"]


def lists(client: Client, has: Furnished) -> list[tuple[Operation, list[dict[str, Any]]]]:
    """The operations that answer page by page, each with the rows that there are."""
    lists = []
    for operation in READS:
        if "cursor" in operation.parameters:
            rows = operation.ask(client, has, limit="200").body["data"]
            lists.append((operation, rows))
    return lists


def walk(operation: Operation, client: Client, has: Furnished, *, between: Any) -> list[dict[str, Any]]:
    """Every row, two at a time, while something happens between the pages."""
    rows: list[dict[str, Any]] = []
    cursor, more = "", True
    while more:
        page = operation.ask(client, has, limit="2", **({"cursor": cursor} if cursor else {})).body
        rows += page["data"]
        cursor, more = page["next_cursor"], page["next_cursor"] is not None
        between()
    return rows


def test_every_list_gives_each_old_row_once_while_rows_are_added(acme: Client, own: Furnished) -> None:
    made = iter(range(1000))

    def life_goes_on() -> None:
        number = next(made)
        acme.take_on(name=f"Late {number}", partner=f"A1LATE{number}")
        if number < A_FEW:
            acme.listen(url=f"https://late-{number}.example/hooks")
        for path, body in (
            (f"/v1/breaches/{own.breach_id}/notes", {"text": f"Late {number}"}),
            (f"/v1/webhook-endpoints/{own.endpoint_id}/test", {"event_type": "breach.opened"}),
        ):
            acme.post(path, body, format="json")

    known = lists(acme, own)
    for operation, _ in known:
        before = operation.ask(acme, own, limit="200").body["data"]
        seen = [
            json.dumps(row.get("id", row), sort_keys=True)
            for row in walk(operation, acme, own, between=life_goes_on)
        ]
        old = [json.dumps(row.get("id", row), sort_keys=True) for row in before]

        assert [row for row in seen if row in old] == old, operation
        assert len(set(seen)) == len(seen), operation
    assert len(known) >= 10
    assert sum(len(rows) > 2 for _, rows in known) >= 5


def test_every_list_refuses_too_much_at_once_and_says_how_much_it_gives(acme: Client, own: Furnished) -> None:
    document = json.loads((settings.BASE_DIR / "docs" / "openapi.json").read_text())

    for operation, _ in lists(acme, own):
        (limit,) = [
            each
            for each in document["paths"][operation.path]["get"]["parameters"]
            if each.get("name") == "limit"
        ]

        assert limit["schema"]["maximum"] == 200
        assert operation.ask(acme, own, limit="201").status == 400


def test_a_cursor_of_one_list_is_refused_by_another_or_gives_rows_of_that_one_alone(
    acme: Client, own: Furnished
) -> None:
    known = [(operation, rows) for operation, rows in lists(acme, own) if 0 < len(rows) < 200]
    cursors = [operation.ask(acme, own, limit="1").body["next_cursor"] for operation, _ in known]

    for operation, rows in known:
        for cursor in filter(None, cursors):
            answer = operation.ask(acme, own, cursor=cursor)

            assert answer.status in {200, 404}
            assert answer.status == 404 or all(row in rows for row in answer.body["data"]), operation


def test_every_list_narrows_its_rows_to_the_fields_that_are_named(acme: Client, own: Furnished) -> None:
    for operation, rows in lists(acme, own):
        name = min(rows[0]) if rows else "id"
        narrow = operation.ask(acme, own, fields=name, limit="200")

        assert narrow.body["data"] == [{name: row[name]} for row in rows], operation
        assert operation.ask(acme, own, fields="nothing").status == 400


def test_every_write_is_done_once_under_its_key_and_answered_the_same(acme: Client, own: Furnished) -> None:
    """After everything else: what is acme's goes."""
    # Other tests sent test events at this moment, and an endpoint takes few of them in a minute.
    clock.advance(timedelta(minutes=5))
    for number, operation in enumerate(in_turn()):
        with saying(acme, HTTP_IDEMPOTENCY_KEY=f"once-{number}"):
            first, again = operation.ask(acme, own), operation.ask(acme, own)

        assert (str(operation), first.status) in {(str(operation), status) for status in (200, 201, 202, 204)}
        assert told(first) == told(again), operation
        assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "no-store"
        assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (
            None,
            "true",
        ), operation
    with context.agency(acme.agency.pk):
        assert IdempotencyRecord.objects.filter(key__startswith="once").count() == len(WRITES) - 1
