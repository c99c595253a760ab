"""Filter the lists of thresholds and breaches."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from accounts.marketplaces import CODES
from accounts.tenancy import context
from api.filters import Filters
from metrics.api.value_serializers import CHANNELS
from metrics.models import Breach, Threshold
from metrics.rules.catalogue.definitions import CATALOGUE

METRICS = [(code, code) for code in CATALOGUE]
MARKETPLACES = [(code, code) for code in CODES]
CHANNEL_CHOICES = [(channel, channel) for channel in CHANNELS]


class ThresholdFilter(Filters):
    metric = filters.ChoiceFilter(choices=METRICS, label="Return only rows for this metric.")
    account = filters.CharFilter(
        method="filter_account", label="Return only thresholds whose scope is this account (`acct_…`)."
    )
    marketplace = filters.ChoiceFilter(
        choices=MARKETPLACES, label="Return only thresholds whose scope is this marketplace."
    )
    channel = filters.ChoiceFilter(
        choices=CHANNEL_CHOICES, label="Return only thresholds whose scope is this channel."
    )

    class Meta:
        model = Threshold
        fields = ("metric", "account", "marketplace", "channel")

    def filter_account(
        self, thresholds: QuerySet[Threshold], _name: str, public_id: str
    ) -> QuerySet[Threshold]:
        return thresholds.filter(account_id=context.visible_account(self.request, public_id).pk)


def boolean_filter(**kwargs: Any) -> filters.TypedChoiceFilter:
    """Build a filter that accepts `true` and `false` and nothing else."""
    choices = [(word, word) for word in ("true", "false")]
    boolean = filters.TypedChoiceFilter(choices=choices, coerce=lambda word: word == "true", **kwargs)
    return extend_schema_field(OpenApiTypes.BOOL)(boolean)


class BreachFilter(Filters):
    status = filters.ChoiceFilter(
        choices=Breach.State.choices, label="Return only open or only resolved breaches."
    )
    level = filters.ChoiceFilter(
        choices=Breach.Level.choices, label="Return only warnings, or only breaches of Amazon's target."
    )
    metric = filters.ChoiceFilter(choices=METRICS, label="Return only rows for this metric.")
    account = filters.CharFilter(
        method="filter_account", label="Return only rows for this account (`acct_…`)."
    )
    marketplace = filters.ChoiceFilter(choices=MARKETPLACES, label="Return only rows for this marketplace.")
    channel = filters.ChoiceFilter(choices=CHANNEL_CHOICES, label="Return only rows for this channel.")
    acknowledged = boolean_filter(
        method="filter_acknowledged",
        label="`true` returns only acknowledged breaches. `false` returns only the others.",
    )
    snoozed = boolean_filter(
        method="filter_snoozed",
        label="`true` returns only breaches that are snoozed now. `false` returns only the others.",
    )
    assignee = filters.CharFilter(
        label="Return only breaches with this assignee, written as in the assignment."
    )
    stale = boolean_filter(
        field_name="is_stale",
        label="`true` returns only open breaches that are frozen because their "
        "source is stale. `false` returns only the others.",
    )

    class Meta:
        model = Breach
        fields = ("status", "level", "metric", "account", "marketplace", "channel", "assignee")

    def filter_account(self, breaches: QuerySet[Breach], _name: str, public_id: str) -> QuerySet[Breach]:
        return breaches.filter(account=context.visible_account(self.request, public_id))

    # django-filter passes the value by position.
    def filter_acknowledged(
        self,
        breaches: QuerySet[Breach],
        _name: str,
        is_acknowledged: bool,  # noqa: FBT001
    ) -> QuerySet[Breach]:
        return breaches.filter(acknowledged_at__isnull=not is_acknowledged)

    def filter_snoozed(self, breaches: QuerySet[Breach], _name: str, is_snoozed: bool) -> QuerySet[Breach]:  # noqa: FBT001
        now = timezone.now()
        return (
            breaches.filter(snoozed_until__gt=now) if is_snoozed else breaches.exclude(snoozed_until__gt=now)
        )
