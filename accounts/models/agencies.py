"""Agencies, and the seller accounts they look after."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Coalesce

from api import identifiers

MOST_RETENTION_DAYS = 3650


class Agency(models.Model):
    """The tenant. Everything else belongs to one."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    name = models.CharField(max_length=200)
    counts_pending_and_cancelled = models.BooleanField(
        default=False, help_text="Count Pending and Cancelled orders in the denominator of ODR. Amazon does not say."
    )
    keeps_personal_columns = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Keep documents as they were received. Without it names, addresses and comments in them are blanked.",
    )
    document_retention_days = models.PositiveSmallIntegerField(
        default=30,
        db_default=30,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_RETENTION_DAYS)],
        help_text="How long documents are kept after they were received. What they said of orders stays.",
    )
    allowed_origins = ArrayField(
        models.CharField(max_length=255),
        default=list,
        blank=True,
        db_default=[],
        help_text="Origins of web pages (https://app.agency.example) that may read answers with a key of the agency.",
    )
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=60, blank=True, db_default="")  # the public id of who closed it, or underone
    erased_from = models.DateTimeField(null=True)  # until then it can be opened again
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (GinIndex("allowed_origins", name="agencies_by_origin"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(closed_at=None, closed_by="", erased_from=None, erased_at=None)
                | (models.Q(closed_at__isnull=False, erased_from__isnull=False) & ~models.Q(closed_by="")),
                name="a_closed_agency_says_by_whom_and_when_it_is_erased",
            ),
            models.CheckConstraint(
                condition=models.Q(document_retention_days__range=(1, MOST_RETENTION_DAYS)),
                name="documents_are_kept_for_a_day_to_ten_years",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return identifiers.public("agcy", self.id)


class AccountStatus(models.TextChoices):
    """The status of an account's worst series, worst first."""

    BREACHED = "breached"
    AT_RISK = "at_risk"
    HEALTHY = "healthy"
    NO_DATA = "no_data"


class SellerAccountQuerySet(models.QuerySet["SellerAccount"]):
    def present(self) -> Self:
        return self.filter(deleted_at=None)

    def stale(self, *, at: datetime) -> Self:
        """Those of which one source has been silent for too long."""
        return self.filter(stale_from__lt=at)

    def fresh(self, *, at: datetime) -> Self:
        """The others: nothing is silent for too long, or nothing ever spoke."""
        return self.filter(models.Q(stale_from=None) | models.Q(stale_from__gte=at))


class SellerAccount(models.Model):
    """One selling partner in one region. It sells in one or more marketplaces."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=200)
    selling_partner_id = models.CharField(max_length=64)
    home_marketplace = models.CharField(max_length=2)
    external_id = models.CharField(max_length=200, null=True)  # noqa: DJ001  null is "none given", '' is a given value
    status = models.CharField(max_length=10, choices=AccountStatus, default=AccountStatus.NO_DATA)
    amazon_statuses: "models.JSONField[Any, Any]" = models.JSONField(default=dict, db_default={})  # by marketplace, Amazon's word
    marketplaces = ArrayField(models.CharField(max_length=2))
    distance = models.FloatField(null=True)  # of its worst series from the limit: 1 is spotless, 0 at it, below 0 beyond
    ordered_distance = models.GeneratedField(  # never null, so that lists have an order: without a distance comes last
        expression=Coalesce("distance", models.Value(float("inf"))), output_field=models.FloatField(), db_persist=True
    )
    worst_series: "models.JSONField[Any, Any]" = models.JSONField(null=True)  # where it stood when it was last looked at
    open_breaches = models.PositiveIntegerField(default=0, db_default=0)
    open_warnings = models.PositiveIntegerField(default=0, db_default=0)
    stale_from = models.DateTimeField(null=True)  # the moment at which the first of its sources has been silent for too long
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    last_recorded_at = models.DateTimeField(null=True)  # facts are recorded at strictly later moments than this

    objects = SellerAccountQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint("agency", "id", name="an_account_is_addressed_by_its_agency"),
            models.UniqueConstraint(
                "agency",
                "selling_partner_id",
                condition=models.Q(deleted_at=None),
                name="an_agency_looks_after_a_selling_partner_once",
            ),
            models.CheckConstraint(condition=models.Q(distance=None) | models.Q(distance__lte=1), name="spotless_is_farthest"),
        )
        indexes = (
            models.Index("agency", "status", "id", name="accounts_by_status"),
            models.Index("agency", "name", "id", name="accounts_by_name"),
            models.Index("agency", "created_at", "id", name="accounts_by_age"),
            models.Index("agency", "ordered_distance", "id", name="accounts_by_distance"),
            models.Index("agency", "open_breaches", "id", name="accounts_by_open_breaches"),
            models.Index("agency", "stale_from", "id", name="accounts_by_staleness"),
            GinIndex("marketplaces", name="accounts_by_marketplace"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return public_account_id(self.id)

    def is_stale(self, *, at: datetime) -> bool:
        """Whether one of its sources has been silent for longer than it may. What never spoke is not stale."""
        return self.stale_from is not None and at > self.stale_from


def public_account_id(account_id: UUID) -> str:
    """What the API calls the account with this id."""
    return identifiers.public("acct", account_id)
