"""The blocks of a V2 performance report, each a figure or a few, by the names of the official schema. Pure.

Source: https://github.com/amzn/selling-partner-api-models/blob/main/schemas/reports/accountHealthReport-2020-11-18.json
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import performance_figures
from ingestion.reports.exact_json import Number
from ingestion.reports.performance_figures import Figure, Target, Window
from ingestion.reports.report_type import quote_value
from metrics.rules.facts import Channel, ReportedFact

Block = dict[str, Any]
"""An object by the names that its fields are compared by, without those that are null."""

SYNONYMS = {
    "ahrstatus": "accounthealthratingstatus",
    "documentrequest": "documentrequests",
    "prefulfillmentcancelrate": "prefulfillmentcancellationrate",
    "warningstate": "warningstates",
}
"""How the schema's examples and its `required` spell what its properties spell otherwise."""


class RateBlock(NamedTuple):
    """How a block tells a rate: its metric, the fields of its counts, and whether it counts what went wrong."""

    metric: str
    numerator: str
    denominator: str
    is_of_defects: bool = True


LATE_30 = RateBlock("late_shipment_rate_30d", "lateshipmentcount", "ordercount")
LATE_10 = LATE_30._replace(metric="late_shipment_rate_10d")
DEFECTIVE = RateBlock("order_defect_rate", "orderwithdefects", "ordercount")
RATE_BLOCKS = {
    "lateshipmentrate": LATE_30,
    "prefulfillmentcancellationrate": RateBlock("pre_fulfillment_cancel_rate", "cancellationcount", "ordercount"),
    "validtrackingrate": RateBlock("valid_tracking_rate", "validtrackingcount", "shipmentcount", is_of_defects=False),
    "invoicedefectrate": RateBlock("invoice_defect_rate", "invoicedefect", "ordercount"),
}
IN_UNITS = RateBlock("on_time_delivery_rate", "unitontimedeliverycount", "totalunitcount", is_of_defects=False)
IN_PACKAGES = RateBlock("on_time_delivery_rate", "ontimedeliverycount", "shipmentcountwithvalidtracking", is_of_defects=False)
PARTS = {"negativefeedback": "negative_feedback_rate", "claims": "a_to_z_claim_rate", "chargebacks": "chargeback_rate"}
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
        "customerProductReviewsPolicyViolations",  # in live reports, not in the schema
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplaceBlocks:
    """One marketplace of a report, and the window of each figure told of it so far."""

    code: str
    reported_at: datetime
    latest: datetime
    told: dict[tuple[str, str], Window] = field(default_factory=dict)

    @property
    def shares(self) -> Mapping[str, RateBlock]:
        """The blocks of rates. Amazon judges on-time delivery by units in the US, by packages elsewhere."""
        on_time = {"unitontimedeliveryrate": IN_UNITS} if self.code == "US" else {"ontimedeliveryrate": IN_PACKAGES}
        return RATE_BLOCKS | on_time

    def state(self, *told: Figure) -> list[ReportedFact]:
        """These figures of one block as facts. Raises BadRow where the first of them was told before."""
        first = told[0]
        if (first.metric, first.channel) in self.told:
            raise InvalidRow(f"{first.metric} appears twice; the first one is used.")
        self.told[first.metric, first.channel] = first.window
        return [performance_figures.build_fact(figure, marketplace=self.code, reported_at=self.reported_at) for figure in told]


def normalize_name(name: str) -> str:
    """A field's name as names are compared."""
    return SYNONYMS.get(name.lower(), name.lower())


def iterate_fields(value: Any) -> Iterator[tuple[str, Any]]:
    """The fields of an object that are not null, by the names they are compared by. Raises BadRow for what is no object."""
    if not isinstance(value, dict):
        raise InvalidRow("The block is not an object.")
    return ((normalize_name(name), each) for name, each in value.items() if each is not None)


def normalize_block(value: Any) -> Block:
    """An object by its fields; of two spellings of one the first. Raises BadRow."""
    found = Block()
    for name, each in iterate_fields(value):
        found.setdefault(name, each)
    return found


def parse_rate(value: Any, market: MarketplaceBlocks, told: RateBlock) -> list[ReportedFact]:
    """A rate of Amazon's, seller-fulfilled."""
    return market.state(_rate(normalize_block(value), market, told, Channel.MFN))


def parse_late_shipments(value: Any, market: MarketplaceBlocks) -> list[ReportedFact]:
    """One window of the live `lateShipmentRateList`; nothing where `lateShipmentRate` told the same one."""
    found = normalize_block(value)
    told = LATE_10 if _window(found, market).days == 10 else LATE_30
    figure = _rate(found, market, told, Channel.MFN)
    return [] if market.told.get((figure.metric, figure.channel)) == figure.window else market.state(figure)


def parse_order_defects(value: Any, market: MarketplaceBlocks, channel: Channel) -> list[ReportedFact]:
    """The order defect rate and its parts, of which only counts are told.

    Where the block stands says the channel: the official example calls both of them mfn.
    """
    found = normalize_block(value)
    whole = _rate(found, market, DEFECTIVE, channel)
    parts = [
        Figure(
            metric=metric,
            channel=channel.value,
            numerator=_count(normalize_block(found[name]), "count"),
            denominator=whole.denominator,
            status=performance_figures.normalize_status(normalize_block(found[name]).get("status")),
            window=whole.window,
        )
        for name, metric in PARTS.items()
        if name in found
    ]
    flags = [*performance_figures.check_parts(whole.numerator, [part.numerator for part in parts])]
    said = found.get("fulfillmenttype", channel.value)
    if not isinstance(said, str) or said.lower() != channel:
        called = quote_value(said) if isinstance(said, str) else "otherwise"
        flags.append(f"It is listed under {channel} but says {called}; the former is used.")
    return market.state(replace(whole, flags=tuple(flags)), *parts)


def parse_counter(value: Any, market: MarketplaceBlocks, metric: str, name: str) -> list[ReportedFact]:
    """A count of violations, complaints or warnings."""
    found = normalize_block(value)
    number = _count(found, name)
    return market.state(
        Figure(
            metric=metric,
            channel=Channel.ALL.value,
            numerator=number,
            denominator=None if number is None else 1,
            status=performance_figures.normalize_status(found.get("status")),
            window=_window(found, market),
            target=_target(found),
            is_share=False,
        )
    )


def parse_rating(value: Any, market: MarketplaceBlocks) -> list[ReportedFact]:
    """The account health rating; its score is in live reports, not in the schema."""
    found = normalize_block(value)
    score = _count(found, "ahrscore")
    return market.state(
        Figure(
            metric="account_health_rating",
            channel=Channel.ALL.value,
            numerator=score,
            denominator=None if score is None else 1,
            status=performance_figures.normalize_status(found.get("accounthealthratingstatus", found.get("status"))),
            window=_window(found, market),
            is_share=False,
        )
    )


def _rate(found: Block, market: MarketplaceBlocks, told: RateBlock, channel: Channel) -> Figure:
    number = found.get(told.numerator)
    numerator = _count(normalize_block(number), "count") if isinstance(number, dict) else _count(found, told.numerator)
    if numerator is None and told.is_of_defects:
        numerator = _count(found, "defectscount")
    rate = _number(found, "rate")
    if rate is not None and rate < 0:
        raise InvalidRow(f"The rate {rate} is below 0.")
    return Figure(
        metric=told.metric,
        channel=channel.value,
        numerator=numerator,
        denominator=_count(found, told.denominator),
        rate=rate,
        status=performance_figures.normalize_status(found.get("status")),
        window=_window(found, market),
        target=_target(found),
    )


def _window(found: Block, market: MarketplaceBlocks) -> Window:
    told = normalize_block(found.get("reportingdaterange", {}))
    ends = [told.get(name) for name in ("reportingdatefrom", "reportingdateto")]
    if not all(end is None or isinstance(end, str) for end in ends):
        raise InvalidRow("A day of its reportingDateRange is not a string.")
    return performance_figures.parse_window(*ends, latest=market.latest)


def _target(found: Block) -> Target:
    """A target as it is told: a number, or in an object (third parties store it so); of any other nothing is known."""
    value = found.get("targetvalue")
    if isinstance(value, dict):
        value = normalize_block(value).get("value")
    try:
        number = None if value is None else _worth(value, "target")
    except InvalidRow as bad:
        return Target(flags=(f"The target is ignored. {bad.reason}",))
    return performance_figures.build_target(
        number, performance_figures.normalize_word(found.get("targetcondition"), "targetCondition")
    )


def _count(found: Block, name: str) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, Number):
        raise InvalidRow(f"Its {name} is not a number.")
    return performance_figures.parse_count(value.text, name)


def _number(found: Block, name: str) -> Decimal | None:
    value = found.get(name)
    return None if value is None else _worth(value, name)


def _worth(value: Any, name: str) -> Decimal:
    if not isinstance(value, Number):
        raise InvalidRow(f"Its {name} is not a number.")
    return performance_figures.parse_decimal(value.text, name)
