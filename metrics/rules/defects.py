"""Which defects count into the order defect rate, and why. Pure.

Sources: Seller Central help 200285170 (Order Defect Rate: 1-2 stars are negative, 3 is neutral), moderators on
sellercentral-europe.amazon.com (claims granted, refunded after filing, or on a cancelled order count), Seller Central
hub G202041210 (an appeal may reverse the metric and not the money: who paid never decides whether a claim counts).
"""

from dataclasses import dataclass

from metrics.rules.facts import DefectKind

NEGATIVE_STARS = (1, 2)
IN_ODR = (DefectKind.FEEDBACK, DefectKind.A_TO_Z_CLAIM, DefectKind.CHARGEBACK)


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a defect in this state counts, and the sentence that says why."""

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
        "pending": Ruling(counts=True, reason="A claim counts while it is undecided."),
        "granted": Ruling(counts=True, reason="A claim granted against the seller counts."),
        "refunded_by_seller": Ruling(counts=True, reason="A claim refunded by the seller after it was filed counts."),
        "order_cancelled": Ruling(counts=True, reason="A claim on an order cancelled by seller or Amazon counts."),
        "denied": Ruling(counts=False, reason="A denied claim does not count."),
        "withdrawn": Ruling(counts=False, reason="A claim withdrawn before a decision does not count."),
        "amazon_funded": Ruling(counts=False, reason="A claim that Amazon took on itself does not count."),
        "appeal_won": Ruling(counts=False, reason="A claim won on appeal does not count."),
    },
    DefectKind.CHARGEBACK: {
        "service": Ruling(counts=True, reason="A service chargeback counts."),
        "fraud": Ruling(counts=False, reason="A fraud chargeback does not count."),
        "reversed": Ruling(counts=False, reason="A reversed chargeback does not count."),
    },
}

LISTED = "listed"
FILED = "filed"
HEARSAY: dict[str, dict[str, Ruling]] = {
    **{
        kind: {LISTED: Ruling(counts=True, reason="Amazon's list of orders with defects names it; nothing tells more.")}
        for kind in DefectKind
    },
    DefectKind.A_TO_Z_CLAIM: {
        LISTED: Ruling(counts=True, reason="Amazon's list of orders with defects names it; nothing tells more."),
        FILED: Ruling(counts=True, reason="A returns report says that a claim was filed; its outcome is not known yet."),
    },
}
"""States in which a defect is known to exist and nothing more. As soon as a statement with details about a defect of the same
kind on the same order is known, that one decides, and hearsay counts no more."""
HEARD = (LISTED, FILED)
OVERRULED = Ruling(counts=False, reason="A statement with details about this kind of defect on this order decides.")


def ruling(*, kind: str, state: str, rating: int | None) -> Ruling:
    """The ruling on a defect. Raises KeyError for a kind or state that does not exist."""
    if state in HEARSAY[kind]:
        return HEARSAY[kind][state]
    found = STATES[kind][state]
    if found is not FEEDBACK_NEGATIVE or rating in NEGATIVE_STARS:
        return found
    return FEEDBACK_NEUTRAL if rating == 3 else FEEDBACK_POSITIVE
