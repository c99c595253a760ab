"""Define the tables of users, their former passwords, members, invitations, and the directory of tokens."""

from collections.abc import Iterator
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from accounts.models.api_keys import Role
from accounts.models.audit import Actor
from accounts.models.seller_accounts import public_account_id
from accounts.models.tenant import TenantModel
from api import identifiers

SESSIONS = "accounts.person.sessions"


class Person(AbstractBaseUser, PermissionsMixin):
    """Store a user, identified by an e-mail address. A user belongs to no agency and may be a member of
    several."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True, db_default=True)
    is_staff = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether the user operates the installation and may open /staff/.",
    )
    # How often all sessions were ended together. A part of every session's hash.
    sign_outs = models.PositiveIntegerField(default=0, db_default=0)
    language = models.CharField(
        max_length=10,
        choices=settings.LANGUAGES,
        default="en",
        db_default="en",
        help_text="The language of e-mails to the user: `en` or `zh-hans`.",
    )
    created_at = models.DateTimeField()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[BaseUserManager[Self]] = BaseUserManager()

    class Meta:
        verbose_name_plural = "people"
        constraints = (
            models.CheckConstraint(condition=Q(email=Lower("email")), name="accounts_person_email_lowercase"),
        )

    def __str__(self) -> str:
        return self.email

    @property
    def public_id(self) -> str:
        return identifiers.public("pers", self.id)

    def get_session_auth_hash(self) -> str:
        """Return the hash that every session contains.

        A new password changes it, and ending all sessions changes it too.
        """

        # Django's own hash contains only the password. The data of a session is not searchable by user, so a
        # counter ends all of them in one update.
        return self._session_hash(settings.SECRET_KEY)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return (self._session_hash(key) for key in settings.SECRET_KEY_FALLBACKS)

    def _session_hash(self, key: str | bytes) -> str:
        return salted_hmac(
            SESSIONS, f"{self.sign_outs} {self.password}", secret=key, algorithm="sha256"
        ).hexdigest()


class FormerPassword(models.Model):
    """Store the digest of one of a user's last passwords, the current one included.

    A transaction can read the rows of the user whom it names in `underone.person`.
    """

    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    # In the form of Person.password.
    digest = models.CharField(max_length=128)
    created_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index("person", name="former_password_by_person"),)

    def __str__(self) -> str:
        return str(self.pk)


class Grant(TenantModel):
    """Describe the permissions of a member or an invited user."""

    role = models.CharField(max_length=7, choices=Role)
    read_only = models.BooleanField(default=False, db_default=False)
    # Null: all accounts.
    accounts = ArrayField(models.UUIDField(), null=True)

    class Meta:
        abstract = True

    def audit_fields(self) -> dict[str, Any]:
        """Return the permissions as the audit log stores them."""
        limit = None if self.accounts is None else [public_account_id(each) for each in self.accounts]
        return {"role": self.role, "read_only": self.read_only, "accounts": limit}


class Member(Grant):
    """Store a user's place in one agency."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, related_name="memberships", db_constraint=False, db_index=False
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint("agency", "person", name="accounts_member_unique_person"),
            models.CheckConstraint(
                condition=Q(accounts=None) | ~Q(role=Role.ADMIN), name="accounts_member_limited_not_admin"
            ),
        )
        indexes = (models.Index("person", name="member_by_person"),)

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return identifiers.public("mem", self.id)


class Invitation(Grant):
    """Store an invitation. The token is in the e-mail only; the database keeps its digest."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    email = models.EmailField()
    digest = models.BinaryField(max_length=32)
    # The public ID of a key or member.
    invited_by_id = models.CharField(max_length=60)
    # The name at that time.
    invited_by_name = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint("agency", "email", name="accounts_invitation_unique_email"),
            models.UniqueConstraint("agency", "digest", name="accounts_invitation_unique_digest"),
            models.CheckConstraint(
                condition=Q(accounts=None) | ~Q(role=Role.ADMIN), name="accounts_invitation_limited_not_admin"
            ),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="accounts_invitation_email_lowercase"
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return identifiers.public("inv", self.id)

    @property
    def invited_by(self) -> str:
        """Return the actor who sent the invitation as one text, as the API shows it."""
        return Actor(self.invited_by_id, self.invited_by_name).label


class InvitationDigest(models.Model):
    """Map the digest of an invitation's token to its agency, for look-ups before the agency is known.

    The digest alone is the key of the table, because it contains all agencies. A transaction can read the
    rows of its agency, and the row whose digest it names in `underone.invitation`.
    """

    digest = models.BinaryField(primary_key=True, max_length=32)
    agency_id = models.UUIDField()
    invitation_id = models.UUIDField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "agency_id", "invitation_id", name="accounts_invitationdigest_unique_invitation"
            ),
        )

    def __str__(self) -> str:
        return bytes(self.digest).hex()
