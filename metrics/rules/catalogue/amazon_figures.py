"""Define the figures that only Amazon counts: the account health rating and the policy violations."""

from metrics.rules.catalogue.metric import NO_CHANNEL, Metric

COUNTER = "Counted by Amazon and taken from its report. The target is zero."


def _figure(code: str, *, explanation: str = COUNTER, unit: str = "violations") -> Metric:
    return Metric(
        code=code, explanation=explanation, channels=NO_CHANNEL, day="", source="reported", unit=unit
    )


METRICS = (
    _figure(
        "account_health_rating",
        explanation="Amazon's score from 0 to 1000, taken from its report. 200 or more is healthy.",
        unit="points",
    ),
    _figure("listing_policy_violations"),
    _figure("product_authenticity_customer_complaints"),
    _figure("product_condition_customer_complaints"),
    _figure("product_safety_customer_complaints"),
    _figure("received_intellectual_property_complaints"),
    _figure("restricted_product_policy_violations"),
    _figure("suspected_intellectual_property_violations"),
    _figure("food_and_product_safety_issues"),
    _figure("other_policy_violations"),
    _figure("document_requests"),
    _figure("customer_product_reviews_policy_violations"),
    _figure("policy_violation_warnings"),
)
