"""List the problems of endpoints and deliveries, all of which are conflicts (409). Pure."""

from api.problem_types.problem_type import ProblemType

NOTIFICATIONS = (
    ProblemType(
        "too-many-endpoints",
        409,
        "Too many endpoints",
        "The agency has reached its maximum number of webhook endpoints.",
        "Delete an endpoint that is not used.",
    ),
    ProblemType(
        "endpoint-disabled",
        409,
        "Endpoint is disabled",
        "Nothing is sent to a disabled endpoint.",
        'Enable the endpoint first: `PATCH {"enabled": true}`.',
    ),
    ProblemType(
        "mailbox-unconfirmed",
        409,
        "Mailbox is not confirmed",
        "Nothing is sent to a mailbox before its owner has confirmed the endpoint.",
        "Ask the owner to open the link in the e-mail. `send-confirmation` sends it again.",
    ),
    ProblemType(
        "mailbox-in-use",
        409,
        "Mailbox already has an endpoint",
        "The agency has another e-mail endpoint for this mailbox. Upper case and the part after `+` make no other "
        "mailbox.",
        "Subscribe the existing endpoint to more events, or delete it.",
    ),
    ProblemType(
        "not-a-mailbox",
        409,
        "Endpoint is not a mailbox",
        "Only endpoints of kind `email` are confirmed by their owner.",
        "Webhooks and chats receive events without a confirmation.",
    ),
    ProblemType(
        "nothing-signed",
        409,
        "Endpoint has no signing secret",
        "Only endpoints of kind `webhook` have a signing secret. E-mail and chat messages are not signed.",
        "Rotate the secret of a webhook endpoint.",
    ),
    ProblemType(
        "delivery-pending",
        409,
        "Delivery still pending",
        "The delivery is still being attempted, so it cannot be sent again.",
        "Wait until `next_attempt_at`, or until the delivery has finished.",
    ),
)
