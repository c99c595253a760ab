"""Define the return dissatisfaction rate. Its sources are in its rules (metrics/rules/amazon_rules.py)."""

from metrics.rules.catalogue.metric import Count, Metric, Ratio
from metrics.rules.catalogue.rows import ReasonFields, Requests

METRIC = Metric(
    code="return_dissatisfaction_rate",
    explanation=(
        "Return requests with negative feedback, without an answer within 48 hours, or wrongly rejected, out of the "
        "requests whose handling is known."
    ),
    rows=Requests(
        reason=ReasonFields(
            kind="'return_request'",
            reference="reference",
            state="coalesce(nullif(reason, ''), 'content')",
            occurred_on="requested_on",
            counts="is_dissatisfied",
        )
    ),
    ratio=Ratio(
        Count("dissatisfied_requests", "is_dissatisfied"),
        Count("return_requests", "is_dissatisfied IS NOT NULL"),
    ),
    unit="requests",
    day="request",
    source="returns",
    reasons={
        "return_request": {
            "negative_feedback": "The buyer left negative feedback on the return.",
            "late_answer": "The request was not answered within 48 hours.",
            "wrong_rejection": "The request was rejected although it was within the return policy.",
            "content": "The request was answered in time, and the buyer did not complain.",
        }
    },
)
