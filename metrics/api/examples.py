"""Define examples of metrics, orders, snapshots, thresholds and breaches for the OpenAPI document."""

from typing import Any

WINDOW = {"from": "2026-09-09", "to": "2026-11-07", "days": 60, "offset_days": 15}
TARGET = {"comparator": "lt", "value": 0.01, "source": "default"}
WARNING = {
    "comparator": "lt",
    "value": 0.008,
    "source": "custom",
    "threshold": "thr_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "clear_at": 0.006,
    "for_days": 2,
    "keep_days": 3,
    "min_denominator": 50,
}
VALUE = {
    "metric": "order_defect_rate",
    "name": "Order Defect Rate",
    "marketplace": "DE",
    "channel": "mfn",
    "window": WINDOW,
    "basis": "own",
    "numerator": 9,
    "denominator": 612,
    "rate": 0.014705882352941176,
    "bounds": None,
    "parts": {"negative_feedback": 5, "a_to_z_claims": 4, "chargebacks": 1},
    "target": TARGET,
    "warning": WARNING,
    "meets_target": False,
    "status": "breached",
    "decided_by": "own",
    "differs_from_amazon": False,
    "below_minimum": False,
    "ignored": False,
    "stale": False,
    "enforced": True,
    "budget": {"allowed": 6, "left": -3},
    "amazon": {
        "rate": 0.0145,
        "status": "BAD",
        "from": "2026-09-09",
        "to": "2026-11-07",
        "reported_at": "2026-11-22T08:12:00Z",
        "numerator": 9,
        "denominator": 621,
        "target": {"comparator": "lt", "value": 0.01},
        "flags": [],
        "ours": {"numerator": 9, "denominator": 612, "rate": 0.014705882352941176, "meets_target": False},
    },
    "explanation": "Orders with negative feedback (1 or 2 stars), a counted A-to-z claim or a service "
    "chargeback, out of all "
    "orders, by the day of the order. Returns, cancellations and late replies do not count.",
    "unexplained": None,
}
ACCOUNT_ID = "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d"
METRICS = {
    "account": ACCOUNT_ID,
    "as_of": "2026-11-22",
    "known_at": "2026-11-22T09:00:00Z",
    "unmatched_defects": 1,
    "retained_from": None,
    "metrics": [VALUE],
}
HISTORY: dict[str, Any] = {
    "account": ACCOUNT_ID,
    "metric": "order_defect_rate",
    "marketplace": "DE",
    "channel": "mfn",
    "known_at": "2026-11-22T09:00:00Z",
    "retained_from": None,
    "points": [
        {
            "as_of": "2026-11-22",
            "from": "2026-09-09",
            "to": "2026-11-07",
            "numerator": 9,
            "denominator": 612,
            "rate": 0.014705882352941176,
            "meets_target": False,
            "status": "breached",
            "basis": "own",
            "target": TARGET,
            "warning": WARNING,
        }
    ],
}
ORDER = {
    "order_id": "302-1234567-1234567",
    "ordered_on": "2026-10-02",
    "marketplace": "DE",
    "channel": "mfn",
    "counted": True,
    "defects": [
        {
            "kind": "a_to_z_claim",
            "state": "granted",
            "rating": None,
            "occurred_on": "2026-10-20",
            "due_on": None,
            "counts": True,
            "reason": "A claim granted against the seller counts.",
            "reference": None,
            "funded_by": "amazon",
        }
    ],
    "leaves_window_on": "2026-12-16",
    "day": "2026-10-02",
    "reference": None,
}
SNAPSHOT = {
    "id": "snap_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "account": ACCOUNT_ID,
    "report": "rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "marketplace": "DE",
    "account_status": "AT_RISK",
    "reported_at": "2026-11-22T08:12:00Z",
    "recorded_at": "2026-11-22T09:00:00Z",
    "figures": [
        {
            "metric": "order_defect_rate",
            "channel": "mfn",
            "from": "2026-09-09",
            "to": "2026-11-07",
            "numerator": 9,
            "denominator": 621,
            "rate": 0.0145,
            "status": "BAD",
            "target": {"comparator": "lt", "value": 0.01},
            "flags": [],
        }
    ],
    "document": {
        "orderDefectRate": {"mfn": {"orderCount": 621, "orderWithDefects": {"count": 9, "status": "BAD"}}}
    },
}
THRESHOLD = {
    "id": "thr_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "metric": "order_defect_rate",
    "account": None,
    "marketplace": "DE",
    "channel": None,
    "warn_at": 0.008,
    "clear_at": 0.006,
    "for_days": 2,
    "keep_days": 3,
    "min_denominator": 50,
    "changed_at": "2026-11-22T09:00:00Z",
}
OPENED: dict[str, Any] = {
    "at": "2026-11-22T09:00:00Z",
    "what": "opened",
    "as_of": "2026-11-22",
    "numerator": 9,
    "denominator": 612,
    **dict.fromkeys(("by", "note", "until", "to", "breach", "event")),
}
ACKNOWLEDGED = OPENED | {
    "at": "2026-11-22T09:40:00Z",
    "what": "acknowledged",
    "as_of": None,
    "numerator": None,
    "denominator": None,
    "by": {"key": "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d", "name": "front end"},
    "note": "Claims are with the carrier.",
}
BREACH = {
    "id": "brch_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "account": ACCOUNT_ID,
    "metric": "order_defect_rate",
    "marketplace": "DE",
    "channel": "mfn",
    "level": "breach",
    "status": "open",
    "opened_at": "2026-11-22T09:00:00Z",
    "as_of": "2026-11-22",
    "basis": "own",
    "numerator": 9,
    "denominator": 612,
    "rate": 0.014705882352941176,
    "target": TARGET,
    "threshold": None,
    "stale": False,
    "escalated_from": "brch_019abc4e5f607a8b9c0d1e2f3a4b5c00",
    "acknowledged_at": "2026-11-22T09:40:00Z",
    "snoozed_until": None,
    "assignee": "mei",
    "resolved_at": None,
    "resolved_because": None,
    "timeline": [OPENED],
}
ONE_BREACH = BREACH | {"timeline": [OPENED, ACKNOWLEDGED], "days": [HISTORY["points"][0] | {"stale": False}]}
PORTFOLIO = {
    "as_of": "2026-11-22",
    "retained_from": None,
    "accounts": {
        "total": 212,
        "breached": 3,
        "at_risk": 11,
        "undecided": 6,
        "healthy": 184,
        "no_data": 8,
        "stale": 1,
    },
    "metrics": [
        {
            "metric": "order_defect_rate",
            "name": "Order Defect Rate",
            "breached": 2,
            "at_risk": 7,
            "undecided": 0,
            "healthy": 195,
            "no_data": 8,
            "ignored": False,
        }
    ],
    "open_breaches": {"breach": 4, "warning": 12, "unacknowledged": 5},
    "worst": [
        {
            "account": ACCOUNT_ID,
            "name": "Nordwind Outdoor",
            "status": "breached",
            "distance": -0.47058823529411764,
            "worst_series": {
                "metric": "order_defect_rate",
                "name": "Order Defect Rate",
                "marketplace": "DE",
                "channel": "mfn",
                "numerator": 9,
                "denominator": 612,
                "rate": 0.014705882352941176,
                "basis": "own",
                "target": TARGET,
                "status": "breached",
                "enforced": True,
            },
            "open_breaches": 1,
            "open_warnings": 0,
            "stale": False,
        }
    ],
    "stale_accounts": [
        {
            "account": "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6e",
            "name": "Sakura Paper Works",
            "stale_from": "2026-11-20T09:00:00Z",
        }
    ],
}
UNMATCHED = {
    "order_id": "302-1234567-1234567",
    "kind": "a_to_z_claim",
    "state": "granted",
    "rating": None,
    "occurred_on": "2026-11-02",
    "reference": "C-0001",
    "missing": "order",
    "found_in": "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6e",
    "report": "rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "recorded_at": "2026-11-22T09:00:01Z",
}
CAUSE_URL = (
    f"/v1/accounts/{ACCOUNT_ID}/metrics/late_shipment_rate_30d/orders?carrier={{}}&marketplace=DE&channel=mfn"
    "&as_of=2026-11-22&known_at=2026-11-22T12%3A00%3A00%2B00%3A00"
)
CAUSES = {
    "account": ACCOUNT_ID,
    "metric": "late_shipment_rate_30d",
    "by": "carrier",
    "marketplace": "DE",
    "channel": "mfn",
    "as_of": "2026-11-22",
    "known_at": "2026-11-22T12:00:00Z",
    "window": {"from": "2026-10-24", "to": "2026-11-22", "days": 30, "offset_days": 0},
    "unit": "orders",
    "total": {"orders": 300, "defects": 9, "rate": 0.03},
    "before": {"orders": 280, "defects": 4, "rate": 0.014285714285714285},
    "mixed_orders": 0,
    "main": ["DPD"],
    "group_count": 2,
    "groups": [
        {
            "key": "DPD",
            "label": "DPD",
            "orders": 40,
            "defects": 8,
            "rate": 0.2,
            "share": 0.8888888888888888,
            "interval": {"low": 0.10499989725437703, "high": 0.34757306346399497},
            "lift": 6.666666666666667,
            "p_value": 4.2180460819817163e-07,
            "exclusive": {"orders": 40, "defects": 8, "rate": 0.2},
            "before": {"orders": 35, "defects": 2, "rate": 0.05714285714285714},
            "playbook": ["CARRIER_DELAY"],
            "orders_url": CAUSE_URL.format("DPD"),
        },
        {
            "key": "DHL",
            "label": "DHL",
            "orders": 260,
            "defects": 1,
            "rate": 0.0038461538461538464,
            "share": 0.1111111111111111,
            "interval": {"low": 0.0006792635441397516, "high": 0.021460770273153393},
            "lift": 0.1282051282051282,
            "p_value": 4.2180460819817163e-07,
            "exclusive": {"orders": 260, "defects": 1, "rate": 0.0038461538461538464},
            "before": {"orders": 245, "defects": 2, "rate": 0.00816326530612245},
            "playbook": ["CARRIER_DELAY"],
            "orders_url": CAUSE_URL.format("DHL"),
        },
    ],
}
PORTFOLIO_CAUSES = {
    "metric": "on_time_delivery_rate",
    "by": "carrier",
    "unit": "packages",
    "known_at": "2026-11-22T12:00:00Z",
    "series": 12,
    "left_out": 0,
    "tried": 3,
    "causes": [
        {
            "key": "DPD",
            "label": "DPD",
            "accounts": 2,
            "orders": 46,
            "defects": 9,
            "rate": 0.1956521739130435,
            "expected": 2.7,
            "p_value": 0.00012,
            "q_value": 0.00036,
            "playbook": ["CARRIER_DELAY"],
            "series": [
                {
                    "account": ACCOUNT_ID,
                    "name": "Nordlicht",
                    "marketplace": "DE",
                    "channel": "mfn",
                    "orders": 30,
                    "defects": 6,
                    "rate": 0.2,
                    "expected": 1.8,
                },
                {
                    "account": "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6e",
                    "name": "Harbour",
                    "marketplace": "GB",
                    "channel": "mfn",
                    "orders": 16,
                    "defects": 3,
                    "rate": 0.1875,
                    "expected": 0.9,
                },
            ],
        }
    ],
}
