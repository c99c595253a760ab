"""Define the tables of API keys, tokens, and the directory of prefixes."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models.tenant import TenantForeignKey, TenantModel
from api import identifiers


class Role(models.TextChoices):
    """List the roles of principals, the one with most permissions first."""

    ADMIN = "admin"
    MANAGER = "manager"
    VIEWER = "viewer"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def valid(self, *, at: datetime) -> Self:
        """Return the keys that are valid at this moment. A token is valid only as long as its parent."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at), revoked_at=None)


class ApiKey(TenantModel):
    """Store an API key, or a token made with one. The secret is shown once; the database keeps its digest
    only."""

    class Kind(models.TextChoices):
        KEY = "key"
        TOKEN = "token"  # noqa: S105  a word

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.KEY, db_default=Kind.KEY)
    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=32)
    digest = models.BinaryField(max_length=32)
    role = models.CharField(max_length=7, choices=Role, default=Role.ADMIN, db_default=Role.ADMIN)
    read_only = models.BooleanField(default=False, db_default=False)
    # Null: all accounts.
    accounts = ArrayField(models.UUIDField(), null=True)
    # The key that created a token.
    parent = TenantForeignKey("self", on_delete=models.DO_NOTHING, null=True, related_name="tokens")
    replaces = TenantForeignKey("self", on_delete=models.DO_NOTHING, null=True, related_name="+")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint("agency", "prefix", name="accounts_apikey_unique_prefix"),
            models.CheckConstraint(
                condition=Q(accounts=None) | ~Q(role=Role.ADMIN), name="accounts_apikey_limited_not_admin"
            ),
            models.CheckConstraint(
                condition=Q(kind="key", parent=None)
                | Q(
                    kind="token",
                    role=Role.VIEWER,
                    read_only=True,
                    parent__isnull=False,
                    expires_at__isnull=False,
                ),
                name="accounts_apikey_token_complete",
            ),
        )
        indexes = (
            models.Index("agency", "parent", name="apikey_by_parent", condition=Q(parent__isnull=False)),
            models.Index(
                "agency", "replaces", name="apikey_by_replaces", condition=Q(replaces__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def public_id(self) -> str:
        return identifiers.public("tok" if self.kind == self.Kind.TOKEN else "key", self.id)


class ApiKeyPrefix(models.Model):
    """Map the prefix of an API key to its agency, for look-ups before the agency is known.

    The prefix alone is the key of the table, because it contains all agencies. A transaction can read the
    rows of its agency, and the row whose prefix it names in `underone.key_prefix`.
    """

    prefix = models.CharField(primary_key=True, max_length=32)
    agency_id = models.UUIDField()
    key_id = models.UUIDField()

    class Meta:
        constraints = (
            models.UniqueConstraint("agency_id", "key_id", name="accounts_apikeyprefix_unique_key"),
        )

    def __str__(self) -> str:
        return self.prefix
