"""Who asks, and what they may do: a program with a key, a browser with a token, a person who signed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from accounts.models import Actor, Agency, ApiKey, Member, Role

AGENCY_HEADER = "Underone-Agency"

RANK: Mapping[str, int] = {Role.VIEWER: 1, Role.MANAGER: 2, Role.ADMIN: 3}


@dataclass(frozen=True)
class Bearer:
    """What a request's key, token or session stands for. DRF takes it for the user as well."""

    agency: Agency
    id: UUID
    public_id: str
    kind: Literal["key", "token", "member"]
    name: str
    role: Role
    read_only: bool
    accounts: tuple[UUID, ...] | None
    expires_at: datetime | None
    is_authenticated: bool = True

    @property
    def agency_id(self) -> UUID:
        return self.agency.pk

    @property
    def who(self) -> Actor:
        """Return what records call the bearer: its id, and its name of that moment."""
        return Actor(self.public_id, self.name)

    @property
    def is_limited(self) -> bool:
        """Whether it sees some of the agency's accounts only."""
        return self.accounts is not None

    def has(self, role: Role) -> bool:
        """Whether its role is this one or a wider one."""
        return RANK[self.role] >= RANK[role]

    def may(self) -> list[str]:
        """`read`, `write` and `administer`, as far as they apply."""
        writes, administers = self.has(Role.MANAGER), self.has(Role.ADMIN)
        return ["read", *["write"] * (writes and not self.read_only), *["administer"] * (administers and not self.read_only)]

    def sees(self, account_id: UUID | None) -> bool:
        """Whether something of this account is within its limit; what is of no account is of the whole agency."""
        return self.accounts is None or account_id in self.accounts


def of_key(key: ApiKey) -> Bearer:
    """Who asks with a key, or with a token."""
    return Bearer(
        agency=key.agency,
        id=key.pk,
        public_id=key.public_id,
        kind="token" if key.kind == ApiKey.Kind.TOKEN else "key",
        name=key.name,
        role=Role(key.role),
        read_only=key.read_only,
        accounts=None if key.accounts is None else tuple(key.accounts),
        expires_at=key.expires_at,
    )


def of_member(member: Member, *, expires_at: datetime) -> Bearer:
    """A person who signed in, as a member of one agency, until its session ends."""
    return Bearer(
        agency=member.agency,
        id=member.pk,
        public_id=member.public_id,
        kind="member",
        name=member.person.name,
        role=Role(member.role),
        read_only=member.read_only,
        accounts=None if member.accounts is None else tuple(member.accounts),
        expires_at=expires_at,
    )
