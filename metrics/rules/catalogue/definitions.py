"""List the metrics in the order of responses, and the counts that they need of each day. Pure.

Windows, targets, names and whether Amazon enforces a metric are dated rows (MetricRule), not code.
"""

from metrics.rules.catalogue import (
    amazon_figures,
    cancellations,
    deliveries,
    invoices,
    late_shipments,
    messages,
    order_defects,
    return_requests,
    returns,
    tracking,
)
from metrics.rules.catalogue.metric import Metric

METRICS: tuple[Metric, ...] = (
    *order_defects.METRICS,
    *late_shipments.METRICS,
    cancellations.METRIC,
    tracking.METRIC,
    *deliveries.METRICS,
    invoices.METRIC,
    messages.METRIC,
    return_requests.METRIC,
    returns.METRIC,
    *amazon_figures.METRICS,
)
CATALOGUE = {metric.code: metric for metric in METRICS}
COUNTED = tuple(metric for metric in METRICS if metric.is_counted)
REPORTED_ONLY = tuple(metric for metric in METRICS if not metric.is_counted)
COUNTS = tuple(dict.fromkeys(count.name for metric in COUNTED for count in metric.counts))
"""The integer columns of DailyCounts. `Metric.day` says by which day a metric counts."""

UNITS = ("orders", "packages", "units", "messages", "requests", "points", "violations")
"""What the denominators of metrics count."""
CANCEL_RATE, RATING = cancellations.METRIC.code, amazon_figures.METRICS[0].code
