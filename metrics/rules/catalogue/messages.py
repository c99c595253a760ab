"""Define the message response rate. Its sources are in its rules (metrics/rules/amazon_rules.py)."""

from metrics.rules.catalogue.metric import NO_CHANNEL, Count, Metric, Ratio
from metrics.rules.catalogue.rows import Messages, ReasonFields

IS_JUDGED = "needs_answer AND is_answered_in_time IS NOT NULL"
METRIC = Metric(
    code="message_response_rate_24h",
    explanation=(
        "Buyer messages answered within 24 hours, weekends included, out of the messages that need an answer. This "
        "metric does not count towards the order defect rate."
    ),
    rows=Messages(
        reason=ReasonFields(
            kind="'message'",
            reference="message_id",
            state="CASE WHEN is_answered_in_time THEN 'in_time' WHEN answered_on IS NULL THEN 'unanswered' ELSE 'late' END",
            occurred_on="answered_on",
            counts="is_answered_in_time",
        )
    ),
    ratio=Ratio(
        Count("answered_messages", f"{IS_JUDGED} AND is_answered_in_time"), Count("messages", IS_JUDGED)
    ),
    counts_good=True,
    unit="messages",
    channels=NO_CHANNEL,
    day="message",
    source="messages",
    reasons={
        "message": {
            "in_time": "The message was answered within 24 hours.",
            "late": "The message was answered after more than 24 hours.",
            "unanswered": "The message was not answered within 24 hours.",
        }
    },
)
