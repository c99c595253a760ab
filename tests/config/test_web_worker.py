"""Test how the web server reads requests and writes responses, with a real process and raw connections."""

import contextlib
import json
import time
from collections.abc import Iterator

import psutil
import pytest
from django.conf import settings

from accounts.agencies import lifecycle as agencies
from config.web.connections import CLOSE_SECONDS, GRACE_SECONDS, HEAD_SECONDS
from tests.client import Client
from tests.conftest import NOON
from tests.web_servers import Address, ask, connected, get, read_answer, running_web_server, web_server

ASSET = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
KEPT_ALIVE = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
MEGABYTE = 1024**2
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="r.txt"\r\n\r\n'


@pytest.fixture(scope="module")
def client(committed_module: None) -> Client:
    """Return a client of a new agency."""
    return Client(*agencies.create_agency(name="Nord", now=NOON))


@pytest.fixture(scope="module")
def web(client: Client) -> Iterator[Address]:
    """Start a web server of one process."""
    with web_server() as address:
        yield address


def post(path: str, key: str, *, length: int, media_type: str, more: str = "") -> bytes:
    """Return the head of a request with a body."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {length}\r\n{more}\r\n"
    ).encode()


def account_body(name: str) -> bytes:
    body = {"name": name, "selling_partner_id": f"A1{name.upper()}", "home_marketplace": "DE"}
    return json.dumps(body).encode()


def test_requests_in_pieces_are_answered(web: Address, client: Client) -> None:
    body = account_body("pieces")
    request = post("/v1/accounts", client.key, length=len(body), media_type="application/json") + body

    with connected(web) as connection:
        for start in range(0, len(request), 7):
            connection.sendall(request[start : start + 7])
            time.sleep(0.001)
        status, _, content = read_answer(connection)

    assert (status, json.loads(content)["name"]) == (201, "pieces")


def test_pipelined_requests_are_answered_in_order(web: Address) -> None:
    with connected(web) as connection:
        connection.sendall(KEPT_ALIVE % b"/healthz" + KEPT_ALIVE % b"/nowhere" + get("/problems"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    statuses = [part.split(b" ")[1] for part in answer.split(b"HTTP/1.1 ")[1:]]
    lines = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert lines == [b"200", b"404", b"200"], statuses


def test_bytes_behind_a_body_are_the_next_request(web: Address, client: Client) -> None:
    body = account_body("first")
    head = post("/v1/accounts", client.key, length=len(body), media_type="application/json")
    head = head.replace(b"Connection: close\r\n", b"")

    with connected(web) as connection:
        connection.sendall(head + body + get("/healthz"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"201", b"200"]


def test_client_that_expects_continue_gets_it_once_before_its_body(web: Address, client: Client) -> None:
    body = account_body("expects")
    more = "Expect: 100-continue\r\n"
    head = post("/v1/accounts", client.key, length=len(body), media_type="application/json", more=more)

    with connected(web) as connection:
        connection.sendall(head)
        interim = connection.recv(65536)
        connection.sendall(body)
        status, _, _ = read_answer(connection)

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert status == 201


@pytest.mark.parametrize("key", ["unknown", "uo_live_xxxxxxxxxxxx_" + "y" * 43])
def test_large_body_of_a_stranger_is_not_awaited(web: Address, key: str) -> None:
    more = "Expect: 100-continue\r\n"
    head = post(
        "/v1/accounts/acct_x/reports",
        key,
        length=50 * MEGABYTE,
        media_type="multipart/form-data; boundary=x",
        more=more,
    )

    status, headers, body = ask(web, head + b"x" * MEGABYTE)

    assert (status, json.loads(body)["type"]) == (401, "/problems/authentication-failed")
    assert headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/accounts/{account}/reports"])
def test_body_in_chunks_is_refused_and_not_read_as_a_request(web: Address, client: Client, path: str) -> None:
    account = client.take_on(name="Chunks", partner=f"A1CHUNKS{len(path)}")
    head = post(
        path.format(account=account), client.key, length=0, media_type="multipart/form-data; boundary=x"
    )
    head = head.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked").replace(
        b"Connection: close\r\n", b""
    )

    with connected(web) as connection:
        connection.sendall(head + b"1b\r\n" + get("/healthz"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.split(b" ")[1] in {b"411", b"400", b"415"}


def test_response_to_a_client_that_pauses_is_complete(web: Address) -> None:
    _, _, document = ask(web, get("/v1/openapi.json"))
    _, _, asset = ask(web, get(ASSET))
    requests = KEPT_ALIVE % b"/v1/openapi.json" * 4 + KEPT_ALIVE % ASSET.encode() * 4 + get(ASSET)

    with connected(web, buffer=4096) as connection:
        connection.sendall(requests)
        time.sleep(2)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert len(asset) > MEGABYTE
    assert (answer.count(document), answer.count(asset)) == (4, 5)


def test_upload_is_stored_in_bounded_memory(client: Client) -> None:
    account = client.take_on(name="Large", partner="A1LARGE")
    size = 200 * MEGABYTE
    length = len(FORM) + size + len(b"\r\n--x--\r\n")
    head = post(
        f"/v1/accounts/{account}/reports",
        client.key,
        length=length,
        media_type="multipart/form-data; boundary=x",
    )

    with running_web_server() as (address, process):
        assert ask(address, get("/v1/openapi.json"))[0] == 200
        (worker,) = psutil.Process(process.pid).children()
        before = worker.memory_info().rss
        with connected(address) as connection:
            connection.sendall(head + FORM)
            peak = before
            for _ in range(200):
                connection.sendall(b"\0" * MEGABYTE)
                peak = max(peak, worker.memory_info().rss)
            # Not the last byte: it is about the web server, not about what the application does with a document.
            peak = max(peak, worker.memory_info().rss)

    assert peak - before < 32 * MEGABYTE


def test_incomplete_requests_end_after_their_deadline(web: Address, client: Client) -> None:
    heads = {
        "silent": b"",
        "head": b"GET /v1/me HTTP/1.1\r\n",
        "body": post("/v1/accounts", client.key, length=99, media_type="application/json") + b"{",
    }
    answers: dict[str, bytes] = dict.fromkeys(heads, b"")

    with contextlib.ExitStack() as stack:
        connections = {name: stack.enter_context(connected(web)) for name in heads}
        for name, head in heads.items():
            connections[name].sendall(head)
        deadline = time.monotonic() + GRACE_SECONDS + CLOSE_SECONDS + 10
        while connections and time.monotonic() < deadline:
            time.sleep(1)
            for name, connection in list(connections.items()):
                # A drop each second does not extend the time noticeably.
                with contextlib.suppress(OSError):
                    if name != "silent":
                        connection.send(b"x")
                connection.settimeout(0)
                with contextlib.suppress(BlockingIOError):
                    block = connection.recv(65536)
                    answers[name] += block
                    if not block or b"\r\n\r\n" in answers[name]:
                        del connections[name]

    assert connections == {}
    assert answers["silent"] == b""
    assert HEAD_SECONDS < GRACE_SECONDS
    for name in ("head", "body"):
        assert answers[name].startswith(b"HTTP/1.1 408 ")
        assert b"/problems/request-timeout" in answers[name]


def test_silent_connections_beyond_the_limit_make_room_for_others(web: Address) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(350):
            stack.enter_context(connected(web))
        status, _, _ = ask(web, get("/healthz"))

    assert status == 200


def test_stop_does_not_wait_for_silent_connections(client: Client) -> None:
    with running_web_server() as (address, process), connected(address), connected(address) as idle:
        idle.sendall(KEPT_ALIVE % b"/healthz")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        process.terminate()
        process.wait(timeout=60)

    # gunicorn would stop it after 30 seconds, and the connection may be idle for longer.
    assert time.monotonic() - began < 25


def test_request_under_way_is_answered_before_the_stop(client: Client) -> None:
    body = account_body("stopping")
    head = post("/v1/accounts", client.key, length=len(body), media_type="application/json")

    with running_web_server() as (address, process), connected(address) as connection:
        connection.sendall(head + body[:5])
        time.sleep(0.5)
        process.terminate()
        time.sleep(0.5)
        connection.sendall(body[5:])
        status, headers, _ = read_answer(connection)

    assert (status, headers["connection"]) == (201, "close")


@pytest.mark.parametrize(
    ("request_", "detail"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", "no `Host`"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", "no `Host`"),
        (b"GET /healthz HTTP/1.1\r\nHost:  \r\n\r\n", "no `Host`"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "not valid HTTP"),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "names another host"),
        (b"GET http://[/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "not valid HTTP"),
    ],
)
def test_request_without_one_host_is_refused(web: Address, request_: bytes, detail: str) -> None:
    status, headers, body = ask(web, request_)

    problem = json.loads(body)
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert (problem["type"], detail in problem["detail"]) == ("/problems/bad-request", True), problem


def test_request_with_a_whole_url_of_its_host_is_answered(web: Address) -> None:
    request = b"GET http://LOCALHOST/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    status, _, _ = ask(web, request)

    assert status == 200


def test_uploads_leave_no_file(web: Address, client: Client) -> None:
    head = post("/v1/accounts", client.key, length=5 * MEGABYTE, media_type="application/json")

    with connected(web) as connection:
        connection.sendall(head + b"x" * MEGABYTE)
        time.sleep(0.5)
        names = [path.name for path in settings.FILE_UPLOAD_TEMP_DIR.iterdir()]

    # The file of a body has no name, so that a killed process leaves none.
    assert names == []
