"""The warning lines that agencies draw themselves: set, taken away, and followed by their accounts.

Amazon's target is judged besides, whatever an agency sets. An account takes new versions over as a whole, in one transaction,
and remembers since when: an answer as known before then is given by the lines of before. The versions of an agency are written
one after another, so that none appears among those that an account follows already.
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
from metrics.rules.definitions import CATALOGUE
from metrics.rules.judgement import Comparator, Limit, limit_of
from metrics.rules.threshold_rules import can_be_kept, is_as_strict

A_MOMENT = timedelta(microseconds=1)


class NotALine(Exception):
    """`field` cannot be this; `reason` says why, for people."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which series a threshold is of: None and '' are all."""

    metric: str
    account_id: UUID | None = None
    marketplace: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """What a threshold asks for. Without `clear_at` it is clear where it is not missed."""

    warn_at: Decimal
    clear_at: Decimal | None = None
    for_days: int = 0
    keep_days: int = 0
    min_denominator: int = 0

    def columns(self) -> dict[str, Any]:
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


def current(*, agency: Agency) -> QuerySet[Threshold]:
    """The newest version of each threshold of the agency that is not removed, but for those of handed-back accounts."""
    newer = Threshold.objects.filter(
        agency_id=OuterRef("agency_id"), threshold_id=OuterRef("threshold_id"), recorded_at__gt=OuterRef("recorded_at")
    )
    present = SellerAccount.objects.present().filter(agency=agency).values("pk")
    standing = Threshold.objects.filter(~Exists(newer), agency=agency, is_removed=False)
    return standing.filter(Q(account_id=None) | Q(account_id__in=present))


def put(*, agency: Agency, scope: Scope, asks: Asks, now: datetime) -> tuple[Threshold, bool]:
    """The threshold of this scope, and whether it is new. What it asked for already is no new version. Raises NotALine."""
    _check(scope, asks, now)
    _in_turn(agency)
    before = current(agency=agency).filter(**asdict(scope)).first()
    asked = asks.columns()
    if before and all(getattr(before, name) == value for name, value in asked.items()):
        return before, False
    version = Threshold(agency=agency, recorded_at=_next_moment(agency, now), **asdict(scope), **asked)
    version.threshold_id = before.threshold_id if before else version.id
    version.save(force_insert=True)
    return version, before is None


def remove(*, threshold: Threshold, now: datetime) -> None:
    """The threshold asks for nothing any more. A second time changes nothing."""
    _in_turn(threshold.agency)
    before = current(agency=threshold.agency).filter(threshold_id=threshold.threshold_id).values().first()
    if before:
        moment = _next_moment(threshold.agency, now)
        Threshold.objects.create(**before | {"id": Threshold().id, "is_removed": True, "recorded_at": moment})


def before(*, version: Threshold) -> Threshold | None:
    """The version that this one replaced."""
    older = Threshold.objects.filter(
        agency_id=version.agency_id, threshold_id=version.threshold_id, recorded_at__lt=version.recorded_at
    )
    return older.order_by("-recorded_at").first()


def _in_turn(agency: Agency) -> None:
    """Hold the agency until the transaction ends: thresholds are written one after another."""
    Agency.objects.locked(agency_id=agency.pk)


def _next_moment(agency: Agency, now: datetime) -> datetime:
    with context.agency(agency.pk):  # also after those of accounts that who asks does not see
        last = Threshold.objects.filter(agency=agency).aggregate(moment=Max("recorded_at"))["moment"]
    return now if last is None or now > last else last + A_MOMENT


def _check(scope: Scope, asks: Asks, now: datetime) -> None:
    metric = CATALOGUE[scope.metric]
    if scope.channel and scope.channel not in metric.channels:
        raise NotALine("channel", f"This metric has {' and '.join(metric.channels)}.")
    rules = list(_rules(scope, now))
    if not rules:
        raise NotALine("marketplace", "This metric is not kept in this marketplace.")
    for rule in rules:
        _check_against(limit_of(rule.comparator, rule.limit_numerator, rule.limit_denominator), asks, is_share=metric.is_counted)


def _check_against(target: Limit | None, asks: Asks, *, is_share: bool) -> None:
    side = target.comparator if target else Comparator.LT
    line = Limit(side, *asks.warn_at.as_integer_ratio())
    clear = line if asks.clear_at is None else Limit(side, *asks.clear_at.as_integer_ratio())
    if target and not is_as_strict(line, target):
        raise NotALine("warn_at", f"Amazon's target is {side} {target.value:g}: a line of your own is at least as strict.")
    if not can_be_kept(line, is_share=is_share):
        raise NotALine("warn_at", "No rate keeps this line.")
    if not is_as_strict(clear, line):
        raise NotALine("clear_at", "It is on the good side of `warn_at`, or the same.")
    if not can_be_kept(clear, is_share=is_share):
        raise NotALine("clear_at", "No rate keeps this line.")


def _rules(scope: Scope, now: datetime) -> Iterator[MetricRule]:
    """Amazon's rules in force that the scope reaches: one a marketplace that has its own, and that of all others."""
    rules = MetricRule.objects.filter(metric=scope.metric, effective_from__lte=now.date())
    newest = {rule.marketplace: rule for rule in rules.order_by("effective_from")}
    if scope.marketplace:
        own = newest.get(scope.marketplace) or newest.get("*")
        newest = {scope.marketplace: own} if own else {}
    yield from newest.values()
