"""What may be asked of the numbers: query parameters, checked."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from accounts.marketplaces import CODES
from accounts.models import SellerAccount
from api.strict_fields import Contradiction, Day, Instant
from metrics.rules.definitions import CATALOGUE
from metrics.rules.facts import Channel

LONGEST_HISTORY = timedelta(days=3 * 366)
USUAL_HISTORY = timedelta(days=89)


class PlaceQuestion(serializers.Serializer[Any]):
    """Where, and as known when."""

    marketplace = serializers.ChoiceField(choices=CODES, required=False, help_text="ISO country code of the store.")
    channel = serializers.ChoiceField(
        choices=[each.value for each in Channel],
        required=False,
        help_text="Who fulfils; `all` where Amazon does not part them.",
    )
    known_at = Instant(
        required=False, help_text="Answer exactly what was known at this moment. Without it: everything known now."
    )


class DayQuestion(PlaceQuestion):
    as_of = Day(required=False, help_text="The day to stand on. Without it: the UTC day of `known_at`, else today.")


class MetricsQuestion(DayQuestion):
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), required=False, help_text="Only this metric.")


class OrdersQuestion(DayQuestion):
    counted = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only orders in the numerator, or only the others."
    )


class PortfolioQuestion(serializers.Serializer[Any]):
    marketplace = serializers.ChoiceField(
        choices=CODES,
        required=False,
        help_text="Only accounts that sell in this store, and of their series and breaches only those in it. An account's own "
        "status, distance and worst series stay those over all its stores.",
    )
    limit = serializers.IntegerField(
        required=False, default=10, min_value=1, max_value=100, help_text="How many of the worst and of the stale accounts."
    )


class SnapshotsQuestion(serializers.Serializer[Any]):
    marketplace = serializers.ChoiceField(choices=CODES, required=False, help_text="Only of this store.")


class HistoryQuestion(PlaceQuestion):
    vars()["from"] = Day(required=False, help_text="First day. Without it: 89 days before `to`.")
    to = Day(required=False, help_text="Last day. Without it: the UTC day of `known_at`, else today.")


@dataclass(frozen=True, slots=True)
class Moment:
    """The day to stand on, the moment whose knowledge counts, and the moment of the question, which makes things stale."""

    as_of: date
    known_at: datetime
    asked_at: datetime


def asked(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The checked parameters. Raises ValidationError, one message a parameter."""
    question = kind(data=request.query_params.dict())  # as texts: an empty one is no answer to leave out
    question.is_valid(raise_exception=True)
    return dict(question.validated_data)


def moment(question: dict[str, Any], account: SellerAccount) -> Moment:
    """Where the question stands in time; silent parameters mean today, and everything known."""
    asked_at = question.get("known_at") or timezone.now()
    return Moment(question.get("as_of") or asked_at.astimezone(UTC).date(), _known_at(question, account), asked_at)


def span(question: dict[str, Any], account: SellerAccount) -> tuple[date, date, datetime]:
    """First and last day of a history, and the moment whose knowledge counts. Raises Contradiction."""
    said = question.get("known_at") or timezone.now()
    until = question.get("to") or said.astimezone(UTC).date()
    since = question.get("from") or until - USUAL_HISTORY
    if since > until:
        raise Contradiction({"from": "It is after `to`."})
    if until - since > LONGEST_HISTORY:
        raise Contradiction({"from": "Ask for at most three years at a time."})
    return since, until, _known_at(question, account)


def _known_at(question: dict[str, Any], account: SellerAccount) -> datetime:
    """The moment asked for; else that of the last recording which is visible. Nothing was learned since, so it is now's answer.

    Not the clock's: a report that is being recorded at this moment has an earlier moment and is not visible yet. Asked again for
    the moment that was answered here, the answer is the same for ever.
    """
    return question.get("known_at") or account.last_recorded_at or account.created_at
