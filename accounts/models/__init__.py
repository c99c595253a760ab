"""Agencies, their accounts, who may act for them, and who did what."""

from accounts.models.agencies import AccountStatus, Agency, SellerAccount, SellerAccountQuerySet, public_account_id
from accounts.models.audit import AuditEntry
from accounts.models.keys import ApiKey, Role

__all__ = [
    "AccountStatus",
    "Agency",
    "ApiKey",
    "AuditEntry",
    "Role",
    "SellerAccount",
    "SellerAccountQuerySet",
    "public_account_id",
]
