"""Define the tables of facts and their history, Amazon's figures, daily counts, values, breaches, thresholds
and rules.

Primary keys begin with the agency. Row-level security is one equality on it, and the tables can be
distributed by it. A composite foreign key in the database ties each row to its account
(tenancy/row_level_security.py).
"""

from metrics.models.amazon_figures import ReportedFigure, Snapshot
from metrics.models.breaches import Breach, BreachAction
from metrics.models.counts import CarriedCounts, CurrentValue, DailyCounts
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
    "CarriedCounts",
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
