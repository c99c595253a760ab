"""Test invalid uploads: refused before their body is read, and by a web server process before it arrives."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as installed
from pytest_django.fixtures import Settings

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from tests import build, stopwatch
from tests.client import Client
from tests.conftest import NOON
from tests.ingestion.database_state import pointers, reports_of
from tests.web_servers import web_server

TWO_GIGABYTES = 2 * 1024**3

orders = build.orders_file([build.order_row()])


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/file"),
        ({"file": "its text, not a file"}, "/file"),
        ({"document": "x"}, "/file"),
        ({"file": b"x", "report_type": "GET_FLAT_FILE_OPEN_LISTINGS_DATA"}, "/report_type"),
        ({"file": b"x", "report_type": "defects"}, "/report_type"),
        ({"file": b"x", "marketplace": "UK"}, "/marketplace"),
        ({"file": b"x", "marketplace": "de"}, "/marketplace"),
    ],
)
def test_upload_with_wrong_field_points_at_it(
    nord: Client, shelf: str, tmp_path: Path, fields: dict[str, Any], pointer: str
) -> None:
    before = reports_of(nord, shelf)
    with contextlib.ExitStack() as opened:
        for name, value in fields.items():
            if isinstance(value, bytes):
                (tmp_path / name).write_bytes(value)
                fields = fields | {name: opened.enter_context((tmp_path / name).open("rb"))}

        response = nord.post(f"/v1/accounts/{shelf}/reports", fields, format="multipart")

    assert pointers(response) == [pointer]
    assert reports_of(nord, shelf) == before


class Unread:
    """Represent a body that must not be read."""

    def read(self, *args: object) -> bytes:
        raise AssertionError("The body was read.")

    readline = read


@pytest.mark.parametrize(
    ("length", "content_type", "status", "kind"),
    [
        (str(TWO_GIGABYTES), "multipart/form-data; boundary=x", 413, "document-too-large"),
        ("9" * 30, "multipart/form-data; boundary=x", 413, "document-too-large"),
        ("", "multipart/form-data; boundary=x", 411, "length-required"),
        ("-1", "multipart/form-data; boundary=x", 411, "length-required"),
        ("many", "multipart/form-data; boundary=x", 411, "length-required"),
        ("100", "application/json", 415, "unsupported-media-type"),
        ("100", "text/tab-separated-values", 415, "unsupported-media-type"),
        ("100", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        ("100", "", 415, "unsupported-media-type"),
        ("100", "multipart/form-data", 400, "parse-error"),
    ],
)
def test_upload_in_wrong_shape_is_rejected_before_its_body_is_read(
    nord: Client, shelf: str, length: str, content_type: str, status: int, kind: str
) -> None:
    body = {"CONTENT_LENGTH": length, "wsgi.input": Unread()}

    response = nord.generic("POST", f"/v1/accounts/{shelf}/reports", content_type=content_type, **body)

    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["type"] == f"/problems/{kind}"


@pytest.mark.parametrize("length", ["100", str(TWO_GIGABYTES), ""])
def test_upload_to_account_of_another_agency_is_rejected_before_body_is_read(shelf: str, length: str) -> None:
    rival = Client(*agencies.create_agency(name="Rival", now=NOON))
    unknown = Client(rival.agency, "uo_live_unknown")
    body = {"CONTENT_LENGTH": length, "wsgi.input": Unread()}
    path, multipart = f"/v1/accounts/{shelf}/reports", "multipart/form-data; boundary=x"

    statuses = [
        client.generic("POST", path, content_type=multipart, **body).status_code
        for client in (rival, unknown)
    ]

    assert statuses == [404, 401]


def test_document_that_grows_beyond_limit_on_way_leaves_no_file_behind(
    nord: Client, shelf: str, settings: Settings
) -> None:
    settings.REPORT_MAX_BYTES = 180_000
    folder = Path(installed.FILE_UPLOAD_TEMP_DIR)

    response = nord.send(shelf, b"x" * 200_000 + b"y")

    assert (response.status_code, response.json()["type"]) == (413, "/problems/document-too-large")
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[tuple[str, int]]:
    """Start a real web server and return its address."""
    with web_server() as address:
        yield address


def principal(client: Client) -> str:
    """Create another API key of the client's agency and return its Authorization header."""
    with context.agency(client.agency.pk):
        _, text = key_secrets.create(agency=client.agency, name="another key", now=NOON)
    return f"Bearer {text}"


def answer_to(address: tuple[str, int], head: str, *, body: bytes = b"", within: float = 5) -> str:
    """Send a request without finishing it, and return the status line and body of the response."""
    with socket.create_connection(address, timeout=within) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        with connection.makefile("rb") as answer:
            head_lines = list(iter(answer.readline, b"\r\n"))
            length = next(
                int(line[15:]) for line in head_lines if line.lower().startswith(b"content-length:")
            )
            return (head_lines[0] + answer.read(length)).decode()


def test_real_server_answers_before_rejected_body_arrives(
    web: tuple[str, int], nord: Client, store: str
) -> None:
    rival = Client(*agencies.create_agency(name="Rival", now=NOON))
    requests = {
        "413": f"{principal(nord)}\r\nContent-Length: {TWO_GIGABYTES}",
        "411": f"{principal(nord)}\r\nTransfer-Encoding: chunked",
        "404": f"{principal(rival)}\r\nContent-Length: {TWO_GIGABYTES}",
        "401": f"Bearer unknown\r\nContent-Length: {TWO_GIGABYTES}",
    }

    with stopwatch.running() as watch:
        answers = {
            status: answer_to(
                web,
                f"POST /v1/accounts/{store}/reports HTTP/1.1\r\nHost: localhost\r\n"
                f"Content-Type: multipart/form-data; boundary=x\r\nAuthorization: {rest}",
            )
            for status, rest in requests.items()
        }

    assert {status: answer.split(" ", 2)[1] for status, answer in answers.items()} == {
        each: each for each in requests
    }
    assert all('"type":"/problems/' in answer for answer in answers.values())
    assert watch.seconds < 5


def test_real_server_takes_document(web: tuple[str, int], nord: Client, store: str) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="r.txt"\r\n\r\n'
        + orders
        + b"\r\n--x--\r\n"
    )
    head = (
        f"POST /v1/accounts/{store}/reports HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nAuthorization: {principal(nord)}"
    )

    answer = answer_to(web, head, body=body)

    assert answer.startswith("HTTP/1.1 202 ")
    assert json.loads(answer.split("\r\n", 1)[1])["id"] == reports_of(nord, store)[0]
