"""Decide from a URL, and from the addresses its host resolves to, whether a delivery may be sent there. Pure:
resolves nothing.

Allowed everywhere: https on ports 443 and 8443, to public addresses that are not this host's own. Allowed in
networks that the installation lists in WEBHOOK_ALLOWED_NETWORKS: any port, and http.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ssrfguard import (
    AddressTable,
    Block,
    BlockedAddressError,
    BlockedURLError,
    Policy,
    Reach,
    SSRFGuardError,
    Target,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = frozenset({443, 8443})
ALL_PORTS = frozenset(range(1, 65536))
MAX_URL_LENGTH = 2000
# A gateway with this prefix (RFC 6052) reaches the IPv4 address in the last 32 bits, a private one as well.
NAT64 = IPv6Network("64:ff9b::/96")
# Azure's platform address, reachable from every Azure host, and IPv4-translated addresses (RFC 2765).
CLOUD_NETWORKS = (ip_network("168.63.129.16/32"), ip_network("::ffff:0:0:0/96"))
ALL_ADDRESSES = AddressTable(
    tuple(
        Block(network=ip_network(network), name="not an allowed network", rfc="-", reach=Reach.DENIED)
        for network in ("0.0.0.0/0", "::/0")
    )
)

# No host name ends in a number; some resolvers read such a name as an address.
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)

INVALID_URL = "This is not a valid URL."
NOT_HTTPS = "The URL must start with https."
HAS_CREDENTIALS = "The URL must not contain a user name or password."
PORT_NOT_ALLOWED = "The port must be 443 or 8443."
ADDRESS_NOT_ALLOWED = "The address is private, reserved or belongs to this service."


class UrlNotAllowed(Exception):
    """Raise when a URL is never allowed.

    The text is for the customer and does not reveal the resolved address.
    """


def never(_: object) -> bool:
    """Return False, as the default for a host without its own names and addresses."""
    return False


@dataclass(frozen=True)
class PublicAddressPolicy(Policy):
    """Refuse this host's own addresses as well, including those embedded in an IPv6 address."""

    is_own: Callable[[Address], bool] = never

    def check_address(self, address: str | Address) -> None:
        """Raise BlockedAddressError for an address that is not public, or is this host's own."""
        super().check_address(address)
        candidate = ip_address(address)
        # A listed network may contain this host, for instance in development.
        if any(candidate in network for network in self.allowed_networks):
            return
        if any(candidate in network for network in CLOUD_NETWORKS):
            raise BlockedAddressError(str(candidate), "is a cloud platform's or a translated address")
        if any(self.is_own(each) for each in embedded_addresses(candidate)):
            raise BlockedAddressError(str(candidate), "is an address of this host")


@dataclass(frozen=True)
class UrlPolicy:
    """Describe where this installation may send: to the public internet and to the networks that it lists."""

    networks: tuple[Network, ...] = ()
    is_own_name: Callable[[str], bool] = never
    is_own_address: Callable[[Address], bool] = never

    @cached_property
    def public(self) -> Policy:
        """Return the policy for https on the usual ports: every public address, and the listed networks."""
        return PublicAddressPolicy(
            allowed_schemes=frozenset({"https"}),
            allowed_ports=PORTS,
            allowed_networks=self.networks,
            max_url_length=MAX_URL_LENGTH,
            is_own=self.is_own_address,
        )

    @cached_property
    def listed(self) -> Policy:
        """Return the policy for http, other ports and this host's own names: the listed networks only."""
        return Policy(
            denied_networks=ALL_ADDRESSES,
            allowed_ports=ALL_PORTS,
            allowed_networks=self.networks,
            max_url_length=MAX_URL_LENGTH,
        )

    @cached_property
    def _syntax(self) -> Policy:
        """Return the policy that checks how a URL is written and allows every address."""
        return Policy(
            denied_networks=AddressTable(()), allowed_ports=ALL_PORTS, max_url_length=MAX_URL_LENGTH
        )

    def policy_for(self, url: str) -> Policy:
        """Return the policy that the addresses of the URL's host must satisfy. Raises UrlNotAllowed if none
        can."""

        target = self._parse(url)
        reason = self._reason_not_public(target)
        # With listed networks the host name may resolve into one of them, which is known only on sending.
        if reason and not self.networks:
            raise UrlNotAllowed(reason)
        policy = self.listed if reason else self.public
        try:
            policy.check_url(url)
        except BlockedURLError:
            raise UrlNotAllowed(reason or ADDRESS_NOT_ALLOWED) from None
        return policy

    def _parse(self, url: str) -> Target:
        """Return the parsed URL. Raises UrlNotAllowed for one that is not well-formed."""
        try:
            target = self._syntax.check_url(url)
        except SSRFGuardError as error:
            raise UrlNotAllowed(_describe(str(error))) from None
        if target.address is None and NUMBER.fullmatch(target.host.rstrip(".").rpartition(".")[2]):
            raise UrlNotAllowed(INVALID_URL)
        return target

    def _reason_not_public(self, target: Target) -> str:
        """Return why the target may only be in a listed network; "" if it may be public."""
        if target.scheme != "https":
            return NOT_HTTPS
        if target.port not in PORTS:
            return PORT_NOT_ALLOWED
        return ADDRESS_NOT_ALLOWED if self.is_own_name(target.host.rstrip(".")) else ""


def embedded_addresses(address: Address) -> Iterator[Address]:
    """Yield the address itself and every IPv4 address embedded in it (mapped, 6to4, Teredo, NAT64)."""
    yield address
    if isinstance(address, IPv6Address):
        yield from (
            inner for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if inner
        )
        if address in NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _describe(error: str) -> str:
    """Return the message for an error of ssrfguard.

    The error names the option of the policy that was violated.
    """
    if "allowed_schemes" in error:
        return NOT_HTTPS
    return HAS_CREDENTIALS if "allow_userinfo" in error else INVALID_URL
