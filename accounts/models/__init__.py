"""Define the tables of agencies, accounts, principals and the audit log."""

from accounts.models.agencies import Agency
from accounts.models.api_keys import ApiKey, ApiKeyPrefix, Role
from accounts.models.audit import Actor, AuditEntry
from accounts.models.idempotency_records import IdempotencyRecord
from accounts.models.installation import Backup, DocumentStorage, EncryptionKey
from accounts.models.people import FormerPassword, Grant, Invitation, InvitationDigest, Member, Person
from accounts.models.seller_accounts import (
    AccountStatus,
    SellerAccount,
    SellerAccountQuerySet,
    public_account_id,
)
from accounts.models.tenant import TenantForeignKey, TenantModel

__all__ = [
    "AccountStatus",
    "Actor",
    "Agency",
    "ApiKey",
    "ApiKeyPrefix",
    "AuditEntry",
    "Backup",
    "DocumentStorage",
    "EncryptionKey",
    "FormerPassword",
    "Grant",
    "IdempotencyRecord",
    "Invitation",
    "InvitationDigest",
    "Member",
    "Person",
    "Role",
    "SellerAccount",
    "SellerAccountQuerySet",
    "TenantForeignKey",
    "TenantModel",
    "public_account_id",
]
