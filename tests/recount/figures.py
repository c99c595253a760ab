"""Compute the figures of windows, and compare them with targets."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tests.clock import TODAY
from tests.recount import counted_rows, judgement
from tests.recount.counted_rows import BUSINESS_OTDR, CountedRow
from tests.recount.judgement import Package
from tests.recount.knowledge import Knowledge
from tests.recount.statements import ASINS

ODR, PCR, OTDR = "order_defect_rate", "pre_fulfillment_cancel_rate", "on_time_delivery_rate"
PARTS = {
    "negative_feedback": "negative_feedback_rate",
    "a_to_z_claims": "a_to_z_claim_rate",
    "chargebacks": "chargeback_rate",
}


@dataclass(frozen=True)
class Rule:
    """Describe a window of `days` that ends `offset` days ago, and a target: comparator, and a fraction as two
    integers. A missed target below the `minimum` is only near."""

    days: int
    offset: int
    target: tuple[str, int, int] | None = None
    units: bool = False
    minimum: int = 0
    since: date = date.min

    def window(self, as_of: date) -> tuple[date, date]:
        """Return the first and the last day of the window."""
        return as_of - timedelta(days=self.offset + self.days - 1), as_of - timedelta(days=self.offset)

    def leaves_on(self, day: date) -> date:
        """Return the first day whose window does not contain this one."""
        return day + timedelta(days=self.days + self.offset)

    def is_met(self, numerator: int, denominator: int) -> bool | None:
        """Return whether the target is met exactly as stated; None without a target or orders."""
        if self.target is None or not denominator:
            return None
        comparator, limit_numerator, limit_denominator = self.target
        rate, limit = numerator * limit_denominator, limit_numerator * denominator
        return {"lt": rate < limit, "gt": rate > limit, "gte": rate >= limit}[comparator]

    def is_near(self, numerator: int, denominator: int) -> bool:
        """Return whether three quarters of the allowed defects are used, or more than that for a lower limit."""
        if self.target is None:
            return False
        comparator, limit_numerator, limit_denominator = self.target
        if comparator == "lt":
            return bool(numerator) and 4 * numerator * limit_denominator >= 3 * limit_numerator * denominator
        used = 4 * (denominator - numerator) * limit_denominator
        allowed = 3 * (limit_denominator - limit_numerator) * denominator
        return used > allowed or (comparator == "gt" and used == allowed)

    def status(self, numerator: int, denominator: int) -> str:
        """Return the status of two counts."""
        if not denominator:
            return "no_data"
        if self.is_met(numerator, denominator) is False:
            return "breached" if denominator >= self.minimum else "at_risk"
        return "at_risk" if self.is_near(numerator, denominator) else "healthy"


RULES = {
    ODR: Rule(60, 15, ("lt", 1, 100)),
    "negative_feedback_rate": Rule(60, 15),
    "a_to_z_claim_rate": Rule(60, 15),
    "chargeback_rate": Rule(60, 15),
    "late_shipment_rate_10d": Rule(10, 0, ("lt", 4, 100)),
    "late_shipment_rate_30d": Rule(30, 0, ("lt", 4, 100)),
    PCR: Rule(7, 1, ("lt", 25, 1000)),
    "valid_tracking_rate": Rule(30, 10, ("gte", 95, 100)),
    OTDR: Rule(30, 10, ("gt", 97, 100)),
    BUSINESS_OTDR: Rule(14, 7, ("gte", 90, 100), units=True, since=date(2026, 9, 30)),
    "invoice_defect_rate": Rule(7, 7, ("lt", 5, 100)),
    "message_response_rate_24h": Rule(30, 0, ("gte", 90, 100)),
    "return_dissatisfaction_rate": Rule(30, 0, ("lt", 10, 100)),
    "return_rate": Rule(60, 15),
}
IN_UNITS = Rule(14, 7, ("gte", 90, 100), units=True)
RULES_BY_MARKETPLACE = {
    (OTDR, "US"): (date(2024, 9, 25), IN_UNITS),
    (OTDR, "GB"): (date(2025, 9, 16), replace(IN_UNITS, minimum=20)),
    (OTDR, "DE"): (date(2026, 9, 1), IN_UNITS),
}
"""The first day of each rule, and the rule."""
OF_PACKAGES = {"valid_tracking_rate", OTDR, BUSINESS_OTDR}
DISSATISFACTION = "return_dissatisfaction_rate"
KINDS_OF = {
    ODR: ("feedback", "a_to_z_claim", "chargeback"),
    "negative_feedback_rate": ("feedback",),
    "a_to_z_claim_rate": ("a_to_z_claim",),
    "chargeback_rate": ("chargeback",),
}
"""The kinds of defects that a metric counts."""
COUNTS_GOOD = OF_PACKAGES | {"message_response_rate_24h"}
SEVERITY = ("breached", "at_risk", "undecided", "healthy", "no_data")
METRICS = tuple(RULES)
BOTH_CHANNELS = {ODR, "negative_feedback_rate", "a_to_z_claim_rate", "chargeback_rate", "return_rate"}


def channels_of(metric: str) -> tuple[str, ...]:
    """Return the channels in which a metric is judged."""
    if metric == "message_response_rate_24h":
        return ("all",)
    return ("mfn", "afn") if metric in BOTH_CHANNELS else ("mfn",)


def rule_of(metric: str, marketplace: str, as_of: date = TODAY) -> Rule:
    first, rule = RULES_BY_MARKETPLACE.get((metric, marketplace), (date.max, RULES[metric]))
    return rule if as_of >= first else RULES[metric]


class Recount:
    """Compute every figure of every metric and day as a sum of counted rows."""

    def __init__(self, known: Knowledge) -> None:
        self.unmatched = known.unmatched()
        self._lines = {
            metric: list(build_rows(known)) for metric, build_rows in counted_rows.BUILDERS.items()
        }
        self._open = {
            metric: list(build_rows(known)) for metric, build_rows in counted_rows.OPEN_BUILDERS.items()
        }

    def days(self, metric: str) -> list[date]:
        """Return the days on which anything counts into the metric."""
        return sorted({line.day for line in self._lines[metric]})

    def listed(self, metric: str, *, as_of: date) -> list[CountedRow]:
        """Return the rows of each marketplace's and channel's window, which make the denominator."""
        return [
            line
            for line in self._lines[metric]
            if _is_inside(line, rule_of(metric, line.marketplace, as_of), as_of)
        ]

    def figures(self, metric: str, marketplace: str, channel: str, *, as_of: date) -> tuple[int, int]:
        """Return numerator and denominator."""
        inside = [
            line
            for line in self.listed(metric, as_of=as_of)
            if (line.marketplace, line.channel) == (marketplace, channel)
        ]
        units = [line.units if rule_of(metric, marketplace, as_of).units else 1 for line in inside]
        return sum(n for n, line in zip(units, inside, strict=True) if line.counted), sum(units)

    def ends(
        self, metric: str, marketplace: str, channel: str, *, as_of: date
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the figures if everything that is open turned out well, and if it turned out badly."""
        numerator, denominator = self.figures(metric, marketplace, channel, as_of=as_of)
        rule = rule_of(metric, marketplace, as_of)
        inside = [
            line
            for line in self._open.get(metric, [])
            if (line.marketplace, line.channel) == (marketplace, channel) and _is_inside(line, rule, as_of)
        ]
        number = sum(line.units if rule.units else 1 for line in inside)
        outside = sum(line.units if rule.units else 1 for line in inside if not line.counted)
        with_all = numerator + number, denominator + outside
        if metric in COUNTS_GOOD:
            return with_all, (numerator, denominator + outside)
        return (numerator, denominator), with_all

    def parts(self, marketplace: str, channel: str, *, as_of: date) -> dict[str, int]:
        """Return how many orders have a counted defect of each kind."""
        return {
            part: self.figures(metric, marketplace, channel, as_of=as_of)[0] for part, metric in PARTS.items()
        }

    def unexplained(self, marketplace: str, *, as_of: date) -> int:
        """Return how many cancelled orders have no known canceller."""
        return sum(
            line.marketplace == marketplace and _is_inside(line, RULES[PCR], as_of)
            for line in self._open[PCR]
        )

    def is_met(self, metric: str, marketplace: str, channel: str, *, as_of: date) -> bool | None:
        """Return whether the target is met, None if the two ends differ."""
        rule = rule_of(metric, marketplace, as_of)
        best, worst = self.ends(metric, marketplace, channel, as_of=as_of)
        return rule.is_met(*best) if rule.is_met(*best) is rule.is_met(*worst) else None

    def status(self, metric: str, marketplace: str, channel: str, *, as_of: date) -> str:
        """Return the status as the API names it."""
        rule = rule_of(metric, marketplace, as_of)
        best, worst = (rule.status(*end) for end in self.ends(metric, marketplace, channel, as_of=as_of))
        return best if best == worst else min(best, "undecided", key=SEVERITY.index)


def history(
    recount: Recount, metric: str, marketplace: str, channel: str, *, days: Iterable[date]
) -> dict[date, tuple[int, int]]:
    """Return the figures of each day with data."""
    each = {as_of: recount.figures(metric, marketplace, channel, as_of=as_of) for as_of in days}
    return {as_of: figures for as_of, figures in each.items() if figures[1]}


def groups(
    recount: Recount, known: Knowledge, by: str, metric: str, marketplace: str, channel: str, *, as_of: date
) -> tuple[int, dict[str | None, tuple[int, int, int, int]]]:
    """Return how many rows have several keys, and the rows and defects of each key, all and exclusive."""
    mixed, found = 0, defaultdict[str | None, list[int]](lambda: [0, 0, 0, 0])
    for line in recount.listed(metric, as_of=as_of):
        if (line.marketplace, line.channel) != (marketplace, channel):
            continue
        keys = set(filter(None, KEYS[by](known, metric, line)))
        mixed += len(keys) > 1
        defective = line.counted != (metric in COUNTS_GOOD)
        for key in keys or [None]:
            own = len(keys) <= 1
            for place, number in enumerate((1, defective, own, own and defective)):
                found[key][place] += number
    return mixed, {key: (a, b, c, d) for key, (a, b, c, d) in found.items()}


def _packages(known: Knowledge, metric: str, line: CountedRow) -> list[Package]:
    """Return the packages of a row: one itself, or all of its order."""
    return [
        package
        for package in known.packages
        if package.order_id == line.order_id
        and (metric not in OF_PACKAGES or package.package == line.reference)
    ]


def _reasons(known: Knowledge, metric: str, line: CountedRow) -> Iterator[str]:
    """Return the reasons of the returns of an order or of one request, and of the defects that the metric counts."""
    for item in known.return_items:
        is_own = metric != DISSATISFACTION or item.reference == line.reference
        if item.order_id == line.order_id and is_own:
            yield item.reason_code
    for row in known.defects.get(str(line.order_id), []):
        if row.counts and row.kind in KINDS_OF.get(metric, ()):
            yield judgement.reason_code(row.reason_code)


Keys = Callable[[Knowledge, str, CountedRow], Iterable[str | None]]
KEYS: dict[str, Keys] = {
    "carrier": lambda known, metric, line: (each.carrier for each in _packages(known, metric, line)),
    "sku": lambda known, _, line: known.items.get(str(line.order_id), ()),
    "asin": lambda known, _, line: (ASINS[sku] for sku in known.items.get(str(line.order_id), ())),
    "reason": _reasons,
    "fulfilment_day": lambda known, metric, line: (
        each.shipped_on.isoformat() for each in _packages(known, metric, line) if each.shipped_on
    ),
}
"""How to find what a row has in common with others, by dimension."""


def _is_inside(line: CountedRow, rule: Rule, as_of: date) -> bool:
    first, last = rule.window(as_of)
    return as_of >= rule.since and first <= line.day <= last
