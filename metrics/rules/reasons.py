"""What speaks for or against an order behind a number, and the sentence that says why it counts or not. Pure.

Sources: for defects defects.py, for the rest the pages that the rows of each metric's rule name (metrics/migrations).
"""

from dataclasses import dataclass
from typing import Any

from metrics.rules import defects

REASONS: dict[str, dict[str, str]] = {
    "cancellation": {
        "buyer": "The buyer asked for the cancellation.",
        "seller": "The seller cancelled before confirming the shipment.",
        "unconfirmed": "Amazon cancelled because the shipment was not confirmed in time.",
        "amazon": "Amazon cancelled for reasons of its own.",
        "after_shipping": "After the shipment is confirmed it is a refund, not a cancellation.",
    },
    "return": {
        "requested": "The buyer asked to return it.",
        "not_a_return": "The request was cancelled or declined.",
    },
    "shipment": {
        "late": "Shipment was confirmed after the ship-by date.",
        "in_time": "Shipment was confirmed by the ship-by date.",
    },
    "tracking": {
        "scanned": "The carrier scanned the package.",
        "not_scanned": "No scan of a carrier is known.",
    },
    "delivery": {
        "on_time": "Delivered by the promised date.",
        "late": "Not delivered by the promised date.",
    },
    "invoice": {
        "missing_or_late": "No invoice within one business day of the shipment.",
        "in_time": "The invoice came within one business day of the shipment.",
    },
    "return_request": {
        "negative_feedback": "The buyer left negative feedback on the return.",
        "late_answer": "The request was not answered within 48 hours.",
        "wrong_rejection": "The request was rejected although it was within the policy.",
        "content": "Answered in time, and nothing speaks against it.",
    },
    "message": {
        "in_time": "Answered within 24 hours.",
        "late": "Answered after more than 24 hours.",
        "unanswered": "Not answered within 24 hours.",
    },
}
"""By kind and state."""

KINDS = tuple(dict.fromkeys((*defects.STATES, *defects.HEARSAY, *REASONS)))


@dataclass(frozen=True, slots=True)
class Evidence:
    kind: str
    state: str
    rating: int | None
    occurred_on: str | None
    due_on: str | None
    counts: bool
    reason: str
    reference: str
    funded_by: str


def of(told: dict[str, Any]) -> Evidence:
    """The evidence in a row's JSON."""
    overruled = told.pop("overruled")
    reason = defects.OVERRULED.reason if overruled else _reason(told)
    return Evidence(reason=reason, **told)


def _reason(told: dict[str, Any]) -> str:
    known = REASONS.get(told["kind"], {}).get(told["state"])
    return known or defects.ruling(kind=told["kind"], state=told["state"], rating=told["rating"]).reason
