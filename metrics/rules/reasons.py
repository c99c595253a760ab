"""Explain in sentences for users why a row of a drill-down counts or does not count. Pure.

For the sources of defects, see defects.py. For all other rows, see the sources in the rule of each metric
(metrics/migrations).
"""

from dataclasses import dataclass
from typing import Any

from metrics.rules import defects

REASONS: dict[str, dict[str, str]] = {
    "cancellation": {
        "buyer": "The buyer requested the cancellation.",
        "seller": "The seller cancelled before confirming the shipment.",
        "unconfirmed": "Amazon cancelled because the shipment was not confirmed in time.",
        "amazon": "Amazon cancelled for its own reasons.",
        "after_shipping": "A cancellation after the shipment was confirmed is a refund and does not count.",
    },
    "return": {
        "requested": "The buyer requested a return.",
        "not_a_return": "The return request was cancelled or declined.",
    },
    "shipment": {
        "late": "The shipment was confirmed after the ship-by date.",
        "in_time": "The shipment was confirmed by the ship-by date.",
    },
    "tracking": {
        "scanned": "The carrier scanned the package.",
        "not_scanned": "No carrier scan is known.",
    },
    "delivery": {
        "on_time": "The package was delivered by the promised date.",
        "late": "The package was not delivered by the promised date.",
    },
    "invoice": {
        "missing_or_late": "No invoice was uploaded within one business day of the shipment.",
        "in_time": "The invoice was uploaded within one business day of the shipment.",
    },
    "return_request": {
        "negative_feedback": "The buyer left negative feedback on the return.",
        "late_answer": "The request was not answered within 48 hours.",
        "wrong_rejection": "The request was rejected although it was within the return policy.",
        "content": "The request was answered in time, and the buyer did not complain.",
    },
    "message": {
        "in_time": "The message was answered within 24 hours.",
        "late": "The message was answered after more than 24 hours.",
        "unanswered": "The message was not answered within 24 hours.",
    },
}
"""By kind and state."""

KINDS = tuple(dict.fromkeys((*defects.STATES, *defects.UNCONFIRMED, *REASONS)))


@dataclass(frozen=True, slots=True)
class Reason:
    """Describe one defect, package, request or message of an order, with the reason as a sentence."""

    kind: str
    state: str
    rating: int | None
    occurred_on: str | None
    due_on: str | None
    counts: bool
    text: str
    reference: str
    funded_by: str


def build_reason(fields: dict[str, Any]) -> Reason:
    """Build the reason from the JSON object of a drill-down row (drilldown/sql.py)."""
    fields = dict(fields)
    is_superseded = fields.pop("superseded")
    return Reason(text=defects.SUPERSEDED.reason if is_superseded else _text(fields), **fields)


def _text(fields: dict[str, Any]) -> str:
    kind, state = fields["kind"], fields["state"]
    # A cancellation may also come from the download of orders with defects. Its
    # state is then that of a defect.
    text = REASONS.get(kind, {}).get(state)
    return text or defects.ruling(kind=kind, state=state, rating=fields["rating"]).reason
