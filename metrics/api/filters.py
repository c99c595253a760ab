"""What a list of accounts can be narrowed to by their numbers."""

from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet

from accounts.agencies.filters import AccountFilter
from metrics.models import CurrentValue
from metrics.rules.definitions import CATALOGUE
from metrics.rules.judgement import WORST_FIRST, Status


class AccountByMetricFilter(AccountFilter):
    metric = filters.ChoiceFilter(
        choices=[(code, code) for code in CATALOGUE],
        method="asked_with_status",
        label="With `status`: accounts whose worst series of this metric has it. Alone: accounts that have data of it.",
    )

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """With a metric, `status` is asked of it; without one, of the account."""
        asked = self.form.cleaned_data
        metric, status = asked.get("metric"), asked.get("status")
        if metric:
            asked["status"] = ""
            values = _values(metric, asked.get("marketplace"))
            queryset = queryset.filter(*_standing(values, Status(status)) if status else _with_data(values))
        narrowed: QuerySet[Any] = super().filter_queryset(queryset)
        return narrowed

    def asked_with_status(self, accounts: QuerySet[Any], _name: str, _metric: str) -> QuerySet[Any]:
        return accounts


def _standing(values: QuerySet[CurrentValue], status: Status) -> tuple[Any, ...]:
    """Some series stands so, and none worse."""
    worse = WORST_FIRST[: WORST_FIRST.index(status)]
    return (Exists(values.filter(status=status)), ~Exists(values.filter(status__in=worse)))


def _with_data(values: QuerySet[CurrentValue]) -> tuple[Any, ...]:
    return (Exists(values.exclude(status=Status.NO_DATA)),)


def _values(metric: str, marketplace: str | None) -> QuerySet[CurrentValue]:
    """Of one marketplace where it is asked for too, as the portfolio counts."""
    mine = CurrentValue.objects.filter(agency_id=OuterRef("agency_id"), account_id=OuterRef("pk"), metric=metric)
    return mine.filter(marketplace=marketplace) if marketplace else mine
