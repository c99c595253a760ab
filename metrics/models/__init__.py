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
    Listing,
    Message,
    Order,
    OrderItem,
    PastDefect,
    PastListing,
    PastMessage,
    PastOrder,
    PastOrderItem,
    PastReturn,
    PastReturnItem,
    PastShipment,
    Return,
    ReturnItem,
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
    "Listing",
    "Message",
    "MetricRule",
    "Order",
    "OrderItem",
    "PastDefect",
    "PastListing",
    "PastMessage",
    "PastOrder",
    "PastOrderItem",
    "PastReturn",
    "PastReturnItem",
    "PastShipment",
    "ReportedFigure",
    "Return",
    "ReturnItem",
    "Shipment",
    "Snapshot",
    "SourceLoad",
    "Threshold",
)
