"""Test the HTTP client against servers that misbehave."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests import certificates, stopwatch
from tests.webhooks.receiver_process import LOOPBACK, Receiver, running
from webhooks.channels import http_client
from webhooks.channels.http_client import HttpClient, SendResult
from webhooks.channels.url_policy import UrlPolicy

HERE = UrlPolicy(networks=(ip_network("127.0.0.0/8"),))
TIMED_OUT = "No complete response within 0.5 seconds."


def post(
    *urls: str, trusting: ssl.SSLContext | None = None, deadline: float = 0.5, **words: Any
) -> list[SendResult]:
    """Send POSTs one after the other, and return the results."""

    async def go() -> list[SendResult]:
        out = HttpClient(
            policy=HERE, ssl_context=trusting or http_client.ssl_context(), deadline=deadline, **words
        )
        try:
            return [await out.post(url, body=b"{}", headers={"x-one": "1"}) for url in urls]
        finally:
            await out.aclose()

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("ok", 200, b"thanks"),
        ("created", 201, b""),
        ("nothing", 204, b""),
        ("500", 500, b"oh no"),
        ("410", 410, b"gone"),
        ("429", 429, b"slow down"),
        ("closing", 200, b"bye"),
        ("bytes", 200, (b"\xff\xfe\x00null\x00" + b"z" * 2000)[:1024]),
        ("big", 200, b"x" * 1024),
    ],
)
def test_result_has_status_and_first_bytes(receiver: Receiver, path: str, status: int, body: bytes) -> None:
    (response,) = post(receiver.url(f"{path}/egress"))

    assert (response.status, response.body, response.error) == (status, body, "")
    assert response.is_success is (200 <= status < 300)


@pytest.mark.parametrize("path", ["301", "307"])
def test_redirect_is_not_followed(receiver: Receiver, path: str) -> None:
    before = len(receiver.received("ok/redirected"))

    (response,) = post(receiver.url(f"{path}/egress"))

    assert response.status == int(path)
    assert not response.is_success
    assert len(receiver.received("ok/redirected")) == before


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("hang", TIMED_OUT),
        ("hints", TIMED_OUT),
        ("close", http_client.NO_RESPONSE),
        ("hang-up", http_client.NO_RESPONSE),
        ("smtp", http_client.NO_RESPONSE),
    ],
)
def test_missing_response_is_an_error_within_the_deadline(receiver: Receiver, path: str, error: str) -> None:
    with stopwatch.running() as watch:
        (response,) = post(receiver.url(f"{path}/egress"))

    assert (response.status, response.error, response.is_permanent) == (None, error, False)
    assert watch.seconds < 1.5


def test_endless_headers_end_within_the_deadline(receiver: Receiver) -> None:
    (response,) = post(receiver.url("headers/egress"))

    assert response.status is None
    assert response.error in {TIMED_OUT, http_client.NO_RESPONSE}


def test_status_in_time_counts_despite_slow_body(receiver: Receiver) -> None:
    with stopwatch.running() as watch:
        (response,) = post(receiver.url("slow/egress"))

    assert response.status == 200
    assert response.body.startswith(b"slow slow")
    assert watch.seconds < 1.5


def test_body_is_read_up_to_64_kilobytes(receiver: Receiver) -> None:
    """Ten megabytes take their sender long to write; we are gone after the first of them."""
    with stopwatch.running() as watch:
        responses = post(*[receiver.url("big/egress")] * 20, deadline=5)

    assert [answer.status for answer in responses] == [200] * 20
    assert watch.seconds < 5


def test_refused_connection_is_an_error() -> None:
    (response,) = post(f"http://{LOOPBACK}:1/")

    assert (response.error, response.is_permanent) == (http_client.NOT_CONNECTED, False)


def test_unresolved_host_is_a_temporary_error() -> None:
    (response,) = post("https://nowhere.invalid/", deadline=5, resolver=_no_name)

    assert (response.error, response.is_permanent) == (http_client.HOST_NOT_FOUND, False)


def test_slow_name_server_takes_no_longer_than_the_deadline() -> None:
    async def go() -> float:
        out = HttpClient(
            policy=HERE, ssl_context=http_client.ssl_context(), deadline=0.2, resolver=_slow_name
        )
        with stopwatch.running() as watch:
            response = await out.post("https://slow.invalid/", body=b"", headers={})
        assert response.error == "No complete response within 0.2 seconds."
        return watch.seconds

    assert asyncio.run(go()) < 0.7


def test_connection_is_reused_without_cookies(receiver: Receiver) -> None:
    before = len(receiver.received("cookie/egress"))
    post(*[receiver.url("cookie/egress")] * 3)

    got = receiver.received("cookie/egress")[before:]
    assert len({each["peer"] for each in got}) == 1
    assert [each["headers"].get("cookie") for each in got] == [None] * 3


def test_idle_connections_are_closed(receiver: Receiver) -> None:
    async def go() -> list[int]:
        out = HttpClient(policy=HERE, ssl_context=http_client.ssl_context())
        await asyncio.gather(
            *(out.post(receiver.url("ok/egress"), body=b"", headers={}, connection_key=n) for n in range(10))
        )
        counts = [len(out.idle_connections)]
        await out.close_idle()
        counts.append(len(out.idle_connections))
        await asyncio.sleep(http_client.IDLE_TIMEOUT + 0.1)
        await out.close_idle()
        return [*counts, len(out.idle_connections)]

    assert asyncio.run(go()) == [10, 10, 0]


def test_environment_is_ignored(receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text(f"machine {LOOPBACK} login me password secret\n")
    before = len(receiver.received("ok/environment"))

    (response,) = post(receiver.url("ok/environment"))

    assert response.status == 200
    assert "authorization" not in receiver.received("ok/environment")[before]["headers"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Create a self-signed certificate for this host's address, and its key."""
    return certificates.create(LOOPBACK).write(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(certificate: tuple[Path, Path]) -> Iterator[Receiver]:
    with running(*map(str, certificate)) as one:
        yield one


def test_configured_authority_is_trusted(
    secure: Receiver, certificate: tuple[Path, Path], settings: Any
) -> None:
    settings.WEBHOOK_CA_FILE = str(certificate[0])
    http_client.ssl_context.cache_clear()

    responses = post(*[secure.url("ok/tls")] * 2, trusting=http_client.ssl_context(), deadline=5)
    http_client.ssl_context.cache_clear()

    assert [answer.status for answer in responses] == [200, 200]
    assert len({each["peer"] for each in secure.received("ok/tls")}) == 1


def test_unknown_authority_is_not_trusted(secure: Receiver) -> None:
    (response,) = post(secure.url("ok/untrusted"), deadline=5)

    assert response.error.startswith("The server's certificate is not trusted: self")
    assert not response.is_permanent


def _no_name(*_: object) -> Any:
    raise socket.gaierror(-2, "Name or service not known")


def _slow_name(*_: object) -> Any:
    time.sleep(1)
    return _no_name()
