"""Explain each metric in one or two sentences for users. Pure.

The sources are in the rules of the metric (metrics/migrations).
"""

PART = "Each order counts once. Amazon judges this only as a part of the order defect rate."
COUNTER = "Counted by Amazon and taken from its report. The target is zero."
LATE = (
    "Orders whose shipment was confirmed after the ship-by date, out of the shipped orders due in the "
    "last {} days."
)

EXPLANATIONS: dict[str, str] = {
    "order_defect_rate": (
        "Orders with negative feedback (1 or 2 stars), a counted A-to-z claim or a service chargeback, "
        "out of all orders, by the day of the order. Returns, cancellations and late replies do not "
        "count."
    ),
    "negative_feedback_rate": f"Orders with feedback of 1 or 2 stars, out of all orders. {PART}",
    "a_to_z_claim_rate": (
        f"Orders with an A-to-z claim that counts against the seller, out of all orders. {PART}"
    ),
    "chargeback_rate": f"Orders with a service chargeback, out of all orders. {PART}",
    "late_shipment_rate_10d": LATE.format(10),
    "late_shipment_rate_30d": LATE.format(30),
    "pre_fulfillment_cancel_rate": (
        "Orders cancelled by the seller before the shipment was confirmed, or by Amazon because it was "
        "not confirmed, out of all orders. Cancellations by the buyer do not count. An order without a "
        "known canceller is shown as unexplained."
    ),
    "valid_tracking_rate": "Shipped packages scanned by a carrier, out of all shipped packages.",
    "on_time_delivery_rate": (
        "Tracked units (US, GB and DE) or packages (other marketplaces) delivered by the promised date, out of "
        "all tracked ones."
    ),
    "business_on_time_delivery_rate": (
        "Tracked units of Amazon Business orders delivered by the promised date, out of all tracked units of "
        "Amazon Business orders."
    ),
    "invoice_defect_rate": (
        "Amazon Business orders without an invoice within one business day of the shipment, out of all "
        "Amazon Business orders."
    ),
    "message_response_rate_24h": (
        "Buyer messages answered within 24 hours, weekends included, out of the messages that need an "
        "answer. This metric does not count towards the order defect rate."
    ),
    "return_dissatisfaction_rate": (
        "Return requests with negative feedback, without an answer within 48 hours, or wrongly "
        "rejected, out of the requests whose handling is known."
    ),
    "return_rate": (
        "Orders with a return request, out of all orders. Amazon sets no target, and this metric does "
        "not count towards the order defect rate."
    ),
    "account_health_rating": "Amazon's score from 0 to 1000, taken from its report. 200 or more is healthy.",
    "listing_policy_violations": COUNTER,
    "product_authenticity_customer_complaints": COUNTER,
    "product_condition_customer_complaints": COUNTER,
    "product_safety_customer_complaints": COUNTER,
    "received_intellectual_property_complaints": COUNTER,
    "restricted_product_policy_violations": COUNTER,
    "suspected_intellectual_property_violations": COUNTER,
    "food_and_product_safety_issues": COUNTER,
    "other_policy_violations": COUNTER,
    "document_requests": COUNTER,
    "customer_product_reviews_policy_violations": COUNTER,
    "policy_violation_warnings": COUNTER,
}
"""By metric."""
