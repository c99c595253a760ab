"""The shape of all accounts at once."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.agencies.account_serializers import WorstSeries
from accounts.models import AccountStatus
from metrics.api import examples
from metrics.rules.definitions import CATALOGUE


class CountsByStatus(serializers.Serializer[Any]):
    breached = serializers.IntegerField()
    at_risk = serializers.IntegerField()
    healthy = serializers.IntegerField()
    no_data = serializers.IntegerField()


class AccountsOfPortfolio(CountsByStatus):
    total = serializers.IntegerField()
    stale = serializers.IntegerField(help_text="Of which a source was last brought up to date too long ago.")


class MetricOfPortfolio(CountsByStatus):
    """How many accounts stand how in one metric: each by its worst series of it."""

    metric = serializers.ChoiceField(choices=tuple(CATALOGUE))
    name = serializers.SerializerMethodField(help_text="What people call it.")

    def get_name(self, row: dict[str, Any]) -> str:
        return gettext(row["name"])


class OpenBreaches(serializers.Serializer[Any]):
    breach = serializers.IntegerField(help_text="Limits of Amazon's that are missed.")
    warning = serializers.IntegerField()
    unacknowledged = serializers.IntegerField(help_text="Of both, those that nobody acknowledged.")


class WorstAccount(serializers.Serializer[Any]):
    account = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=AccountStatus.choices)
    distance = serializers.FloatField(help_text="1 is spotless, 0 at the limit, below 0 beyond it.")
    worst_series = WorstSeries()
    open_breaches = serializers.IntegerField()
    open_warnings = serializers.IntegerField()
    stale = serializers.BooleanField()


class StaleAccount(serializers.Serializer[Any]):
    account = serializers.CharField()
    name = serializers.CharField()
    stale_from = serializers.DateTimeField(help_text="Since then the first of its sources is stale.")


@extend_schema_serializer(examples=[OpenApiExample("A portfolio", value=examples.PORTFOLIO, response_only=True)])
class PortfolioAnswer(serializers.Serializer[Any]):
    as_of = serializers.DateField(help_text="Today.")
    accounts = AccountsOfPortfolio()
    metrics = MetricOfPortfolio(many=True)
    open_breaches = OpenBreaches()
    worst = WorstAccount(many=True, help_text="Nearest to their limits or farthest beyond them first.")
    stale_accounts = StaleAccount(many=True, help_text="Silent for longest first.")
