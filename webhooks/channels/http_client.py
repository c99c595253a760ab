"""The one way out: a POST to somebody else's server, to the address that was checked, in bounded time and memory.

No redirect is followed, no cookie kept, no proxy and nothing else of the environment heeded, and nothing asked for that would
have to be unpacked.
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
from webhooks.channels.url_policy import Address, Forbidden, Limits

DEADLINE = 15.0  # seconds for everything: looking up, connecting, sending, reading
FOR_THE_BODY = 0.95  # of the deadline: a status that came in time counts, however slow its body is
CONNECT = 5.0
MOST_BYTES = 64 * 1024
KEPT_BYTES = 1024
MOST_FREE = 256
IDLE = 4.0  # seconds a connection is kept; servers close idle ones after five and more
TIMEOUT = {"connect": CONNECT, "read": None, "write": None, "pool": None}  # the deadline bounds the rest

NO_NAME = "The name of the host does not resolve."
NOT_CONNECTED = "No connection could be made."
NO_ANSWER = "The connection ended before an answer came."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status and the first bytes of its body, or why nothing did; `forbidden` will not change by waiting.

    What is no HTTP has no status, and `is_taken` says whether the other side took it.
    """

    status: int | None = None
    body: bytes = b""
    error: str = ""
    retry_after: str = ""
    forbidden: bool = False
    is_taken: bool = False

    @property
    def is_success(self) -> bool:
        return self.is_taken or (self.status is not None and 200 <= self.status < 300 and not self.error)


def check(url: str) -> None:
    """Raises Forbidden for a URL that nothing is ever sent to. Names are looked up when something is sent, not here."""
    limits().policy_for(url)


@cache
def limits() -> Limits:
    """What the settings say."""
    return Limits(networks=tuple(settings.WEBHOOK_ALLOWED_NETWORKS), is_own_name=_is_own_name, is_own_address=_is_own_address)


@cache
def trust() -> ssl.SSLContext:
    """Who vouches for a server: the public authorities, and whom the installation adds."""
    context = httpx.create_ssl_context(trust_env=False)
    if settings.WEBHOOK_CA_FILE:
        context.load_verify_locations(cafile=settings.WEBHOOK_CA_FILE)
    return context


@dataclass(frozen=True, slots=True)
class Line:
    """One connection that waits for the next POST to the same place, and until when."""

    transport: AsyncSafeTransport
    kept_until: float


class Egress:
    """POSTs to many endpoints at once, on connections that are kept for a while; of one event loop.

    Every connection has a pool of its own: a pool looks through all that it has at each request.
    """

    def __init__(
        self, *, limits: Limits, trust: ssl.SSLContext, deadline: float = DEADLINE, resolver: Resolver | None = None
    ) -> None:
        self.limits, self.deadline = limits, deadline
        self._trust, self._resolver = trust, resolver
        self._places: dict[str, tuple[Policy, httpx.URL]] = {}
        self._free: dict[tuple[Hashable, str], list[Line]] = {}
        self._left_behind: set[asyncio.Task[Answer]] = set()

    @property
    def free(self) -> list[Line]:
        """The connections that nobody uses at this moment."""
        return [line for lines in self._free.values() for line in lines]

    async def aclose(self) -> None:
        await self._close(self.free)

    async def tidy(self) -> None:
        """Close the connections that nobody used for a while, and the oldest of too many."""
        now = asyncio.get_running_loop().time()
        free = sorted(self.free, key=lambda line: line.kept_until)
        await self._close([line for line in free if line.kept_until < now] or free[:-MOST_FREE])

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str], line: Hashable = None) -> Answer:
        """The answer to the POST. It never takes longer than the deadline, and raises nothing of the other side's making.

        Connections are used again for what is posted on the same `line` to the same place.
        """
        try:
            policy, place = self._places.get(url) or self._look_at(url)
        except Forbidden as forbidden:
            return Answer(error=str(forbidden), forbidden=True)
        request = httpx.Request("POST", place, headers=dict(headers), content=body, extensions={"timeout": TIMEOUT})
        exchange = asyncio.ensure_future(self._on_a_line((line, url), policy, request))
        # Not wait_for: a thread that looks up a name cannot be called back, and would be waited for.
        done, _ = await asyncio.wait({exchange}, timeout=self.deadline)
        return exchange.result() if done else self._leave_behind(exchange)

    def _look_at(self, url: str) -> tuple[Policy, httpx.URL]:
        policy = self.limits.policy_for(url)
        try:
            self._places[url] = policy, httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError):
            raise Forbidden(url_policy.NO_URL) from None
        return self._places[url]

    async def _on_a_line(self, key: tuple[Hashable, str], policy: Policy, request: httpx.Request) -> Answer:
        free = self._free.get(key)
        transport = free.pop().transport if free else self._transport(policy)
        try:
            answer = await self._exchange(transport, request)
        except BaseException:
            await transport.aclose()
            raise
        self._free.setdefault(key, []).append(Line(transport, asyncio.get_running_loop().time() + IDLE))
        return answer

    def _transport(self, policy: Policy) -> AsyncSafeTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE)
        return AsyncSafeTransport(policy=policy, resolver=self._resolver, verify=self._trust, trust_env=False, limits=limits)

    async def _close(self, lines: list[Line]) -> None:
        gone = {id(line) for line in lines}
        kept = {key: [line for line in free if id(line) not in gone] for key, free in self._free.items()} if gone else self._free
        self._free = {key: free for key, free in kept.items() if free}
        for line in lines:
            await line.transport.aclose()

    def _leave_behind(self, exchange: "asyncio.Task[Answer]") -> Answer:
        exchange.cancel()
        self._left_behind.add(exchange)
        exchange.add_done_callback(self._left_behind.discard)
        return Answer(error=f"No whole answer within {self.deadline:g} seconds.")

    async def _exchange(self, transport: AsyncSafeTransport, request: httpx.Request) -> Answer:
        began = asyncio.get_running_loop().time()
        try:
            response = await transport.handle_async_request(request)
        except SSRFGuardError:
            return Answer(error=url_policy.NOT_THERE, forbidden=True)
        except (httpx.TransportError, OSError) as error:
            return Answer(error=_in_words(error))
        body = await _beginning(response, until=began + self.deadline * FOR_THE_BODY)
        return Answer(status=response.status_code, body=body, retry_after=response.headers.get("retry-after", ""))


async def _beginning(response: httpx.Response, *, until: float) -> bytes:
    """The first bytes of the body. So much more is read that the connection can be used again, if that is little.

    The status has said what became of the POST: a body that breaks off or never ends changes nothing of it.
    """
    kept, read = b"", 0
    try:
        async with asyncio.timeout_at(until):
            async for piece in response.aiter_raw():
                kept += piece[: KEPT_BYTES - len(kept)]
                read += len(piece)
                if read >= MOST_BYTES:
                    break
    except (httpx.TransportError, OSError):
        pass
    finally:
        await response.aclose()
    return kept


def _in_words(error: Exception) -> str:
    """What a person can act on, and nothing of addresses or of our own network."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"The server's certificate is not trusted: {each.verify_message}."
        if isinstance(each, ssl.SSLError):
            return "The server does not speak TLS as we do."
        if isinstance(each, socket.gaierror):
            return NO_NAME
    return NOT_CONNECTED if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else NO_ANSWER


def _is_own_name(host: str) -> bool:
    return any(is_same_domain(host, name.strip("[]").lower()) for name in settings.ALLOWED_HOSTS if name != "*")


def _is_own_address(address: Address) -> bool:
    """Whether this host has the address: nobody can bind one that is not there."""
    family: Any = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        try:
            one.bind((str(address), 0))
        except OSError:
            return False
    return True
