"""Define the return rate. Amazon sets no target for it."""

from metrics.rules.catalogue.metric import BOTH_CHANNELS, Count, Metric, Ratio
from metrics.rules.catalogue.rows import Orders, ReasonFields, Related

REQUESTS = Related(
    name="requests",
    facts="return",
    where="true",
    aggregates=(("is_returned", "bool_or(is_return)"),),
    reason=ReasonFields(
        kind="'return'",
        reference="reference",
        state="CASE WHEN is_return THEN 'requested' ELSE 'not_a_return' END",
        occurred_on="requested_on",
        counts="is_return",
    ),
    reason_order="requested_on, reference",
)
METRIC = Metric(
    code="return_rate",
    explanation=(
        "Orders with a return request, out of all orders. Amazon sets no target, and this metric does not count towards "
        "the order defect rate."
    ),
    rows=Orders(related=(REQUESTS,)),
    ratio=Ratio(Count("returned_orders", "is_returned"), Count("returnable_orders", "is_in OR is_returned")),
    channels=BOTH_CHANNELS,
    source="returns",
    reasons={
        "return": {
            "requested": "The buyer requested a return.",
            "not_a_return": "The return request was cancelled or declined.",
        }
    },
)
