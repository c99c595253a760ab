"""Define the table of agencies."""

from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from api import identifiers

MOST_RETENTION_DAYS = 3650
# Windows, restatements and the log of a year need less than twelve months.
DATA_RETENTION_MONTHS = (12, 120)


class AgencyQuerySet(models.QuerySet["Agency"]):
    def locked(self, *, agency_id: UUID) -> "Agency":
        """Return the agency, locked until the transaction ends."""
        # FOR NO KEY UPDATE: every insert of a row of the agency locks its key for the
        # foreign key, and must not wait.
        return self.select_for_update(no_key=True).get(pk=agency_id)


class Agency(models.Model):
    """Store a tenant. Every other row belongs to an agency."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    name = models.CharField(max_length=200)
    counts_pending_and_cancelled = models.BooleanField(
        default=False,
        help_text="Whether Pending and Cancelled orders are in the denominator of the order defect rate. "
        "Amazon does not document this.",
    )
    keeps_personal_columns = models.BooleanField(
        default=False,
        db_default=False,
        help_text=(
            "Whether documents are stored as they were received. If false, names, addresses and comments "
            "are redacted."
        ),
    )
    document_retention_days = models.PositiveSmallIntegerField(
        default=30,
        db_default=30,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_RETENTION_DAYS)],
        help_text="For how many days documents are stored after they were received. Facts from deleted "
        "documents are kept.",
    )
    # Null: data of hand-uploaded reports has no end.
    data_retention_months = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(DATA_RETENTION_MONTHS[0]), MaxValueValidator(DATA_RETENTION_MONTHS[1])],
        help_text="For how many months the data of uploaded and posted reports is stored.",
    )
    allowed_origins = ArrayField(
        models.CharField(max_length=255),
        default=list,
        blank=True,
        db_default=[],
        help_text=(
            "Origins of the web pages (https://app.agency.example) that may read responses with a key "
            "of the agency."
        ),
    )
    ignored_metrics = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        db_default=[],
        help_text="Metrics that do not count towards the status of accounts, because the agency does not feed them.",
    )
    language = models.CharField(
        max_length=10,
        choices=settings.LANGUAGES,
        default="en",
        db_default="en",
        help_text="The language of notifications and e-mails about the agency: `en` or `zh-hans`.",
    )
    requires_second_factor = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether members without a second factor have no access. API keys are not affected.",
    )
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    # The public ID of the principal, or underone.
    closed_by = models.CharField(max_length=60, blank=True, db_default="")
    # Until then the agency can be reopened.
    erased_from = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    objects = AgencyQuerySet.as_manager()

    class Meta:
        indexes = (GinIndex("allowed_origins", name="agency_by_origin"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(closed_at=None, closed_by="", erased_from=None, erased_at=None)
                | (models.Q(closed_at__isnull=False, erased_from__isnull=False) & ~models.Q(closed_by="")),
                name="accounts_agency_closed_complete",
            ),
            models.CheckConstraint(
                condition=models.Q(document_retention_days__range=(1, MOST_RETENTION_DAYS)),
                name="accounts_agency_retention_range",
            ),
            models.CheckConstraint(
                condition=models.Q(data_retention_months=None)
                | models.Q(data_retention_months__range=DATA_RETENTION_MONTHS),
                name="accounts_agency_data_retention_range",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return identifiers.public("agcy", self.id)
