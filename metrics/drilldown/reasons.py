"""Explain in sentences for users why a row of a drill-down counts or does not count. Pure.

For the sources of defects, see defects.py. For all other rows, see the sources in the rule of each metric
(metrics/rules/amazon_rules.py).
"""

from dataclasses import dataclass
from typing import Any

from metrics.rules import defects
from metrics.rules.catalogue.definitions import METRICS

REASONS = {kind: states for metric in METRICS for kind, states in metric.reasons.items()}
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
    """Build the reason from the JSON object of a drill-down row (metrics/rules/catalogue/rows.py)."""
    fields = dict(fields)
    is_superseded = fields.pop("superseded")
    return Reason(text=defects.SUPERSEDED.reason if is_superseded else _text(fields), **fields)


def _text(fields: dict[str, Any]) -> str:
    kind, state = fields["kind"], fields["state"]
    # A cancellation may also come from the download of orders with defects. Its
    # state is then that of a defect.
    text = REASONS.get(kind, {}).get(state)
    return text or defects.ruling(kind=kind, state=state, rating=fields["rating"]).reason
