"""What lists of thresholds and of breaches can be narrowed to."""

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
from metrics.rules.definitions import CATALOGUE

METRICS = [(code, code) for code in CATALOGUE]
MARKETPLACES = [(code, code) for code in CODES]
OF_CHANNEL = [(channel, channel) for channel in CHANNELS]


class ThresholdFilter(Filters):
    metric = filters.ChoiceFilter(choices=METRICS)
    account = filters.CharFilter(method="of_account", label="Thresholds of this account alone (acct_…).")
    marketplace = filters.ChoiceFilter(choices=MARKETPLACES)
    channel = filters.ChoiceFilter(choices=OF_CHANNEL)

    class Meta:
        model = Threshold
        fields = ("metric", "account", "marketplace", "channel")

    def of_account(self, thresholds: QuerySet[Threshold], _name: str, public_id: str) -> QuerySet[Threshold]:
        return thresholds.filter(account_id=context.account_of(self.request, public_id).pk)


def yes_or_no(**kwargs: Any) -> filters.TypedChoiceFilter:
    """A question that is answered with `true` or `false`, and with nothing else."""
    words = [(word, word) for word in ("true", "false")]
    asked = filters.TypedChoiceFilter(choices=words, coerce=lambda word: word == "true", **kwargs)
    return extend_schema_field(OpenApiTypes.BOOL)(asked)


class BreachFilter(Filters):
    status = filters.ChoiceFilter(choices=Breach.State.choices)
    level = filters.ChoiceFilter(choices=Breach.Level.choices)
    metric = filters.ChoiceFilter(choices=METRICS)
    account = filters.CharFilter(method="of_account", label="Breaches of this account (acct_…).")
    marketplace = filters.ChoiceFilter(choices=MARKETPLACES)
    channel = filters.ChoiceFilter(choices=OF_CHANNEL)
    acknowledged = yes_or_no(method="seen", label="Whether somebody acknowledged it.")
    snoozed = yes_or_no(method="aside", label="Whether it is left aside at this moment.")
    assignee = filters.CharFilter(label="Who sees to it, as it was assigned.")
    stale = yes_or_no(field_name="is_stale", label="Whether it is open and frozen, because its source is silent.")

    class Meta:
        model = Breach
        fields = ("status", "level", "metric", "account", "marketplace", "channel", "assignee")

    def of_account(self, breaches: QuerySet[Breach], _name: str, public_id: str) -> QuerySet[Breach]:
        return breaches.filter(account=context.account_of(self.request, public_id))

    def seen(self, breaches: QuerySet[Breach], _name: str, is_seen: bool) -> QuerySet[Breach]:  # noqa: FBT001  the framework's
        return breaches.filter(acknowledged_at__isnull=not is_seen)

    def aside(self, breaches: QuerySet[Breach], _name: str, is_aside: bool) -> QuerySet[Breach]:  # noqa: FBT001  the framework's
        now = timezone.now()
        return breaches.filter(snoozed_until__gt=now) if is_aside else breaches.exclude(snoozed_until__gt=now)
