"""Define the response bodies of the portfolio."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.agencies.account_serializers import WorstSeries
from accounts.models import AccountStatus
from metrics.api import examples
from metrics.rules.catalogue.definitions import CATALOGUE


class CountsByStatus(serializers.Serializer[Any]):
    breached = serializers.IntegerField(help_text="Accounts that miss a target.")
    at_risk = serializers.IntegerField(help_text="Accounts that meet every target and miss a warning.")
    undecided = serializers.IntegerField(
        help_text="Accounts of which reports leave open whether they are healthy."
    )
    healthy = serializers.IntegerField(help_text="Accounts that meet every target and warning.")
    no_data = serializers.IntegerField(help_text="Accounts without data.")


class PortfolioAccounts(CountsByStatus):
    """The number of accounts by status."""

    total = serializers.IntegerField(help_text="All accounts.")
    stale = serializers.IntegerField(help_text="Accounts with a stale source.")


class PortfolioMetric(CountsByStatus):
    """The number of accounts by their status in one metric.

    An account has the status of its worst series of the metric, and `no_data` without such a series, so the
    numbers add up to all accounts.
    """

    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="The metric's code.")
    name = serializers.SerializerMethodField(help_text="The metric's name in the language of the request.")
    ignored = serializers.SerializerMethodField(
        help_text="Whether the agency ignores the metric, so that it does not count towards the status of accounts."
    )

    def get_name(self, row: dict[str, Any]) -> str:
        return gettext(row["name"])

    def get_ignored(self, row: dict[str, Any]) -> bool:
        return row["metric"] in self.context["ignored_metrics"]


class OpenBreaches(serializers.Serializer[Any]):
    """The number of open breaches."""

    breach = serializers.IntegerField(help_text="Open breaches of Amazon's targets.")
    warning = serializers.IntegerField(help_text="Open warnings.")
    unacknowledged = serializers.IntegerField(
        help_text="Open breaches and warnings that nobody has acknowledged."
    )


class WorstAccount(serializers.Serializer[Any]):
    account = serializers.CharField(help_text="The account's ID.")
    name = serializers.CharField(help_text="The account's name.")
    status = serializers.ChoiceField(choices=AccountStatus.choices, help_text="The account's status.")
    distance = serializers.FloatField(
        help_text=(
            "How far the worst series is from its target: 1 without defects, 0 at the target, and "
            "negative beyond it. 0 if only Amazon's status of the account is known."
        ),
    )
    worst_series = WorstSeries(
        help_text="The series farthest from its target. It has no data if only Amazon's status of the account is "
        "known."
    )
    open_breaches = serializers.IntegerField(help_text="Its open breaches of Amazon's targets.")
    open_warnings = serializers.IntegerField(help_text="Its open warnings.")
    stale = serializers.BooleanField(help_text="Whether one of the account's sources is stale.")


class StaleAccount(serializers.Serializer[Any]):
    account = serializers.CharField(help_text="The account's ID.")
    name = serializers.CharField(help_text="The account's name.")
    stale_from = serializers.DateTimeField(help_text="When the first of its sources became stale.")


@extend_schema_serializer(
    examples=[OpenApiExample("Portfolio", value=examples.PORTFOLIO, response_only=True)]
)
class PortfolioSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField(help_text="The current day (UTC).")
    retained_from = serializers.DateField(
        allow_null=True,
        help_text="The first day of which the values of every account are complete. Null if no data has ended.",
    )
    accounts = PortfolioAccounts(help_text="The number of accounts by status.")
    metrics = PortfolioMetric(many=True, help_text="The number of accounts by status, for each metric.")
    open_breaches = OpenBreaches(help_text="The number of open breaches and warnings.")
    worst = WorstAccount(
        many=True,
        help_text="The accounts with the worst status first, and of these those with the smallest distance.",
    )
    stale_accounts = StaleAccount(
        many=True, help_text="The accounts with a stale source, longest stale first."
    )
