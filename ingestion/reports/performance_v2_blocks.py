"""Name the blocks of a V2 performance report, as in the official schema, and parse each into one or more
figures. Pure.

Source:
https://github.com/amzn/selling-partner-api-models/blob/main/schemas/reports/accountHealthReport-2020-11-18.json
"""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import performance_figures
from ingestion.reports.exact_json import Number
from ingestion.reports.performance_figures import Figure, Target, Window
from ingestion.reports.quoting import quote_value
from metrics.rules.amazon_rules import RULES
from metrics.rules.facts import Channel, ReportedFact

Block = dict[str, Any]
"""The fields of an object by their normalized names, without nulls."""

SYNONYMS = {
    "ahrstatus": "accounthealthratingstatus",
    "documentrequest": "documentrequests",
    "prefulfillmentcancelrate": "prefulfillmentcancellationrate",
    "warningstate": "warningstates",
}
"""Names that the schema's examples and `required` lists spell differently from its properties."""


class RateBlock(NamedTuple):
    """Describe a block with a rate: its metric, the fields of its counts, and whether the numerator counts
    defects.
    """

    metric: str
    numerator: str
    denominator: str
    is_of_defects: bool = True
    flags: tuple[str, ...] = ()


ORDER_DEFECTS, LATE_LIST, RATING, WARNING_STATES = (
    "orderdefectrate",
    "lateshipmentratelist",
    "accounthealthrating",
    "warningstates",
)
LATE_30 = RateBlock("late_shipment_rate_30d", "lateshipmentcount", "ordercount")
LATE_10 = LATE_30._replace(metric="late_shipment_rate_10d")
DEFECTIVE = RateBlock("order_defect_rate", "orderwithdefects", "ordercount")
RATE_BLOCKS = {
    "lateshipmentrate": LATE_30,
    "prefulfillmentcancellationrate": RateBlock(
        "pre_fulfillment_cancel_rate", "cancellationcount", "ordercount"
    ),
    "validtrackingrate": RateBlock(
        "valid_tracking_rate", "validtrackingcount", "shipmentcount", is_of_defects=False
    ),
    "invoicedefectrate": RateBlock("invoice_defect_rate", "invoicedefect", "ordercount"),
}
IN_UNITS = RateBlock(
    "on_time_delivery_rate", "unitontimedeliverycount", "totalunitcount", is_of_defects=False
)
IN_PACKAGES = RateBlock(
    "on_time_delivery_rate", "ontimedeliverycount", "shipmentcountwithvalidtracking", is_of_defects=False
)
UNITS, PACKAGES = "unitontimedeliveryrate", "ontimedeliveryrate"
ON_TIME = {UNITS: IN_UNITS, PACKAGES: IN_PACKAGES}
OTHER_UNIT = "The report has this rate only in the unit in which Amazon does not judge this marketplace."
# The marketplaces whose rule counts units (metrics/rules/amazon_rules.py).
COUNTS_UNITS = frozenset(
    rule.marketplace for rule in RULES if rule.metric == "on_time_delivery_rate" and rule.counts_units
)
USUAL_OFFSETS = {
    ORDER_DEFECTS: 15,
    "validtrackingrate": 10,
    PACKAGES: 10,
    UNITS: 7,
    "invoicedefectrate": 7,
    "prefulfillmentcancellationrate": 1,
}
"""How many days before the report the windows of these blocks end, by the rules of their metrics."""
PARTS = {
    "negativefeedback": "negative_feedback_rate",
    "claims": "a_to_z_claim_rate",
    "chargebacks": "chargeback_rate",
}
VIOLATIONS = {
    name.lower(): re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()
    for name in (
        "listingPolicyViolations",
        "productAuthenticityCustomerComplaints",
        "productConditionCustomerComplaints",
        "productSafetyCustomerComplaints",
        "receivedIntellectualPropertyComplaints",
        "restrictedProductPolicyViolations",
        "suspectedIntellectualPropertyViolations",
        "foodAndProductSafetyIssues",
        "otherPolicyViolations",
        "documentRequests",
        # In live reports, but not in the schema.
        "customerProductReviewsPolicyViolations",
    )
}
COUNTERS = {name: (metric, "defectscount") for name, metric in VIOLATIONS.items()} | {
    "policyviolationwarnings": ("policy_violation_warnings", "warningscount")
}
"""For each block with a count, its metric and the field with the count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplaceBlocks:
    """Store one marketplace of a report, with the window of each figure read so far."""

    code: str
    reported_at: datetime
    latest: datetime
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)

    def rate_blocks(self, names: Container[str]) -> Mapping[str, RateBlock]:
        """Return the blocks with rates, of the blocks that the marketplace has.

        Of the two on-time delivery rates, it is the one by which Amazon judges the marketplace, or the other
        one if the report lacks it.
        """
        usual, other = (UNITS, PACKAGES) if self.code in COUNTS_UNITS else (PACKAGES, UNITS)
        if usual in names or other not in names:
            return RATE_BLOCKS | {usual: ON_TIME[usual]}
        return RATE_BLOCKS | {other: ON_TIME[other]._replace(flags=(OTHER_UNIT,))}

    def build_facts(self, *figures: Figure) -> list[ReportedFact]:
        """Return the figures of one block as facts.

        Raises InvalidRow if the report had the first of them already.
        """
        first = figures[0]
        if (first.metric, first.channel) in self.windows:
            raise InvalidRow(f"{first.metric} appears twice; the first one is used.")
        self.windows[first.metric, first.channel] = first.window
        return [
            performance_figures.build_fact(figure, marketplace=self.code, reported_at=self.reported_at)
            for figure in figures
        ]


def normalize_name(name: str) -> str:
    """Return a field's name in the form in which names are compared."""
    return SYNONYMS.get(name.lower(), name.lower())


def iterate_fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Return the fields of an object with normalized names, without nulls.

    Raises InvalidRow if it is not an object.
    """
    if not isinstance(value, dict):
        raise InvalidRow("the block is not an object.")
    return (
        (normalize_name(name), field_value) for name, field_value in value.items() if field_value is not None
    )


def normalize_block(value: Any) -> Block:
    """Return the fields of an object; of two spellings of a name the first. Raises InvalidRow."""
    block = Block()
    for name, field_value in iterate_fields(value):
        # Not the last one, as a plain dict would: of two blocks of a figure the first is used as well.
        block.setdefault(name, field_value)
    return block


def parse_rate(value: Any, market: MarketplaceBlocks, rate_block: RateBlock) -> list[ReportedFact]:
    """Return the facts of a block with a rate of seller-fulfilled orders."""
    return market.build_facts(_rate(normalize_block(value), market, rate_block, Channel.MFN))


def parse_late_shipments(value: Any, market: MarketplaceBlocks) -> list[ReportedFact]:
    """Return the facts of one entry of `lateShipmentRateList`; none if `lateShipmentRate` has the same
    window.

    Live reports have this list; the schema does not.
    """
    block = normalize_block(value)
    rate_block = LATE_10 if _window(block, market).days == 10 else LATE_30
    figure = _rate(block, market, rate_block, Channel.MFN)
    return (
        []
        if market.windows.get((figure.metric, figure.channel)) == figure.window
        else market.build_facts(figure)
    )


def parse_order_defects(value: Any, market: MarketplaceBlocks, channel: Channel) -> list[ReportedFact]:
    """Return the order defect rate and its parts, for which only counts are stated."""
    # The channel is the field that contains the block. The block states one as well, but the official example
    # of Amazon has mfn in both.
    block = normalize_block(value)
    whole = _rate(block, market, DEFECTIVE, channel)
    parts = [
        Figure(
            metric=metric,
            channel=channel.value,
            numerator=_count(normalize_block(block[name]), "count"),
            denominator=whole.denominator,
            status=performance_figures.normalize_status(normalize_block(block[name]).get("status")),
            window=whole.window,
        )
        for name, metric in PARTS.items()
        if name in block
    ]
    flags = [*performance_figures.check_parts(whole.numerator, [part.numerator for part in parts])]
    stated_channel = block.get("fulfillmenttype", channel.value)
    if not isinstance(stated_channel, str) or stated_channel.lower() != channel:
        stated = quote_value(stated_channel) if isinstance(stated_channel, str) else "of another type"
        flags.append(f"The block of channel {channel} states channel {stated}; {channel} is used.")
    return market.build_facts(replace(whole, flags=tuple(flags)), *parts)


def parse_counter(value: Any, market: MarketplaceBlocks, metric: str, name: str) -> list[ReportedFact]:
    """Return the fact of a count of violations, complaints or warnings."""
    block = normalize_block(value)
    number = _count(block, name)
    return market.build_facts(
        Figure(
            metric=metric,
            channel=Channel.ALL.value,
            numerator=number,
            denominator=None if number is None else 1,
            status=performance_figures.normalize_status(block.get("status")),
            window=_window(block, market),
            target=_target(block),
            is_share=False,
        )
    )


def parse_rating(value: Any, market: MarketplaceBlocks) -> list[ReportedFact]:
    """Return the fact of the account health rating. Live reports have its score; the schema does not."""
    block = normalize_block(value)
    score = _count(block, "ahrscore")
    return market.build_facts(
        Figure(
            metric="account_health_rating",
            channel=Channel.ALL.value,
            numerator=score,
            denominator=None if score is None else 1,
            status=performance_figures.normalize_status(
                block.get("accounthealthratingstatus", block.get("status"))
            ),
            window=_window(block, market),
            is_share=False,
        )
    )


def _rate(block: Block, market: MarketplaceBlocks, rate_block: RateBlock, channel: Channel) -> Figure:
    number = block.get(rate_block.numerator)
    numerator = (
        _count(normalize_block(number), "count")
        if isinstance(number, dict)
        else _count(block, rate_block.numerator)
    )
    if numerator is None and rate_block.is_of_defects:
        numerator = _count(block, "defectscount")
    rate = _number(block, "rate")
    if rate is not None and rate < 0:
        raise InvalidRow(f"the rate {rate} is below 0.")
    return Figure(
        metric=rate_block.metric,
        channel=channel.value,
        numerator=numerator,
        denominator=_count(block, rate_block.denominator),
        rate=rate,
        status=performance_figures.normalize_status(block.get("status")),
        window=_window(block, market),
        target=_target(block),
        flags=rate_block.flags,
    )


def _window(block: Block, market: MarketplaceBlocks) -> Window:
    date_range = normalize_block(block.get("reportingdaterange", {}))
    ends = [date_range.get(name) for name in ("reportingdatefrom", "reportingdateto")]
    if not all(end is None or isinstance(end, str) for end in ends):
        raise InvalidRow("a day of `reportingDateRange` is not a text.")
    return performance_figures.parse_window(*ends, latest=market.latest)


def _target(block: Block) -> Target:
    """Return the target of a block: a number, or an object with a number. Any other value is ignored with a
    flag.
    """
    value = block.get("targetvalue")
    # Third parties store an object.
    if isinstance(value, dict):
        value = normalize_block(value).get("value")
    # A figure is worth more than its target, so a wrong target does not reject it.
    try:
        number = None if value is None else _worth(value, "target")
    except InvalidRow as error:
        return Target(flags=(f"The target was ignored: {error.reason}",))
    return performance_figures.build_target(
        number, performance_figures.normalize_word(block.get("targetcondition"), "targetCondition")
    )


def _count(block: Block, name: str) -> int | None:
    value = block.get(name)
    if value is None:
        return None
    if not isinstance(value, Number):
        raise _not_a_number(value, name, "a whole number")
    return performance_figures.parse_count(value.text, name)


def _number(block: Block, name: str) -> Decimal | None:
    value = block.get(name)
    return None if value is None else _worth(value, name)


def _worth(value: Any, name: str) -> Decimal:
    if not isinstance(value, Number):
        raise _not_a_number(value, name, "a number without a sign, such as 0.03 for 3 %")
    return performance_figures.parse_decimal(value.text, name)


def _not_a_number(value: Any, name: str, expected: str) -> InvalidRow:
    shown = quote_value(value) if isinstance(value, str) else "the value"
    return InvalidRow(f"`{name}`: {shown} is not a number; expected {expected}.", field=name)
