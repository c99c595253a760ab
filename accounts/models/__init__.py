"""Agencies, their accounts, who may act for them, and who did what."""

from accounts.models.agencies import AccountStatus, Agency, SellerAccount, SellerAccountQuerySet, public_account_id
from accounts.models.audit import AuditEntry
from accounts.models.keys import ApiKey, Role
from accounts.models.people import Grant, Invitation, Member, Person
from accounts.models.replays import KeptAnswer

__all__ = [
    "AccountStatus",
    "Agency",
    "ApiKey",
    "AuditEntry",
    "Grant",
    "Invitation",
    "KeptAnswer",
    "Member",
    "Person",
    "Role",
    "SellerAccount",
    "SellerAccountQuerySet",
    "public_account_id",
]
