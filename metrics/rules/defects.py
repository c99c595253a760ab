"""Decide whether one defect counts, and why. Pure.

An order with several defects counts once: `metrics/rules/catalogue/rows` has one row for each order.

Sources: Seller Central help 200285170 (Order Defect Rate: 1-2 stars are negative, 3 is neutral), moderators
on sellercentral-europe.amazon.com (claims granted, refunded after filing, or on a cancelled order count),
Seller Central hub G202041210 (an appeal may reverse the metric and not the money: who paid never decides
whether a claim counts).
"""

from dataclasses import dataclass

from metrics.rules.facts import DefectKind

NEGATIVE_STARS = (1, 2)
ODR_KINDS = (DefectKind.FEEDBACK, DefectKind.A_TO_Z_CLAIM, DefectKind.CHARGEBACK)


@dataclass(frozen=True, slots=True)
class Ruling:
    """State whether a defect in a state counts, and the reason shown to users."""

    counts: bool
    reason: str


POSTED = "posted"
FEEDBACK_REMOVED = Ruling(counts=False, reason="Removed or struck-through feedback does not count.")
FEEDBACK_NEGATIVE = Ruling(counts=True, reason="Feedback of 1 or 2 stars is negative.")
FEEDBACK_NEUTRAL = Ruling(counts=False, reason="Feedback of 3 stars is neutral.")
FEEDBACK_POSITIVE = Ruling(counts=False, reason="Feedback of 4 or 5 stars is positive.")

STATES: dict[str, dict[str, Ruling]] = {
    DefectKind.FEEDBACK: {POSTED: FEEDBACK_NEGATIVE, "removed": FEEDBACK_REMOVED},
    DefectKind.A_TO_Z_CLAIM: {
        "pending": Ruling(counts=True, reason="A claim counts until Amazon decides it."),
        "granted": Ruling(counts=True, reason="A claim granted against the seller counts."),
        "refunded_by_seller": Ruling(
            counts=True, reason="A claim that the seller refunded after it was filed counts."
        ),
        "order_cancelled": Ruling(
            counts=True, reason="A claim on an order cancelled by the seller or Amazon counts."
        ),
        "denied": Ruling(counts=False, reason="A denied claim does not count."),
        "withdrawn": Ruling(counts=False, reason="A claim withdrawn before the decision does not count."),
        "amazon_funded": Ruling(
            counts=False, reason="A claim for which Amazon took responsibility does not count."
        ),
        "appeal_won": Ruling(counts=False, reason="A claim won on appeal does not count."),
    },
    DefectKind.CHARGEBACK: {
        "service": Ruling(counts=True, reason="A service chargeback counts."),
        "fraud": Ruling(counts=False, reason="A fraud chargeback does not count."),
        "reversed": Ruling(counts=False, reason="A reversed chargeback does not count."),
    },
}
"""The ruling on each confirmed state, by kind."""

LISTED = "listed"
FILED = "filed"
LISTED_DEFECT = Ruling(
    counts=True, reason="Amazon lists the order as defective. No report with details has been loaded yet."
)
UNCONFIRMED: dict[str, dict[str, Ruling]] = {
    **{kind: {LISTED: LISTED_DEFECT} for kind in DefectKind},
    DefectKind.LATE_DELIVERY: {
        LISTED: Ruling(counts=True, reason="Amazon lists a late delivery of this order.")
    },
    DefectKind.INVALID_TRACKING: {
        LISTED: Ruling(counts=True, reason="Amazon lists a package of this order without valid tracking.")
    },
    DefectKind.INVOICE_DEFECT: {
        LISTED: Ruling(counts=True, reason="Amazon lists the order without an invoice in time.")
    },
    DefectKind.A_TO_Z_CLAIM: {
        LISTED: LISTED_DEFECT,
        FILED: Ruling(
            counts=True, reason="A returns report mentions a filed claim. Its outcome is not known yet."
        ),
    },
}
"""The ruling on each unconfirmed state, by kind: a report mentions the defect without its outcome.

A fact with details about a defect of the same kind on the same order supersedes it.
"""
BEFORE_ITS_ORDER = "before_its_order"
"""The state of feedback whose order, loaded later, was placed after its date. No report states it."""
FEEDBACK_BEFORE_ITS_ORDER = Ruling(
    counts=False,
    reason="The feedback is dated before its order, so its date was read wrongly. It does not count.",
)
UNCONFIRMED_STATES = (LISTED, FILED)
SUPERSEDED = Ruling(
    counts=False, reason="Superseded by a report with details about this kind of defect on this order."
)


def ruling(*, kind: str, state: str, rating: int | None) -> Ruling:
    """Return the ruling on a defect. Raises KeyError for a kind or state that does not exist."""
    if state in UNCONFIRMED[kind]:
        return UNCONFIRMED[kind][state]
    if state == BEFORE_ITS_ORDER:
        return FEEDBACK_BEFORE_ITS_ORDER
    by_state = STATES[kind][state]
    # Only posted feedback depends on its stars; removed feedback does not count whatever it had.
    if by_state is not FEEDBACK_NEGATIVE or rating in NEGATIVE_STARS:
        return by_state
    return FEEDBACK_NEUTRAL if rating == 3 else FEEDBACK_POSITIVE
