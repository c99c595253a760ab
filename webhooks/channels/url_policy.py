"""What may be posted to, decided from a URL and from the addresses that its host resolves to. Pure: nothing is looked up here.

To everybody: https, on two ports, at public addresses that are not our own. Into the networks that the installation names: any
port, and plain http too.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ssrfguard import AddressTable, Block, BlockedAddressError, BlockedURLError, Policy, Reach, SSRFGuardError, Target

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = frozenset({443, 8443})
EVERY_PORT = frozenset(range(1, 65536))
LONGEST_URL = 2000
NAT64 = IPv6Network("64:ff9b::/96")
OF_CLOUDS = (ip_network("168.63.129.16/32"), ip_network("::ffff:0:0:0/96"))  # of Azure's hosts; RFC 2765
EVERYTHING = AddressTable(
    tuple(
        Block(network=ip_network(each), name="no network of ours", rfc="-", reach=Reach.DENIED) for each in ("0.0.0.0/0", "::/0")
    )
)

NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
"""What a name never ends in, and what some resolvers take for an address in disguise."""

NO_URL = "This is no URL that can be posted to."
NO_HTTPS = "Only https is spoken."
NO_USER = "A URL that names a user is not taken."
NO_SUCH_PORT = "Only the ports 443 and 8443 are posted to."
NOT_THERE = "Nothing is sent to this address: it is private, reserved, or our own."


class Forbidden(Exception):
    """Nothing is ever posted there; the text says why, and tells nothing of what was looked up."""


def is_nobody(_: object) -> bool:
    return False


@dataclass(frozen=True)
class NotToOurselves(Policy):
    """Refuses this host's own addresses too, also those inside an address of version 6."""

    is_own: Callable[[Address], bool] = is_nobody

    def check_address(self, address: str | Address) -> None:
        super().check_address(address)
        asked = ip_address(address)
        if any(asked in network for network in self.allowed_networks):
            return
        if any(asked in network for network in OF_CLOUDS):
            raise BlockedAddressError(str(asked), "is an address of the cloud's own or a translated one")
        if any(self.is_own(each) for each in meant_by(asked)):
            raise BlockedAddressError(str(asked), "is an address of this host")


@dataclass(frozen=True)
class Limits:
    """Where this installation sends to: besides the public internet, the networks that it names."""

    networks: tuple[Network, ...] = ()
    is_own_name: Callable[[str], bool] = is_nobody
    is_own_address: Callable[[Address], bool] = is_nobody

    @cached_property
    def public(self) -> Policy:
        """Of https on the usual ports: anywhere public, and the named networks."""
        return NotToOurselves(
            allowed_schemes=frozenset({"https"}),
            allowed_ports=PORTS,
            allowed_networks=self.networks,
            max_url_length=LONGEST_URL,
            is_own=self.is_own_address,
        )

    @cached_property
    def named(self) -> Policy:
        """Of everything else: the named networks alone."""
        return Policy(
            denied_networks=EVERYTHING, allowed_ports=EVERY_PORT, allowed_networks=self.networks, max_url_length=LONGEST_URL
        )

    @cached_property
    def _written(self) -> Policy:
        """Of a URL as it is written, wherever it leads."""
        return Policy(denied_networks=AddressTable(()), allowed_ports=EVERY_PORT, max_url_length=LONGEST_URL)

    def policy_for(self, url: str) -> Policy:
        """What the addresses of the URL's host must satisfy. Raises Forbidden for what no address can make good."""
        target = self._target(url)
        reason = self._out_of_line(target)
        if reason and not self.networks:
            raise Forbidden(reason)
        policy = self.named if reason else self.public
        try:
            policy.check_url(url)
        except BlockedURLError:
            raise Forbidden(reason or NOT_THERE) from None
        return policy

    def _target(self, url: str) -> Target:
        try:
            target = self._written.check_url(url)
        except SSRFGuardError as refused:
            raise Forbidden(_in_words(str(refused))) from None
        if target.address is None and NUMBER.fullmatch(target.host.rstrip(".").rpartition(".")[2]):
            raise Forbidden(NO_URL)
        return target

    def _out_of_line(self, target: Target) -> str:
        """Why only a named network can be meant; nothing where the public internet can be."""
        if target.scheme != "https":
            return NO_HTTPS
        if target.port not in PORTS:
            return NO_SUCH_PORT
        return NOT_THERE if self.is_own_name(target.host.rstrip(".")) else ""


def meant_by(address: Address) -> Iterator[Address]:
    """The address, and those of version 4 that it carries inside."""
    yield address
    if isinstance(address, IPv6Address):
        yield from (inner for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if inner)
        if address in NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _in_words(refusal: str) -> str:
    if "allowed_schemes" in refusal:
        return NO_HTTPS
    return NO_USER if "allow_userinfo" in refusal else NO_URL
