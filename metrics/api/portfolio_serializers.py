"""Define the response bodies of the portfolio."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.agencies.account_serializers import WorstSeries
from accounts.models import AccountStatus
from metrics.api import examples
from metrics.rules.definitions import CATALOGUE


class CountsByStatus(serializers.Serializer[Any]):
    breached = serializers.IntegerField(help_text="Accounts that miss a target.")
    at_risk = serializers.IntegerField(help_text="Accounts that meet every target and miss a warning.")
    healthy = serializers.IntegerField(help_text="Accounts that meet every target and warning.")
    no_data = serializers.IntegerField(help_text="Accounts without data.")


class PortfolioAccounts(CountsByStatus):
    """The number of accounts by status."""

    total = serializers.IntegerField(help_text="All accounts.")
    stale = serializers.IntegerField(help_text="Accounts with a stale source.")


class PortfolioMetric(CountsByStatus):
    """The number of accounts by their status in one metric.

    An account has the status of its worst series of the metric.
    """

    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="The metric's code.")
    name = serializers.SerializerMethodField(help_text="The metric's name in the language of the request.")

    def get_name(self, row: dict[str, Any]) -> str:
        return gettext(row["name"])


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
    status = serializers.ChoiceField(
        choices=AccountStatus.choices, help_text="The status of its worst series."
    )
    distance = serializers.FloatField(
        help_text=(
            "How far the worst series is from its target: 1 without defects, 0 at the target, and "
            "negative beyond it."
        )
    )
    worst_series = WorstSeries(help_text="The series farthest from its target.")
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
    accounts = PortfolioAccounts(help_text="The number of accounts by status.")
    metrics = PortfolioMetric(many=True, help_text="The number of accounts by status, for each metric.")
    open_breaches = OpenBreaches(help_text="The number of open breaches and warnings.")
    worst = WorstAccount(many=True, help_text="The accounts with the smallest distance, worst first.")
    stale_accounts = StaleAccount(
        many=True, help_text="The accounts with a stale source, longest stale first."
    )
