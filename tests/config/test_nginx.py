"""Test the proxy that we ship, docker/nginx.conf, with the real nginx in front of the real web server."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest
from django.conf import settings

from accounts.agencies import lifecycle as agencies
from api.problem_types import BY_SLUG
from ingestion.api.uploads import FORM_OVERHEAD
from tests import build, slow_clients
from tests.client import Client
from tests.conftest import NOON
from tests.proxies import SHIPPED, Proxy, needs_nginx, proxy
from tests.web_servers import Answer, ask, connected, get, web_server

PROBLEM = "application/problem+json"
# Others than the slow clients, which all have one address.
OTHERS = "127.0.0.2"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Describe a proxy with a web server behind it, and an agency on it."""

    proxy: Proxy
    key: str
    account: str

    def ask(self, request: bytes, *, source: str = OTHERS) -> Answer:
        """Send a request over HTTPS."""
        return ask(self.proxy.https, request, tls=self.proxy.tls, source=source)


@pytest.fixture(scope="module")
def site(committed_module: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start the web server with its usual processes, as behind a proxy, and the proxy."""
    client = Client(*agencies.create_agency(name="Nord", now=NOON))
    environ = {"HTTPS": "true", "TRUSTED_PROXIES": "1", "RATE_LIMIT_FAILURES": "20/hour"}
    folder = tmp_path_factory.mktemp("nginx")
    with web_server(WEB_WORKERS="2", **environ) as address, proxy(folder, upstream=address) as running:
        site = Site(proxy=running, key=client.key, account=client.take_on())
        # Each process builds this document once, which takes seconds.
        for _ in range(10):
            site.ask(get("/v1/openapi.json"))
        yield site


def map_of(variable: str) -> dict[str, str]:
    """Return a map of the configuration."""
    (body,) = re.findall(rf"map \$status \${variable} {{(.*?)\n}}", SHIPPED.read_text(), flags=re.DOTALL)
    return {
        name: value.strip('"') for name, value in re.findall(r"^ +(\S+) (.+);$", body, flags=re.MULTILINE)
    }


def test_proxy_takes_the_largest_report() -> None:
    (size,) = re.findall(r"client_max_body_size (\d+)k;", SHIPPED.read_text())

    assert int(size) * 1024 == settings.REPORT_MAX_BYTES + FORM_OVERHEAD


def test_errors_of_proxy_have_types_and_titles_of_the_application() -> None:
    slugs, titles = map_of("underone_slug"), map_of("underone_title")

    assert slugs.keys() == titles.keys()
    assert {slug: titles[status] for status, slug in slugs.items()} == {
        slug: BY_SLUG[slug].title for slug in slugs.values()
    }
    statuses = {slug: 400 if status == "default" else int(status) for status, slug in slugs.items()}
    assert statuses == {slug: BY_SLUG[slug].status for slug in slugs.values()}


@needs_nginx
def test_request_through_proxy_is_answered_with_hsts(site: Site) -> None:
    status, headers, _ = site.ask(get("/v1/me", more=f"Authorization: Bearer {site.key}\r\n"))

    assert status == 200
    assert headers["strict-transport-security"].startswith("max-age=31536000")


@needs_nginx
def test_http_is_redirected_by_proxy(site: Site) -> None:
    status, headers, _ = ask(site.proxy.http, get("/v1/me?x=1"))

    assert (status, headers["location"]) == (308, "https://localhost/v1/me?x=1")


@needs_nginx
def test_application_compresses_behind_proxy(site: Site) -> None:
    _, plain, _ = site.ask(get("/problems", more="Accept: application/json\r\n"))
    _, packed, _ = site.ask(get("/problems", more="Accept: application/json\r\nAccept-Encoding: gzip\r\n"))

    assert packed["content-encoding"] == "gzip"
    assert packed["etag"] == "W/" + plain["etag"]


@needs_nginx
def test_upload_through_proxy_is_accepted(site: Site) -> None:
    document = build.orders_file([build.order_row()])
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="r.txt"\r\n\r\n'
    body = form + document + b"\r\n--x--\r\n"
    more = (
        f"Authorization: Bearer {site.key}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(body)}\r\n"
    )

    status, _, content = site.ask(
        get(f"/v1/accounts/{site.account}/reports", method="POST", more=more) + body
    )

    assert status == 202, content


@needs_nginx
@pytest.mark.parametrize(
    ("request_", "status", "slug"),
    [
        (get("/metrics"), 404, "not-found"),
        (
            get("/v1/accounts", method="POST", more="Content-Length: 2000000000\r\n"),
            413,
            "document-too-large",
        ),
        (get("/" + "x" * 20_000), 414, "uri-too-long"),
        (get("/v1/me", more="X-Long: " + "x" * 20_000 + "\r\n"), 431, "headers-too-large"),
        (b"GET /v1/me HTTP/1.1\r\n\r\n", 400, "bad-request"),
    ],
    ids=["metrics", "body", "path", "header", "no host"],
)
def test_error_of_proxy_is_a_problem(site: Site, request_: bytes, status: int, slug: str) -> None:
    actual, headers, body = site.ask(request_)

    problem = json.loads(body)
    assert (actual, headers["content-type"], problem["type"]) == (status, PROBLEM, f"/problems/{slug}")
    assert problem["request_id"] == headers["x-request-id"]
    assert len(problem["request_id"]) == len("req_") + 32


@needs_nginx
def test_proxy_without_web_server_answers_a_problem(tmp_path_factory: pytest.TempPathFactory) -> None:
    with proxy(tmp_path_factory.mktemp("alone"), upstream=("127.0.0.1", 1)) as running:
        status, headers, body = ask(running.https, get("/v1/me"), tls=running.tls)

    assert (status, headers["content-type"], headers["retry-after"]) == (502, PROBLEM, "5")
    assert json.loads(body)["type"] == "/problems/bad-gateway"


@needs_nginx
def test_failures_are_counted_for_the_address_that_the_proxy_saw(site: Site) -> None:
    statuses = [
        site.ask(
            get("/v1/me", more=f"Authorization: Bearer x\r\nX-Forwarded-For: 10.0.0.{number}\r\n"),
            source="127.0.0.3",
        )[0]
        for number in range(30)
    ]
    other, _, _ = site.ask(get("/v1/me", more="Authorization: Bearer x\r\n"), source="127.0.0.4")

    assert (set(statuses[:20]), set(statuses[20:]), other) == ({401}, {429}, 401)


@needs_nginx
def test_requests_in_progress_are_limited_for_each_address(site: Site) -> None:
    body = slow_clients.requests(key=site.key, account=site.account)["dripping upload"]
    with ExitStack() as stack:
        for _ in range(40):
            connection = stack.enter_context(
                connected(site.proxy.https, tls=site.proxy.tls, source="127.0.0.5")
            )
            connection.sendall(body)
        # nginx has read them: it answers one connection after the other.
        status, headers, content = site.ask(get("/v1/me"), source="127.0.0.5")
        other, _, _ = site.ask(get("/healthz"))

    assert (status, headers["retry-after"]) == (429, "1")
    assert json.loads(content)["type"] == "/problems/throttled"
    assert other == 200


@needs_nginx
@pytest.mark.parametrize("kind", slow_clients.KINDS)
def test_requests_of_others_stay_fast_behind_proxy(site: Site, kind: str) -> None:
    request = slow_clients.requests(key=site.key, account=site.account)[kind]
    proxy_ = site.proxy

    ratios = slow_clients.ratios(
        request_me=partial(slow_clients.get_me, proxy_.https, site.key, tls=proxy_.tls, source=OTHERS),
        slow=partial(slow_clients.slow_clients, proxy_.https, request=request, tls=proxy_.tls),
    )

    assert min(ratios) <= slow_clients.MAX_RATIO, ratios
