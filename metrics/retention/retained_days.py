"""Tell from which day on values are complete, given the first day whose data is complete. Pure."""

from datetime import date, timedelta

from metrics.rules.amazon_rules import RULES
from metrics.rules.catalogue.definitions import CATALOGUE

# The windows of what only Amazon counts are Amazon's: they are read from its reports, not from stored days.
LONGEST_REACH = timedelta(
    days=max(sum(rule.window) for rule in RULES if CATALOGUE[rule.metric].is_counted) - 1
)
"""The days between the first day of the longest window and the day of its value."""


def first_value_day(data_from: date | None) -> date | None:
    """Return the first day of which every window is complete, or None if no data has ended."""
    return data_from + LONGEST_REACH if data_from else None
