"""Facts with their past, Amazon's own figures, daily counts with their versions, current values, breaches, thresholds, rules.

Tables without inbound keys lead with the agency in their primary key: row-level security is one equality on it, and the
same tables distribute by it. Each is tied to its account by a composite key in the database (tenancy/row_level_security.py).
"""

from metrics.models.counted import CurrentValue, DailyCounts, DenominatorRule, MetricRule
from metrics.models.episodes import Breach, BreachAction
from metrics.models.reported import ReportedFigure, Snapshot
from metrics.models.thresholds import FollowedThresholds, Threshold
from metrics.models.told import (
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

__all__ = (
    "Breach",
    "BreachAction",
    "CurrentValue",
    "DailyCounts",
    "Defect",
    "DenominatorRule",
    "FeedbackCoverage",
    "FollowedThresholds",
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
