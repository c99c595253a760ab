"""How much a bearer and its agency may ask in a while, and how many wrong keys one address may try.

Counted over all processes in the shared store (rate_limit_store.py); where that is away, nobody is limited. A limit is a sliding
window: what the window before counted weighs as much as is left of it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from django.conf import settings
from limits import RateLimitItem

from accounts.requests import rate_limit_store
from accounts.requests.rate_limit_store import Taken
from accounts.tenancy.principals import Bearer

FAILURES_WAIT = 30.0  # seconds after which who tried too many wrong keys may try again
A_NETWORK_OF_ONE = 64  # bits: who has one address of version 6 has all that begin with these


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One limit as it stands after this request."""

    name: str
    most: int
    window: int
    left: int
    resets_in: int


@dataclass(frozen=True, kw_only=True)
class Spent:
    """The limits that hold, and in how many seconds to ask again if one is reached."""

    quotas: tuple[Quota, ...] = ()
    wait: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-11 writes them."""
        if not self.quotas:
            return {}
        return {
            "RateLimit-Policy": ", ".join(f'"{each.name}";q={each.most};w={each.window}' for each in self.quotas),
            "RateLimit": ", ".join(f'"{each.name}";r={each.left};t={each.resets_in}' for each in self.quotas),
        }


def spend(*, bearer: Bearer) -> Spent:
    """Count one request of the bearer and of its agency. A request that one of them has no room for counts for neither."""
    limits = {
        "bearer": (settings.RATE_LIMIT_BEARER, bearer.public_id),
        "agency": (settings.RATE_LIMIT_AGENCY, bearer.agency.public_id),
    }
    held = [(name, limit, identifier) for name, (limit, identifier) in limits.items() if limit]
    if not held:
        return Spent()
    try:
        taken = rate_limit_store.ask(lambda windows: windows.take([(limit, identifier) for _, limit, identifier in held]))
    except rate_limit_store.Away:
        return Spent()
    quotas = tuple(_quota(name, limit, each) for (name, limit, _), each in zip(held, taken, strict=True))
    waits = [_wait(limit, each) for (_, limit, _), each in zip(held, taken, strict=True) if not each.had_room]
    return Spent(quotas=quotas, wait=max(waits, default=None))


def count_failure(*, address: str) -> None:
    """Somebody at this address showed a key that opens nothing."""
    limit: RateLimitItem | None = settings.RATE_LIMIT_FAILURES
    if limit:
        try:
            rate_limit_store.ask(lambda windows: windows.incr(limit.key_for("failures", address), limit.get_expiry()))
        except rate_limit_store.Away:
            return


def has_failed_too_often(*, address: str) -> bool:
    """Whether so many wrong keys came from there in this window that a further one is not looked at."""
    limit: RateLimitItem | None = settings.RATE_LIMIT_FAILURES
    if not limit:
        return False
    try:
        return rate_limit_store.ask(lambda windows: windows.get(limit.key_for("failures", address))) >= limit.amount
    except rate_limit_store.Away:
        return False


def address_of(meta: Mapping[str, str]) -> str:
    """Whom a request comes from: the socket's other end, or what the outermost of our `TRUSTED_PROXIES` saw.

    What stands before that in `X-Forwarded-For` is the sender's word. A network of version 6 is one address.
    """
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    place = settings.TRUSTED_PROXIES
    for text in (hops[-place] if 0 < place <= len(hops) else "", meta.get("REMOTE_ADDR", "")):
        try:
            address = ip_address(text)
        except ValueError:
            continue
        if address.version == 4:
            return str(address)
        return str(address.ipv4_mapped or ip_network((address, A_NETWORK_OF_ONE), strict=False))
    return "nowhere"


def _quota(name: str, limit: RateLimitItem, taken: Taken) -> Quota:
    window = limit.get_expiry()
    used = math.floor(taken.before * taken.before_for / window) + taken.current
    ends_in = math.ceil(taken.current_for - window) if taken.current else window
    return Quota(
        name=name, most=limit.amount, window=window, left=max(0, limit.amount - used), resets_in=min(max(1, ends_in), window)
    )


def _wait(limit: RateLimitItem, taken: Taken) -> float:
    """Seconds until there is room for one: what was before fades, and what is current will."""
    window, room = limit.get_expiry(), limit.amount - taken.current
    if room > 0 and taken.before:
        return max(0.0, taken.before_for - room * window / taken.before)
    fades = window * (1 - limit.amount / taken.current) if taken.current else 0.0
    return max(0.0, taken.current_for - window) + fades
