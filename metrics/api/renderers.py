"""Define the CSV columns of histories, drill-downs and breaches."""

from api.csv import CsvRenderer


class HistoryCsv(CsvRenderer):
    """Write one line a day."""

    key = "points"
    columns = ("as_of", "from", "to", "numerator", "denominator", "rate", "meets_target")


class OrdersCsv(CsvRenderer):
    """Write one line an order, package, request or message. `defects` are the reasons."""

    columns = (
        "day",
        "order_id",
        "reference",
        "ordered_on",
        "marketplace",
        "channel",
        "counted",
        "defects",
        "leaves_window_on",
    )


class UnmatchedDefectsCsv(CsvRenderer):
    """Write one line a defect."""

    columns = (
        *("order_id", "kind", "state", "rating", "occurred_on", "reference", "missing", "found_in"),
        *("report", "recorded_at"),
    )


class BreachesCsv(CsvRenderer):
    """Write one line a breach."""

    columns = (
        "id",
        "account",
        "metric",
        "marketplace",
        "channel",
        "level",
        "status",
        "opened_at",
        "as_of",
        "numerator",
        "denominator",
        "rate",
        "acknowledged_at",
        "snoozed_until",
        "resolved_at",
        "assignee",
        "stale",
        "threshold",
    )
