"""Send a POST to a customer's server, to an address that was checked, within a deadline and a memory limit.

The client ignores redirects, cookies, proxies and environment variables, and does not request compression.
"""

import asyncio
import socket
import ssl
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from django.conf import settings
from django.utils.http import is_same_domain
from ssrfguard import Policy, Resolver, SSRFGuardError
from ssrfguard.httpx import AsyncSafeTransport

from webhooks.channels import url_policy
from webhooks.channels.url_policy import Address, UrlNotAllowed, UrlPolicy

DEADLINE = 15.0  # seconds
# A status that arrives in time counts even if its body is slow: reading the body ends at this share of the
# deadline.
BODY_SHARE = 0.95
CONNECT_TIMEOUT = 5.0  # seconds
# A longer body is not read to its end, although its connection is lost for the next delivery.
MAX_BODY_BYTES = 64 * 1024
STORED_BODY_BYTES = 1024
MAX_IDLE_CONNECTIONS = 256
# Servers close idle connections after five seconds or more; the client must be first.
IDLE_TIMEOUT = 4.0  # seconds
# The deadline bounds reading and writing.
TIMEOUT = {"connect": CONNECT_TIMEOUT, "read": None, "write": None, "pool": None}

HOST_NOT_FOUND = "The host name does not resolve."
NOT_CONNECTED = "The connection could not be established."
NO_RESPONSE = "The connection closed before a response arrived."


@dataclass(frozen=True, slots=True)
class SendResult:
    """Describe the result of one attempt: a status and the first bytes of the body, or an error.

    `is_permanent` marks an error that no retry can change. E-mail has no status: `accepted` says whether the
    server took it.
    """

    status: int | None = None
    body: bytes = b""
    error: str = ""
    retry_after: str = ""
    is_permanent: bool = False
    accepted: bool = False

    @property
    def is_success(self) -> bool:
        """Return whether the receiver accepted the event."""
        return self.accepted or (self.status is not None and 200 <= self.status < 300 and not self.error)


def check(url: str) -> None:
    """Raise UrlNotAllowed for a URL that is never allowed.

    Host names are not resolved here, but when a delivery is sent.
    """

    installation_policy().policy_for(url)


@cache
def installation_policy() -> UrlPolicy:
    """Return the URL policy of the settings."""
    return UrlPolicy(
        networks=tuple(settings.WEBHOOK_ALLOWED_NETWORKS),
        is_own_name=_is_own_name,
        is_own_address=_is_own_address,
    )


@cache
def ssl_context() -> ssl.SSLContext:
    """Return the TLS context: the public certificate authorities and those in WEBHOOK_CA_FILE."""
    # SSL_CERT_FILE and SSL_CERT_DIR would replace the certificate authorities.
    context = httpx.create_ssl_context(trust_env=False)
    if settings.WEBHOOK_CA_FILE:
        context.load_verify_locations(cafile=settings.WEBHOOK_CA_FILE)
    return context


@dataclass(frozen=True, slots=True)
class IdleConnection:
    """Store one connection for the next POST to the same URL, until `expires_at` (the event loop's clock)."""

    transport: AsyncSafeTransport
    expires_at: float


class HttpClient:
    """Send POSTs to many endpoints at once from one event loop, on connections that are kept for a few
    seconds."""

    def __init__(
        self,
        *,
        policy: UrlPolicy,
        ssl_context: ssl.SSLContext,
        deadline: float = DEADLINE,
        resolver: Resolver | None = None,
    ) -> None:
        self.policy, self.deadline = policy, deadline
        self._ssl_context, self._resolver = ssl_context, resolver
        # By URL. Only what the URL itself says is remembered; addresses are checked at every new connection.
        self._targets: dict[str, tuple[Policy, httpx.URL]] = {}
        self._idle: dict[tuple[Hashable, str], list[IdleConnection]] = {}
        self._abandoned: set[asyncio.Task[SendResult]] = set()

    @property
    def idle_connections(self) -> list[IdleConnection]:
        """Return the connections that are not in use."""
        return [connection for connections in self._idle.values() for connection in connections]

    async def aclose(self) -> None:
        """Close all idle connections."""
        await self._close(self.idle_connections)

    async def close_idle(self) -> None:
        """Close the expired connections.

        If none has expired, close the oldest ones above the maximum number.
        """
        now = asyncio.get_running_loop().time()
        oldest_first = sorted(self.idle_connections, key=lambda connection: connection.expires_at)
        expired = [connection for connection in oldest_first if connection.expires_at < now]
        await self._close(expired or oldest_first[:-MAX_IDLE_CONNECTIONS])

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], connection_key: Hashable = None
    ) -> SendResult:
        """Return the result of a POST within the deadline.

        Network errors are returned, not raised. A connection is used again for a POST with the same URL and
        `connection_key`.
        """

        try:
            policy, target = self._targets.get(url) or self._check(url)
        except UrlNotAllowed as error:
            return SendResult(error=str(error), is_permanent=True)
        request = httpx.Request(
            "POST", target, headers=dict(headers), content=body, extensions={"timeout": TIMEOUT}
        )
        exchange = asyncio.ensure_future(self._send((connection_key, url), policy, request))
        # Not wait_for: it waits for the cancelled task, and a thread that resolves a name cannot be
        # cancelled.
        done, _ = await asyncio.wait({exchange}, timeout=self.deadline)
        return exchange.result() if done else self._abandon(exchange)

    def _check(self, url: str) -> tuple[Policy, httpx.URL]:
        policy = self.policy.policy_for(url)
        try:
            self._targets[url] = policy, httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError):
            raise UrlNotAllowed(url_policy.INVALID_URL) from None
        return self._targets[url]

    async def _send(self, key: tuple[Hashable, str], policy: Policy, request: httpx.Request) -> SendResult:
        """Send on an idle connection or a new one, and keep the connection if the exchange ended well."""
        idle = self._idle.get(key)
        transport = idle.pop().transport if idle else self._connect(policy)
        try:
            result = await self._exchange(transport, request)
        # Cancellation included: nobody knows how far the exchange on this connection went.
        except BaseException:
            await transport.aclose()
            raise
        expires_at = asyncio.get_running_loop().time() + IDLE_TIMEOUT
        self._idle.setdefault(key, []).append(IdleConnection(transport, expires_at))
        return result

    def _connect(self, policy: Policy) -> AsyncSafeTransport:
        # A pool for each connection: a shared pool scans all its connections at every request.
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_TIMEOUT)
        return AsyncSafeTransport(
            policy=policy, resolver=self._resolver, verify=self._ssl_context, trust_env=False, limits=limits
        )

    async def _close(self, connections: list[IdleConnection]) -> None:
        closing = {id(connection) for connection in connections}
        if closing:
            remaining = {
                key: [each for each in idle if id(each) not in closing] for key, idle in self._idle.items()
            }
        else:
            remaining = self._idle
        self._idle = {key: idle for key, idle in remaining.items() if idle}
        for connection in connections:
            await connection.transport.aclose()

    def _abandon(self, exchange: "asyncio.Task[SendResult]") -> SendResult:
        """Cancel an exchange without waiting for it. The set keeps the task alive until it has ended."""
        exchange.cancel()
        self._abandoned.add(exchange)
        exchange.add_done_callback(self._abandoned.discard)
        return SendResult(error=f"No complete response within {self.deadline:g} seconds.")

    async def _exchange(self, transport: AsyncSafeTransport, request: httpx.Request) -> SendResult:
        began = asyncio.get_running_loop().time()
        try:
            response = await transport.handle_async_request(request)
        except SSRFGuardError:
            return SendResult(error=url_policy.ADDRESS_NOT_ALLOWED, is_permanent=True)
        except (httpx.TransportError, OSError) as error:
            return SendResult(error=_describe(error))
        body = await _read_start(response, until=began + self.deadline * BODY_SHARE)
        return SendResult(
            status=response.status_code, body=body, retry_after=response.headers.get("retry-after", "")
        )


async def _read_start(response: httpx.Response, *, until: float) -> bytes:
    """Return the first bytes of the body, and read on to MAX_BODY_BYTES so that the connection can be used
    again."""

    body, read = b"", 0
    try:
        async with asyncio.timeout_at(until):
            # Raw: a server may compress without being asked, and a small body could expand without limit.
            async for chunk in response.aiter_raw():
                body += chunk[: STORED_BODY_BYTES - len(body)]
                read += len(chunk)
                if read >= MAX_BODY_BYTES:
                    break
    # A body that breaks off or never ends is no error: the status has already said whether the event was
    # accepted. TimeoutError is an OSError.
    except (httpx.TransportError, OSError):
        pass
    finally:
        await response.aclose()
    return body


def _describe(error: Exception) -> str:
    """Return a message that tells the customer what to change, without revealing addresses or our network."""
    # httpx wraps the error of the socket or of TLS, which says more.
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"The server's certificate is not trusted: {each.verify_message}."
        if isinstance(each, ssl.SSLError):
            return "The TLS handshake failed."
        if isinstance(each, socket.gaierror):
            return HOST_NOT_FOUND
    return NOT_CONNECTED if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else NO_RESPONSE


def _is_own_name(host: str) -> bool:
    return any(
        is_same_domain(host, name.strip("[]").lower()) for name in settings.ALLOWED_HOSTS if name != "*"
    )


def _is_own_address(address: Address) -> bool:
    """Return whether this host has the address. Only its own addresses can be bound."""
    # Binding sends nothing, and needs no list of interfaces, which differ between systems.
    family: Any = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
