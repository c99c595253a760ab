"""Test URLs and addresses that are refused without a connection, in many spellings."""

import asyncio
import socket
import ssl
import sys
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.webhooks.receiver_process import Receiver
from webhooks.channels import http_client, url_policy
from webhooks.channels.http_client import HttpClient, SendResult
from webhooks.channels.url_policy import Address, UrlNotAllowed, UrlPolicy

A, B, C = "10.0", "172.16", "192.168"  # private networks
PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
NAMES = {
    "private.example": [f"{A}.0.5"],
    "loopback.example": ["127.0.0.1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "metadata.example": ["fd00:ec2::254"],
    "mixed.example": [PUBLIC, f"{A}.0.5"],
    "mixed-six.example": [OTHER_PUBLIC, "fd00::1"],
    "nat64.example": ["64:ff9b::a9fe:a9fe"],
    "zero.example": ["0.0.0.0"],  # noqa: S104  an address to refuse
    "ours.example": [PUBLIC],
    "ours-mapped.example": [f"::ffff:{PUBLIC}"],
    "cgnat.example": ["100.64.0.1"],
    "xn--bcher-kva.example": [f"{C}.1.1"],
    "localhost": ["127.0.0.1"],
    "localhost.localdomain": ["127.0.0.1"],
    "api.underone.example": [PUBLIC],
}
HOSTILE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1.:443/",
    "https://①②⑦.⓪.⓪.①/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://localhost.localdomain/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]:8443/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[2001:db8::1]/",
    "https://0.0.0.0/",
    "https://0/",
    f"https://{A}.0.1/",
    f"https://{B}.0.1/",
    f"https://{C}.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/v2/credentials",
    "https://2852039166/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://private.example/",
    "https://loopback.example/",
    "https://six.example/",
    "https://mapped.example/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://metadata.example/",
    "https://mixed.example/",
    "https://mixed-six.example/",
    "https://nat64.example/",
    "https://zero.example/",
    "https://cgnat.example/",
    "https://bücher.example/",
    f"https://{PUBLIC}/",
    "https://ours.example/",
    "https://ours-mapped.example/",
    "https://api.underone.example/v1/accounts",
    "https://API.UNDERONE.EXAMPLE./",
]
ILL_SHAPED = {
    "http://ours.example/": url_policy.NOT_HTTPS,
    "http://93.184.215.14/": url_policy.NOT_HTTPS,
    "HTTP://example.com/": url_policy.NOT_HTTPS,
    "file:///etc/passwd": url_policy.NOT_HTTPS,
    "gopher://127.0.0.1:6379/_FLUSHALL": url_policy.NOT_HTTPS,
    "ftp://example.com/": url_policy.NOT_HTTPS,
    "dict://127.0.0.1:11211/": url_policy.NOT_HTTPS,
    "javascript:alert(1)": url_policy.NOT_HTTPS,
    "https://user@example.com/": url_policy.HAS_CREDENTIALS,
    "https://user:secret@example.com/": url_policy.HAS_CREDENTIALS,
    "https://example.com@127.0.0.1/": url_policy.HAS_CREDENTIALS,
    "https://example.com:22/": url_policy.PORT_NOT_ALLOWED,
    "https://example.com:25/": url_policy.PORT_NOT_ALLOWED,
    "https://example.com:6379/": url_policy.PORT_NOT_ALLOWED,
    "https://example.com:80/": url_policy.PORT_NOT_ALLOWED,
    "https://example.com:0/": url_policy.INVALID_URL,
    "https://example.com:99999/": url_policy.INVALID_URL,
    "https://example.com:port/": url_policy.INVALID_URL,
    "https:///path": url_policy.INVALID_URL,
    "https://": url_policy.INVALID_URL,
    "//example.com/": url_policy.INVALID_URL,
    "example.com": url_policy.INVALID_URL,
    "": url_policy.INVALID_URL,
    "https://exa mple.com/": url_policy.INVALID_URL,
    "https://example.com\r\nHost: evil/": url_policy.INVALID_URL,
    "https://example.com/\tx": url_policy.INVALID_URL,
    "https://exam\x00ple.com/": url_policy.INVALID_URL,
    "https://[::1/": url_policy.INVALID_URL,
    "https://example%2ecom/": url_policy.INVALID_URL,
    "https://exa_mple.com/": url_policy.INVALID_URL,
    "https://" + "a" * 64 + ".com/": url_policy.INVALID_URL,
    "https://example.com/" + "x" * 2000: url_policy.INVALID_URL,
    "https://evil.example\\@example.com/": url_policy.HAS_CREDENTIALS,
}
OURS = ip_address(PUBLIC)
STRICT = UrlPolicy(
    is_own_name=lambda host: host.lower() == "api.underone.example",
    is_own_address=lambda address: address == OURS,
)
connects: list[Any] = []
listening: list[bool] = []


def is_a_name(url: str) -> bool:
    """Return whether the host is a name, so that only its addresses are forbidden."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return host in NAMES or not host.isascii()


def listen(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and listening:
        connects.append(arguments[1])


sys.addaudithook(listen)


@pytest.fixture
def connected() -> Iterator[list[Any]]:
    """Record the addresses that sockets connect to."""
    connects.clear()
    listening.append(True)
    yield connects
    listening.clear()


class Resolver:
    """Resolve names from a table, one row after the other, and count the queries."""

    def __init__(self, *turns: dict[str, list[str]]) -> None:
        self.turns, self.asked = turns, 0

    def __call__(self, host: str, port: int, *_: object) -> list[Any]:
        table = self.turns[min(self.asked, len(self.turns) - 1)]
        self.asked += 1
        try:
            addresses = [host] if ip_address(host) else []
        except ValueError:
            addresses = table.get(host.rstrip("."), [])
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [_row(ip_address(address), port) for address in addresses]


def _row(address: Address, port: int) -> tuple[Any, ...]:
    if address.version == 4:
        return socket.AF_INET, socket.SOCK_STREAM, 6, "", (str(address), port)
    return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (str(address), port, 0, 0)


def post(
    url: str, *, policy: UrlPolicy = STRICT, resolver: Resolver | None = None, times: int = 1
) -> SendResult:
    async def go() -> SendResult:
        out = HttpClient(
            policy=policy,
            ssl_context=ssl.create_default_context(),
            deadline=2,
            resolver=resolver or Resolver(NAMES),
        )
        for _ in range(times):
            response = await out.post(url, body=b"{}", headers={})
        await out.aclose()
        return response

    return asyncio.run(go())


@pytest.mark.parametrize("url", [*HOSTILE, *ILL_SHAPED])
def test_forbidden_url_opens_no_connection(url: str, connected: list[Any]) -> None:
    response = post(url)

    assert response.is_permanent, response
    assert response.status is None
    assert response.error in {url_policy.ADDRESS_NOT_ALLOWED, ILL_SHAPED.get(url, url_policy.INVALID_URL)}
    assert connected == []


@pytest.mark.parametrize(("url", "sentence"), ILL_SHAPED.items())
def test_malformed_url_is_refused_with_reason(url: str, sentence: str) -> None:
    with pytest.raises(UrlNotAllowed, match=f"^{sentence}$"):
        STRICT.policy_for(url)


@pytest.mark.parametrize("url", [url for url in HOSTILE if not is_a_name(url)])
def test_forbidden_address_is_refused(url: str) -> None:
    with pytest.raises(UrlNotAllowed):
        STRICT.policy_for(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.com:443/hooks?token=1",
        "https://hooks.example.com:8443/a/b#fragment",
        "https://EXAMPLE.com./",
        "https://bücher.example/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
    ],
)
def test_public_url_is_allowed(url: str) -> None:
    http_client.check(url)


def test_message_does_not_reveal_resolved_address(connected: list[Any]) -> None:
    assert f"{A}.0.5" not in post("https://private.example/").error


def test_host_that_becomes_private_is_refused(connected: list[Any]) -> None:
    """Every resolved address is checked when it is used, not once in advance."""
    rebinding = Resolver({"rebind.example": [f"{A}.0.5"]}, {"rebind.example": ["127.0.0.1"]})

    response = post("https://rebind.example/", resolver=rebinding, times=2)

    assert response.is_permanent
    assert (rebinding.asked, connected) == (2, [])


def test_connection_goes_to_the_checked_address(receiver: Receiver, connected: list[Any]) -> None:
    """Resolve another address the second time."""
    rebinding = Resolver({"rebind.example": ["127.0.0.1"]}, {"rebind.example": ["127.0.0.2"]})
    only = UrlPolicy(networks=(ip_network("127.0.0.1/32"),))

    response = post(f"http://rebind.example:{receiver.port}/ok/pinned", policy=only, resolver=rebinding)

    assert response.status == 200
    assert rebinding.asked == 1
    assert {address[0] for address in connected} == {"127.0.0.1"}


def test_host_with_one_forbidden_address_is_refused(receiver: Receiver, connected: list[Any]) -> None:
    only = UrlPolicy(networks=(ip_network("127.0.0.1/32"),))
    mixed = Resolver({"mixed.example": ["127.0.0.1", "127.0.0.2"]})

    assert post(f"http://mixed.example:{receiver.port}/ok/mixed", policy=only, resolver=mixed).is_permanent
    assert connected == []


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://100.64.2.3/", True),
        ("http://100.64.2.3:8080/", True),
        ("https://100.64.2.3:9000/", True),
        ("http://inside.example/", True),
        ("http://100.65.0.1/", False),
        ("http://8.8.8.8/", False),
        ("https://8.8.8.8:9000/", False),
        ("https://100.65.0.1/", False),
        ("http://127.0.0.1/", False),
        ("http://[::ffff:100.64.2.3]/", False),
        ("ftp://100.64.2.3/", False),
        ("http://user@100.64.2.3/", False),
    ],
)
def test_listed_networks_allow_http_and_any_port(url: str, allowed: bool) -> None:
    policy = UrlPolicy(networks=(ip_network("100.64.0.0/16"),))

    if allowed:
        policy.policy_for(url)
    else:
        with pytest.raises(UrlNotAllowed):
            policy.policy_for(url)


@pytest.mark.parametrize("addresses", [[PUBLIC], ["100.65.0.1"], ["100.64.0.1", PUBLIC]])
def test_http_host_outside_listed_networks_is_refused(addresses: list[str], connected: list[Any]) -> None:
    policy = UrlPolicy(networks=(ip_network("100.64.0.0/16"),))

    response = post("http://inside.example/", policy=policy, resolver=Resolver({"inside.example": addresses}))

    assert (response.is_permanent, connected) == (True, [])


def test_own_host_is_allowed_in_a_listed_network() -> None:
    policy = UrlPolicy(
        networks=(ip_network(f"{PUBLIC}/32"),),
        is_own_name=STRICT.is_own_name,
        is_own_address=STRICT.is_own_address,
    )

    for url in (f"https://{PUBLIC}/", "https://api.underone.example/"):
        policy.policy_for(url)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2002:102:304::", "1.2.3.4"),
        ("64:ff9b::102:304", "1.2.3.4"),
        ("2001:0:102:304::", "1.2.3.4"),
        ("1.2.3.4", "1.2.3.4"),
        ("2606:4700::1", "2606:4700::1"),
    ],
)
def test_embedded_addresses_are_found(written: str, meant: str) -> None:
    assert ip_address(meant) in set(url_policy.embedded_addresses(ip_address(written)))


def test_own_address_is_recognized() -> None:
    policy = http_client.installation_policy()

    assert policy.is_own_address(ip_address("127.0.0.1"))
    assert not policy.is_own_address(ip_address("8.8.8.8"))
    assert not policy.is_own_address(ip_address("2606:4700::1"))


@pytest.mark.parametrize(
    ("host", "own"), [("localhost", True), ("127.0.0.1", True), ("::1", True), ("example.com", False)]
)
def test_allowed_hosts_are_own_names(host: str, own: bool) -> None:
    assert http_client.installation_policy().is_own_name(host) is own
