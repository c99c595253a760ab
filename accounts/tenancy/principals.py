"""Describe the caller of a request: an API key, a browser token, or a signed-in member."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from accounts.models import Actor, Agency, ApiKey, Member, Role

AGENCY_HEADER = "Underone-Agency"

RANK: Mapping[str, int] = {Role.VIEWER: 1, Role.MANAGER: 2, Role.ADMIN: 3}


@dataclass(frozen=True)
class Principal:
    """Describe the caller of a request and its permissions. DRF also uses it as the user.

    `accounts` is the account limit. None means no limit.
    """

    agency: Agency
    id: UUID
    public_id: str
    kind: Literal["key", "token", "member"]
    name: str
    role: Role
    read_only: bool
    accounts: tuple[UUID, ...] | None
    expires_at: datetime | None
    # Of a member, who proved to own it. A key has none.
    email: str = ""
    is_authenticated: bool = True

    @property
    def agency_id(self) -> UUID:
        return self.agency.pk

    @property
    def actor(self) -> Actor:
        """Return the public ID and current name, as records of changes store them."""
        return Actor(self.public_id, self.name)

    @property
    def is_limited(self) -> bool:
        """Return whether there is an account limit."""
        return self.accounts is not None

    def has_role(self, role: Role) -> bool:
        """Return whether the principal has this role or a higher one."""
        return RANK[self.role] >= RANK[role]

    def permissions(self) -> list[str]:
        """Return the permissions: `read`, and also `write` and `administer` if they apply."""
        may_write = self.has_role(Role.MANAGER) and not self.read_only
        may_administer = self.has_role(Role.ADMIN) and not self.read_only
        return ["read", *["write"] * may_write, *["administer"] * may_administer]

    def can_see(self, account_id: UUID | None) -> bool:
        """Return whether the account is within the account limit. None means the whole agency."""
        return self.accounts is None or account_id in self.accounts


def from_key(key: ApiKey) -> Principal:
    """Build the principal of an API key or token."""
    return Principal(
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


def from_member(member: Member, *, expires_at: datetime) -> Principal:
    """Build the principal of a signed-in member, until its session expires."""
    return Principal(
        agency=member.agency,
        id=member.pk,
        public_id=member.public_id,
        kind="member",
        name=member.person.name,
        role=Role(member.role),
        read_only=member.read_only,
        accounts=None if member.accounts is None else tuple(member.accounts),
        expires_at=expires_at,
        email=member.person.email,
    )
