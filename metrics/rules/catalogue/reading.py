"""Choose the facts that a statement reads: their newest state, or the state known at a moment. Pure."""

from dataclasses import dataclass

ACCOUNT_ROWS = "agency_id = %(agency)s AND account_id = %(account)s"
"""The condition that selects the rows of the account."""
SOLD_BY_AMAZON = "marketplace <> 'non_amazon'"
"""The condition that leaves multi-channel orders out. A report counts their rows as set apart."""
IS_STORED = "ordered_on >= %(data_from)s"
"""The condition that leaves out orders of days before the account's `data_from`.

They have ended or may end at any time. What they contributed to later days is carried
(metrics/retention/carried_counts.py), so they are not counted again, even if a late report states them again.
"""
FACTS = ("order", "defect", "shipment", "return", "message")
"""The tables of facts that have an earlier state: `metrics_order` and `metrics_pastorder`, for example."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Choose the state of the facts, the days, and whether the rows carry their reasons.

    `days` is the condition that follows a column with a day.
    """

    is_newest: bool
    days: str
    with_reasons: bool = False

    def facts(self, name: str) -> str:
        """Return the FROM item with the account's rows of a table of facts. It needs an alias."""
        if self.is_newest:
            return f"(SELECT * FROM metrics_{name} WHERE {ACCOUNT_ROWS})"
        return f"{name}s_as_known(%(agency)s, %(account)s, %(known_at)s)"


NEWEST = Reading(is_newest=True, days="= ANY(%(days)s)")
"""For daily counts: `days` are the days to count."""
AS_KNOWN = Reading(is_newest=False, days="BETWEEN %(first)s AND %(last)s", with_reasons=True)
"""For the rows behind a value: `known_at` is the moment, `first` and `last` are the days of the windows."""
