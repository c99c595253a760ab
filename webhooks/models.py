"""Define the tables of events, endpoints, signing secrets, deliveries and attempts."""

from collections.abc import Collection
from typing import Any, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.encryption import at_rest
from accounts.models import SellerAccount, TenantForeignKey, TenantModel
from api import identifiers


class Event(TenantModel):
    """Store an event in the transaction of the change that it reports. Events never change."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    account = TenantForeignKey(SellerAccount, on_delete=models.DO_NOTHING, related_name="events", null=True)
    type = models.CharField(max_length=40)
    data: "models.JSONField[Any, Any]" = models.JSONField()
    occurred_at = models.DateTimeField()
    # At most one event with the same key is published. Null: no limit.
    key = models.CharField(max_length=120, null=True)  # noqa: DJ001
    # metric:marketplace:channel, or empty for events that belong to no series.
    series = models.CharField(max_length=80, db_default="")
    is_test = models.BooleanField(db_default=False)

    class Meta:
        constraints = (models.UniqueConstraint("agency", "key", name="webhooks_event_unique_key"),)
        indexes = (
            models.Index("agency", "account", "id", name="event_by_account"),
            models.Index("agency", "occurred_at", name="event_by_moment"),
            models.Index("agency", "occurred_at", name="event_tests", condition=models.Q(is_test=True)),
        )

    def __str__(self) -> str:
        return self.type

    @property
    def public_id(self) -> str:
        return identifiers.public("evt", self.id)


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def enabled(self) -> Self:
        return self.filter(disabled_at=None)

    def receiving(self) -> Self:
        """Return the endpoints to which events are sent: enabled, and a mailbox only once it is confirmed."""
        return self.enabled().filter(
            ~models.Q(kind=Endpoint.Kind.EMAIL) | models.Q(confirmed_at__isnull=False)
        )

    def locked(self, *, agency_id: UUID, endpoint_id: UUID) -> "Endpoint":
        """Return the endpoint as it is now, locked until the transaction ends. Raises
        Endpoint.DoesNotExist."""
        return self.select_for_update(no_key=True).get(agency_id=agency_id, pk=endpoint_id)

    def within(self, accounts: Collection[UUID]) -> Self:
        """Return the endpoints that receive events of these accounts only."""
        # PostgreSQL contains an empty array in every array: an endpoint whose accounts are all deleted
        # would be visible to everybody.
        return self.filter(accounts__contained_by=list(accounts), accounts__len__gt=0)


class Endpoint(TenantModel):
    """Store where an agency receives events: a URL, an e-mail address or a chat."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook"
        EMAIL = "email"
        SLACK = "slack"

    class Reason(models.TextChoices):
        """List the reasons why an endpoint is disabled."""

        BY_HAND = "by_hand"
        GONE = "gone"
        FAILING = "failing"
        UNSUBSCRIBED = "unsubscribed"

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.WEBHOOK)
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=500, blank=True)
    # Names of types, or prefixes with .*
    event_types = ArrayField(models.CharField(max_length=60))
    # Null: all accounts.
    accounts = ArrayField(models.UUIDField(), null=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=12, choices=Reason, blank=True)
    # The first failure since the last success.
    failing_since = models.DateTimeField(null=True)
    # The canonical address of an e-mail endpoint (accounts/mailboxes/addresses.py).
    mailbox = models.CharField(max_length=254, null=True)  # noqa: DJ001
    # When the mailbox's owner agreed to receive events.
    confirmed_at = models.DateTimeField(null=True)
    # The digest of the newest token that confirms. The token is in the e-mail only.
    confirmation_digest = models.BinaryField(max_length=32, null=True)
    confirmation_sent_at = models.DateTimeField(null=True)
    confirmation_expires_at = models.DateTimeField(null=True)
    # Until then events are collected, to be sent as one e-mail. Null: each event is an e-mail of its own.
    digest_at = models.DateTimeField(null=True)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint("agency", "mailbox", name="webhooks_endpoint_unique_mailbox"),
            models.CheckConstraint(
                condition=models.Q(kind="email")
                | models.Q(mailbox=None, confirmed_at=None, confirmation_digest=None, digest_at=None),
                name="webhooks_endpoint_mailbox_of_email",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmation_digest=None)
                | models.Q(confirmation_sent_at__isnull=False, confirmation_expires_at__isnull=False),
                name="webhooks_endpoint_confirmation_complete",
            ),
            models.CheckConstraint(
                condition=models.Q(disabled_at=None, disabled_reason="")
                | (models.Q(disabled_at__isnull=False) & ~models.Q(disabled_reason="")),
                name="webhooks_endpoint_disabled_complete",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def public_id(self) -> str:
        return identifiers.public("ep", self.id)

    @property
    def is_unconfirmed(self) -> bool:
        """Return whether nothing may be sent before the mailbox's owner agrees."""
        return self.kind == self.Kind.EMAIL and self.confirmed_at is None


class EndpointSecret(TenantModel):
    """Store an encrypted signing secret of an endpoint.

    After a rotation, the previous secret also signs until it expires.
    """

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    endpoint = TenantForeignKey(Endpoint, on_delete=models.DO_NOTHING, related_name="secrets")
    encrypted = models.BinaryField()
    key_id = at_rest.key_id_column("encrypted")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index("agency", "endpoint", "id", name="endpointsecret_by_endpoint"),
            models.Index("agency", "key_id", "id", name="endpointsecret_by_key"),
        )


class Delivery(TenantModel):
    """Store the delivery of one event to one endpoint."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    endpoint = TenantForeignKey(Endpoint, on_delete=models.DO_NOTHING, related_name="deliveries")
    event = TenantForeignKey(Event, on_delete=models.DO_NOTHING, related_name="deliveries")
    # Deliveries with one key reach the endpoint in order: those of a series of an account, or its other ones.
    order_key = models.CharField(max_length=120)
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    # Attempts since the delivery was created or last redelivered.
    tries = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    # Until then one worker may send the delivery.
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint("agency", "endpoint", "event", name="webhooks_delivery_unique_event"),
            models.CheckConstraint(
                condition=models.Q(state="pending", next_attempt_at__isnull=False, finished_at=None)
                | (~models.Q(state="pending") & models.Q(next_attempt_at=None, finished_at__isnull=False)),
                name="webhooks_delivery_due_or_finished",
            ),
        )
        indexes = (
            models.Index("agency", "endpoint", "id", name="delivery_by_endpoint"),
            models.Index("agency", "event", name="delivery_by_event"),
            # Not led by the agency: next_delivery_at() looks for what is due in all agencies.
            models.Index("next_attempt_at", name="delivery_due", condition=models.Q(state="pending")),
            models.Index(
                "agency", "finished_at", name="delivery_finished", condition=~models.Q(state="pending")
            ),
            models.Index(
                "agency",
                "endpoint",
                "next_attempt_at",
                name="delivery_due_by_endpoint",
                condition=models.Q(state="pending"),
            ),
            models.Index(
                "agency",
                "endpoint",
                "order_key",
                name="delivery_leased",
                condition=models.Q(leased_until__isnull=False),
            ),
            # Finds the oldest pending delivery of a key without sorting; lease_deliveries
            # and RELEASE_NEXT depend on it.
            models.Index(
                "agency",
                "endpoint",
                "order_key",
                "id",
                name="delivery_pending_in_order",
                condition=models.Q(state="pending"),
            ),
        )

    @property
    def public_id(self) -> str:
        return identifiers.public("dlv", self.id)


class Attempt(TenantModel):
    """Store one attempt to deliver: the response, or the error."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    delivery = TenantForeignKey(Delivery, on_delete=models.DO_NOTHING, related_name="attempts")
    attempted_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    # The HTTP status. Null: no response arrived.
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    # The first 1,024 bytes of the response.
    answer = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index("agency", "delivery", "id", name="attempt_by_delivery"),)


class WorkerSlot(models.Model):
    """Store the lease of one delivery worker. There are WEBHOOK_COURIERS slots (webhooks/delivery/concurrency.py)."""

    number = models.SmallIntegerField(primary_key=True)
    holder = models.UUIDField()
    leased_until = models.DateTimeField()
