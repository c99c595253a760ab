"""Limit requests per principal and per agency, and failed authentications per client address.

Counts are shared by all processes (rate_limit_store.py). While the store is unavailable, nothing is limited.
A limit is a sliding window: the count of the previous window is weighted by how much of it is left.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from django.conf import settings
from limits import RateLimitItem

from accounts.requests import rate_limit_store
from accounts.requests.rate_limit_store import WindowUsage
from accounts.tenancy.principals import Principal

# Seconds in Retry-After once an address has failed too often.
FAILURES_WAIT = 30.0
# A network of this size counts as one IPv6 address: a user of one address usually has the whole network.
IPV6_PREFIX_BITS = 64


@dataclass(frozen=True, kw_only=True)
class Quota:
    """Describe one limit after this request:

    `limit` units per `window` seconds, `remaining`, reset in seconds. Most requests cost one unit.
    """

    name: str
    limit: int
    window: int
    remaining: int
    resets_in: int


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Store the quotas that apply, and in how many seconds to retry if one is exhausted."""

    quotas: tuple[Quota, ...] = ()
    wait: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers-11."""
        if not self.quotas:
            return {}
        return {
            "RateLimit-Policy": ", ".join(
                f'"{each.name}";q={each.limit};w={each.window}' for each in self.quotas
            ),
            "RateLimit": ", ".join(
                f'"{each.name}";r={each.remaining};t={each.resets_in}' for each in self.quotas
            ),
        }


def consume(*, principal: Principal, cost: int = 1) -> Usage:
    """Count a request of this cost for the principal and for its agency.

    If either quota has no room for it, count it for neither.
    """
    limits = {
        "bearer": (settings.RATE_LIMIT_BEARER, principal.public_id),
        "agency": (settings.RATE_LIMIT_AGENCY, principal.agency.public_id),
    }
    active = [(name, limit, identifier) for name, (limit, identifier) in limits.items() if limit]
    if not active:
        return Usage()
    try:
        windows = rate_limit_store.call(
            lambda store: store.take([(limit, identifier) for _, limit, identifier in active], cost=cost)
        )
    except rate_limit_store.StoreUnavailable:
        return Usage()
    quotas = tuple(_quota(name, limit, each) for (name, limit, _), each in zip(active, windows, strict=True))
    delays = [
        _seconds_until_available(limit, each, rate_limit_store.cost_in(limit, cost))
        for (_, limit, _), each in zip(active, windows, strict=True)
        if not each.allowed
    ]
    return Usage(quotas=quotas, wait=max(delays, default=None))


def record_failure(*, address: str) -> None:
    """Count one failed authentication from a client address."""
    limit: RateLimitItem | None = settings.RATE_LIMIT_FAILURES
    if limit:
        try:
            rate_limit_store.call(
                lambda store: store.incr(limit.key_for("failures", address), limit.get_expiry())
            )
        except rate_limit_store.StoreUnavailable:
            return


def has_too_many_failures(*, address: str) -> bool:
    """Return whether the address has used up its failed authentications of this window."""
    limit: RateLimitItem | None = settings.RATE_LIMIT_FAILURES
    if not limit:
        return False
    try:
        return (
            rate_limit_store.call(lambda store: store.get(limit.key_for("failures", address))) >= limit.amount
        )
    except rate_limit_store.StoreUnavailable:
        return False


def client_address(meta: Mapping[str, str]) -> str:
    """Return the address that a request comes from, with an IPv6 network as one address.

    It is the peer of the socket, or the address that the outermost of our `TRUSTED_PROXIES` adds to
    `X-Forwarded-For`. The client wrote the entries before that one, so they are not trusted.
    """
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    proxies = settings.TRUSTED_PROXIES
    for text in (hops[-proxies] if 0 < proxies <= len(hops) else "", meta.get("REMOTE_ADDR", "")):
        try:
            address = ip_address(text)
        except ValueError:
            continue
        if address.version == 4:
            return str(address)
        return str(address.ipv4_mapped or ip_network((address, IPV6_PREFIX_BITS), strict=False))
    return "nowhere"


def _quota(name: str, limit: RateLimitItem, usage: WindowUsage) -> Quota:
    window = limit.get_expiry()
    used = math.floor(usage.previous * usage.previous_expires_in / window) + usage.current
    resets_in = min(max(1, math.ceil(usage.current_expires_in - window) if usage.current else window), window)
    return Quota(
        name=name,
        limit=limit.amount,
        window=window,
        remaining=max(0, limit.amount - used),
        resets_in=resets_in,
    )


def _seconds_until_available(limit: RateLimitItem, usage: WindowUsage, cost: int) -> float:
    """Return the seconds until a request of this cost is allowed, while the weight of the previous window, and
    then of the current one, decreases."""
    window, most = limit.get_expiry(), limit.amount - cost + 1
    available = most - usage.current
    if available > 0 and usage.previous:
        return max(0.0, usage.previous_expires_in - available * window / usage.previous)
    fade = window * (1 - most / usage.current) if usage.current else 0.0
    return max(0.0, usage.current_expires_in - window) + fade
