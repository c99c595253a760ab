"""Find the carrier, product or reason that has too many defects in several accounts of an agency.

1. Take the series with defects in their current window, those with the most defects first.
2. Group the orders behind each.
3. Compare each group that is in several accounts with what the rates of these accounts let expect. Few defects in each
   account can be many together.
4. Correct for the number of groups tried.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from accounts.models import SellerAccount
from metrics.drilldown import causes
from metrics.drilldown.causes import Causes
from metrics.models import CurrentValue
from metrics.rules.association import Share, benjamini_hochberg, expected_defects, stratified_p
from metrics.rules.catalogue.metric import Metric
from metrics.rules.series import Window

MAX_SERIES = 200
"""How many series are grouped for one response."""
MIN_ACCOUNTS = 2
MAX_Q = 0.1


@dataclass(frozen=True, slots=True)
class Stratum:
    """Describe a group's orders in one series, all orders of the series, and its account."""

    account: SellerAccount
    marketplace: str
    channel: str
    share: Share
    total: Share

    @property
    def expected(self) -> float:
        return expected_defects([(self.share, self.total)])


@dataclass(frozen=True, slots=True)
class CommonCause:
    """Describe a group with more defects than expected in at least MIN_ACCOUNTS accounts, and its series."""

    key: str
    label: str
    strata: tuple[Stratum, ...]
    p_value: float
    q_value: float

    @property
    def share(self) -> Share:
        return Share(
            sum(each.share.defects for each in self.strata), sum(each.share.orders for each in self.strata)
        )

    @property
    def expected(self) -> float:
        return sum(each.expected for each in self.strata)


@dataclass(frozen=True, slots=True)
class PortfolioCauses:
    """Describe the common causes, the most significant first, and what was compared.

    `series` have defects. `left_out` of them have fewer defects than the others, and were not grouped.
    """

    causes: tuple[CommonCause, ...]
    tried: int
    series: int
    left_out: int


def query(
    *, agency_id: UUID, metric: Metric, by: str, known_at: datetime, marketplace: str | None = None
) -> PortfolioCauses:
    """Return the common causes of a metric's defects in the current windows of the visible accounts."""
    series = _series_with_defects(agency_id, metric, marketplace)
    accounts = (
        SellerAccount.objects.present()
        .select_related("agency")
        .in_bulk({each.account_id for each in series[:MAX_SERIES]})
    )
    strata: defaultdict[str, list[Stratum]] = defaultdict(list)
    labels: dict[str, str] = {}
    for value in series[:MAX_SERIES]:
        account = accounts.get(value.account_id)
        if account is None:
            continue
        found = _groups(account, metric, by, value, known_at)
        for group in found.groups:
            if group.key:
                strata[group.key].append(
                    Stratum(account, value.marketplace, value.channel, group.share, found.total)
                )
                labels.setdefault(group.key, group.label)
    common = find_common(strata)
    return PortfolioCauses(
        tuple(
            CommonCause(key, labels[key], tuple(strata[key]), p_value, q_value)
            for key, p_value, q_value in common.found
        ),
        common.tried,
        len(series),
        max(0, len(series) - MAX_SERIES),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """Name the significant groups with their p-value and q-value, and the number of groups tried."""

    found: tuple[tuple[str, float, float], ...]
    tried: int


def find_common(strata: dict[str, list[Stratum]]) -> Found:
    """Return the groups that have significantly more defects than expected, the most significant first. Pure."""
    tried = [key for key, each in strata.items() if len({one.account.pk for one in each}) >= MIN_ACCOUNTS]
    p_values = [stratified_p((each.share, each.total) for each in strata[key]) for key in tried]
    rated = zip(tried, p_values, benjamini_hochberg(p_values), strict=True)
    found = [(key, p, q) for key, p, q in rated if q < MAX_Q and _affected(strata[key]) >= MIN_ACCOUNTS]
    return Found(tuple(sorted(found, key=lambda each: (each[1], each[0]))), len(tried))


def _affected(strata: Iterable[Stratum]) -> int:
    """Return the number of accounts with more defects than expected."""
    return len({each.account.pk for each in strata if each.share.defects > each.expected})


def _series_with_defects(agency_id: UUID, metric: Metric, marketplace: str | None) -> Sequence[CurrentValue]:
    values = CurrentValue.objects.filter(agency_id=agency_id, metric=metric.code, denominator__gt=0)
    if marketplace:
        values = values.filter(marketplace=marketplace)
    with_defects = [value for value in values if _defects(value, metric)]
    return sorted(
        with_defects,
        key=lambda value: (-_defects(value, metric), value.account_id, value.marketplace, value.channel),
    )


def _defects(value: CurrentValue, metric: Metric) -> int:
    return value.denominator - value.numerator if metric.counts_good else value.numerator


def _groups(
    account: SellerAccount, metric: Metric, by: str, value: CurrentValue, known_at: datetime
) -> Causes:
    window = Window(value.window_from, value.window_to, _days(value.window_from, value.window_to), 0)
    return causes.query(
        account=account,
        metric=metric,
        by=by,
        window=window,
        marketplace=value.marketplace,
        channel=value.channel,
        known_at=known_at,
    )


def _days(first: date, last: date) -> int:
    return (last - first).days + 1
