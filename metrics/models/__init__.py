"""Facts with their past, Amazon's own figures, daily counts with their versions, current values, breaches,
thresholds, rules.

Tables without inbound keys lead with the agency in their primary key: row-level security is one equality on
it, and the same tables distribute by it. Each is tied to its account by a composite key in the database
(tenancy/row_level_security.py).
"""

from metrics.models.amazon_figures import ReportedFigure, Snapshot
from metrics.models.breaches import Breach, BreachAction
from metrics.models.counts import CurrentValue, DailyCounts
from metrics.models.metric_rules import DenominatorRule, MetricRule
from metrics.models.order_facts import (
    Defect,
    FeedbackCoverage,
    Message,
    Order,
    PastDefect,
    PastMessage,
    PastOrder,
    PastReturn,
    PastShipment,
    Return,
    Shipment,
    SourceLoad,
)
from metrics.models.thresholds import AppliedThresholds, Threshold

__all__ = (
    "AppliedThresholds",
    "Breach",
    "BreachAction",
    "CurrentValue",
    "DailyCounts",
    "Defect",
    "DenominatorRule",
    "FeedbackCoverage",
    "Message",
    "MetricRule",
    "Order",
    "PastDefect",
    "PastMessage",
    "PastOrder",
    "PastReturn",
    "PastShipment",
    "ReportedFigure",
    "Return",
    "Shipment",
    "Snapshot",
    "SourceLoad",
    "Threshold",
)
