"""Filter the list of accounts by the status of a metric."""

from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet

from accounts.agencies.filters import AccountFilter
from metrics.models import CurrentValue
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.judgement import WORST_FIRST, Status


class AccountByMetricFilter(AccountFilter):
    metric = filters.ChoiceFilter(
        choices=[(code, code) for code in CATALOGUE],
        method="filtered_with_status",
        label="With `status`, return only accounts whose worst series of this metric has that status. "
        "Without `status`, return only accounts that have data for this metric.",
    )

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply `status` to the metric if one is given, and to the account otherwise."""
        params = self.form.cleaned_data
        metric, status = params.get("metric"), params.get("status")
        if metric:
            # Cleared, or the inherited filter would also compare it with the status of the account.
            params["status"] = ""
            values = _values(metric, params.get("marketplace"))
            queryset = queryset.filter(*_has_status(values, Status(status)) if status else _has_data(values))
        filtered: QuerySet[Any] = super().filter_queryset(queryset)
        return filtered

    def filtered_with_status(self, accounts: QuerySet[Any], _name: str, _metric: str) -> QuerySet[Any]:
        """Return the accounts unchanged: `filter_queryset` applies the metric together with the status."""
        return accounts


def _has_status(values: QuerySet[CurrentValue], status: Status) -> tuple[Any, ...]:
    """Return the conditions that at least one series has the status and that no series has a worse one.

    An account without a series of the metric has no data, as in the portfolio.
    """
    worse = WORST_FIRST[: WORST_FIRST.index(status)]
    has_none_worse = ~Exists(values.filter(status__in=worse))
    return (
        (has_none_worse,)
        if status is Status.NO_DATA
        else (Exists(values.filter(status=status)), has_none_worse)
    )


def _has_data(values: QuerySet[CurrentValue]) -> tuple[Any, ...]:
    return (Exists(values.exclude(status=Status.NO_DATA)),)


def _values(metric: str, marketplace: str | None) -> QuerySet[CurrentValue]:
    """Return the account's values of a metric, in one marketplace if given, as the portfolio counts them."""
    values = CurrentValue.objects.filter(
        agency_id=OuterRef("agency_id"), account_id=OuterRef("pk"), metric=metric
    )
    return values.filter(marketplace=marketplace) if marketplace else values
