"""Define the table of seller accounts."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Coalesce

from accounts.models.tenant import TenantModel
from api import identifiers


class AccountStatus(models.TextChoices):
    """List the statuses of an account, the worst first."""

    BREACHED = "breached"
    AT_RISK = "at_risk"
    UNDECIDED = "undecided"
    HEALTHY = "healthy"
    NO_DATA = "no_data"


class SellerAccountQuerySet(models.QuerySet["SellerAccount"]):
    def present(self) -> Self:
        return self.filter(deleted_at=None)

    def restorable(self, *, at: datetime) -> Self:
        """Return the deleted accounts that can be restored."""
        return self.filter(deleted_at__isnull=False, erased_from__gt=at, erasure_started_at=None)

    def locked(self, *, agency_id: UUID, account_id: UUID) -> "SellerAccount":
        """Return the account with its agency, locked until the transaction ends, so that two reports of one
        account are recorded one after the other.

        Raises SellerAccount.DoesNotExist if the account was deleted or its agency was closed.
        """

        # Only the account: a lock on the joined agency would make all its accounts queue up.
        locked = self.present().select_for_update(no_key=True, of=("self",)).select_related("agency")
        return locked.get(agency_id=agency_id, pk=account_id, agency__closed_at=None)

    def stale(self, *, at: datetime) -> Self:
        """Return the accounts with a stale source (metrics/pipeline/staleness.py)."""
        return self.filter(stale_from__lt=at)

    def fresh(self, *, at: datetime) -> Self:
        """Return the accounts without a stale source, including those without any data."""
        return self.filter(models.Q(stale_from=None) | models.Q(stale_from__gte=at))


class SellerAccount(TenantModel):
    """Store one selling partner in one region. It sells in one or more marketplaces."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    name = models.CharField(max_length=200)
    selling_partner_id = models.CharField(max_length=64)
    home_marketplace = models.CharField(max_length=2)
    # Null: no ID was given. An empty text is an ID like any other.
    external_id = models.CharField(max_length=200, null=True)  # noqa: DJ001
    status = models.CharField(max_length=10, choices=AccountStatus, default=AccountStatus.NO_DATA)
    # 1 for the worst status: the order in which lists sort by status.
    severity = models.GeneratedField(
        expression=models.Case(
            *(
                models.When(status=status, then=models.Value(rank))
                for rank, status in enumerate(AccountStatus.values, start=1)
            ),
            output_field=models.SmallIntegerField(),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    # Whether the account's own status at Amazon decides, and not that of its worst series.
    decided_by_amazon = models.BooleanField(default=False, db_default=False)
    # By marketplace, as Amazon reports them.
    amazon_statuses: "models.JSONField[Any, Any]" = models.JSONField(default=dict, db_default={})
    marketplaces = ArrayField(models.CharField(max_length=2))
    # Of the worst series: 1 without defects, 0 at the target, negative beyond it.
    distance = models.FloatField(null=True)
    # Never null: a cursor compares values, and null compares with nothing.
    # Accounts without a distance come last.
    ordered_distance = models.GeneratedField(
        expression=Coalesce("distance", models.Value(float("inf"))),
        output_field=models.FloatField(),
        db_persist=True,
    )
    # The worst series and its value.
    worst_series: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    # By marketplace (metrics/pipeline/health_assurance.py).
    account_health_assurance: "models.JSONField[Any, Any]" = models.JSONField(default=dict, db_default={})
    open_breaches = models.PositiveIntegerField(default=0, db_default=0)
    open_warnings = models.PositiveIntegerField(default=0, db_default=0)
    # When the first of its sources becomes stale.
    stale_from = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    # A deleted account can be restored until then.
    erased_from = models.DateTimeField(null=True)
    # Set before the first row is erased. From then on the account cannot be restored.
    erasure_started_at = models.DateTimeField(null=True)
    # The next facts are recorded strictly later, so that `known_at` separates them.
    last_recorded_at = models.DateTimeField(null=True)
    # Data before this day that came from Amazon's API has ended (ingestion/data_retention). Null: none has.
    sp_api_data_from = models.DateField(null=True)
    # The same for data of uploaded and posted reports.
    own_data_from = models.DateField(null=True)

    objects = SellerAccountQuerySet.as_manager()

    class Meta:
        constraints = (
            # Only of present accounts: a deleted account may be created again before it is erased.
            models.UniqueConstraint(
                "agency",
                "selling_partner_id",
                condition=models.Q(deleted_at=None),
                name="accounts_selleraccount_unique_partner",
            ),
            models.CheckConstraint(
                condition=models.Q(distance=None) | models.Q(distance__lte=1),
                name="accounts_selleraccount_distance_range",
            ),
            models.CheckConstraint(
                condition=models.Q(deleted_at__isnull=False)
                | models.Q(erased_from=None, erasure_started_at=None),
                name="accounts_selleraccount_erasure_deleted",
            ),
        )
        indexes = (
            models.Index("agency", "status", "id", name="selleraccount_by_status"),
            models.Index("agency", "severity", "id", name="selleraccount_by_severity"),
            models.Index("agency", "name", "id", name="selleraccount_by_name"),
            models.Index("agency", "created_at", "id", name="selleraccount_by_age"),
            models.Index("agency", "ordered_distance", "id", name="selleraccount_by_distance"),
            models.Index("agency", "open_breaches", "id", name="selleraccount_by_open_breaches"),
            models.Index("agency", "stale_from", "id", name="selleraccount_by_staleness"),
            GinIndex("marketplaces", name="selleraccount_by_marketplace"),
            models.Index(
                "agency", "id", name="selleraccount_deleted", condition=models.Q(deleted_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return public_account_id(self.id)

    @property
    def data_from(self) -> date | None:
        """Return the first day whose data is complete, or None if no data has ended."""
        return max((day for day in (self.sp_api_data_from, self.own_data_from) if day), default=None)

    def is_stale(self, *, at: datetime) -> bool:
        """Return whether a source is stale. A source that was never loaded is not stale."""
        return self.stale_from is not None and at > self.stale_from


def public_account_id(account_id: UUID) -> str:
    """Return the public ID of an account."""
    return identifiers.public("acct", account_id)
