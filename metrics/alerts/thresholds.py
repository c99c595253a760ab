"""Set, update and delete the thresholds of an agency.

Amazon's target always applies as well. Accounts apply new versions in
pipeline/threshold_versions.py. The versions of one agency are written one after another, each recorded later
than the one before, so that no version appears among those that an account has already applied.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from accounts.models import Agency, SellerAccount
from accounts.tenancy import context
from metrics.models import MetricRule, Threshold
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.catalogue.metric import Metric
from metrics.rules.judgement import Comparator, Limit, build_limit
from metrics.rules.threshold_rules import can_be_met, is_as_strict

A_MOMENT = timedelta(microseconds=1)
WORDS = {
    Comparator.LT: "below",
    Comparator.LTE: "at most",
    Comparator.GT: "above",
    Comparator.GTE: "at least",
    Comparator.EQ: "exactly",
}


class InvalidThreshold(Exception):
    """Signal that `field` cannot have its value; `reason` is a sentence for users."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Describe the series that a threshold applies to. None and '' mean all."""

    metric: str
    account_id: UUID | None = None
    marketplace: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSettings:
    """Describe when a warning opens and ends. Without `clear_at`, `warn_at` is used for both."""

    warn_at: Decimal
    clear_at: Decimal | None = None
    for_days: int = 0
    keep_days: int = 0
    min_denominator: int = 0

    def columns(self) -> dict[str, Any]:
        """Return the columns of a version, with the limits as exact fractions."""
        # Exact: verdicts compare integers, and no float is 0.8 %.
        warn = self.warn_at.as_integer_ratio()
        clear = warn if self.clear_at is None else self.clear_at.as_integer_ratio()
        return {
            "warn_numerator": warn[0],
            "warn_denominator": warn[1],
            "clear_numerator": clear[0],
            "clear_denominator": clear[1],
            "for_days": self.for_days,
            "keep_days": self.keep_days,
            "min_denominator": self.min_denominator,
            "is_removed": False,
        }


def query_current(*, agency: Agency) -> QuerySet[Threshold]:
    """Return the newest version of each threshold that is not deleted and not of a deleted account."""
    newer = Threshold.objects.filter(
        agency_id=OuterRef("agency_id"),
        threshold_id=OuterRef("threshold_id"),
        recorded_at__gt=OuterRef("recorded_at"),
    )
    accounts = SellerAccount.objects.present().filter(agency=agency).values("pk")
    current = Threshold.objects.filter(~Exists(newer), agency=agency, is_removed=False)
    return current.filter(Q(account_id=None) | Q(account_id__in=accounts))


def set_threshold(
    *, agency: Agency, scope: Scope, settings: ThresholdSettings, now: datetime
) -> tuple[Threshold, bool]:
    """Create or update the threshold of this scope. Return its version, and whether it is new.

    Saving identical settings creates no version. Requires a transaction. Raises InvalidThreshold.
    """
    # Before the lock: it reads only Amazon's rules, which no agency changes.
    _validate(scope, settings, now)
    _lock_agency(agency)
    previous = query_current(agency=agency).filter(**asdict(scope)).first()
    columns = settings.columns()
    if previous and all(getattr(previous, name) == value for name, value in columns.items()):
        return previous, False
    version = Threshold(agency=agency, recorded_at=_next_moment(agency, now), **asdict(scope), **columns)
    version.threshold_id = previous.threshold_id if previous else version.id
    version.save(force_insert=True)
    return version, previous is None


def delete(*, threshold: Threshold, now: datetime) -> None:
    """Delete the threshold. Repeating it changes nothing. Requires a transaction."""
    _lock_agency(threshold.agency)
    versions = query_current(agency=threshold.agency).filter(threshold_id=threshold.threshold_id)
    current = versions.values().first()
    if current:
        moment = _next_moment(threshold.agency, now)
        # A version like any other, so that an earlier `known_at` still finds the threshold.
        Threshold.objects.create(
            **current | {"id": Threshold().id, "is_removed": True, "recorded_at": moment}
        )


def previous_version(*, version: Threshold) -> Threshold | None:
    """Return the version that this one replaced."""
    older = Threshold.objects.filter(
        agency_id=version.agency_id, threshold_id=version.threshold_id, recorded_at__lt=version.recorded_at
    )
    return older.order_by("-recorded_at").first()


def _lock_agency(agency: Agency) -> None:
    """Lock the agency until the transaction ends, so that thresholds are written one after another."""
    Agency.objects.locked(agency_id=agency.pk)


def _next_moment(agency: Agency, now: datetime) -> datetime:
    """Return a moment after that of every version of the agency, whatever the clocks of the machines say."""
    # Without the caller's account limit: versions of accounts that the caller cannot see count too.
    with context.agency(agency.pk):
        last = Threshold.objects.filter(agency=agency).aggregate(moment=Max("recorded_at"))["moment"]
    return now if last is None or now > last else last + A_MOMENT


def _validate(scope: Scope, settings: ThresholdSettings, now: datetime) -> None:
    metric = CATALOGUE[scope.metric]
    if scope.channel and scope.channel not in metric.channels:
        channels = " and ".join(f"`{channel}`" for channel in metric.channels)
        raise InvalidThreshold("channel", f"`{metric.code}` is measured in {channels}.")
    rules = list(_rules(scope, now))
    if not rules:
        raise InvalidThreshold("marketplace", f"`{metric.code}` is not measured in {scope.marketplace}.")
    for rule in rules:
        target = build_limit(rule.comparator, rule.limit_numerator, rule.limit_denominator)
        _validate_limits(metric, target, settings)


def _validate_limits(metric: Metric, target: Limit | None, settings: ThresholdSettings) -> None:
    side = target.comparator if target else Comparator.LT
    clear_at = settings.warn_at if settings.clear_at is None else settings.clear_at
    warn, clear = (Limit(side, *value.as_integer_ratio()) for value in (settings.warn_at, clear_at))
    if target and not is_as_strict(warn, target):
        reason = f"`warn_at` must be at least as strict as Amazon's target ({_text(target, metric)})."
        raise InvalidThreshold("warn_at", f"{reason} You sent {_number(warn, metric)}.")
    if not can_be_met(warn, is_share=metric.is_counted):
        raise InvalidThreshold("warn_at", f"No rate can be {_text(warn, metric)}.")
    if not is_as_strict(clear, warn):
        reason = f"`clear_at` must be at least as strict as `warn_at` ({_text(warn, metric)})."
        raise InvalidThreshold("clear_at", f"{reason} You sent {_number(clear, metric)}.")
    if not can_be_met(clear, is_share=metric.is_counted):
        raise InvalidThreshold("clear_at", f"No rate can be {_text(clear, metric)}.")


def _text(limit: Limit, metric: Metric) -> str:
    return f"{WORDS[limit.comparator]} {_number(limit, metric)}"


def _number(limit: Limit, metric: Metric) -> str:
    """Return the limit's number as users read it: rates as a percentage, scores and counts as they are."""
    return f"{limit.value:.4%}".rstrip("0%").rstrip(".") + " %" if metric.is_counted else f"{limit.value:g}"


def _rules(scope: Scope, now: datetime) -> Iterator[MetricRule]:
    """Yield Amazon's rules in force: that of each marketplace in the scope, and the one of all others."""
    rules = MetricRule.objects.filter(metric=scope.metric, effective_from__lte=now.date())
    # In this order, a later rule replaces an earlier one of its marketplace.
    newest = {rule.marketplace: rule for rule in rules.order_by("effective_from")}
    if scope.marketplace:
        rule = newest.get(scope.marketplace) or newest.get("*")
        newest = {scope.marketplace: rule} if rule else {}
    yield from newest.values()
