"""List the problems that are not the fault of the request: the server failed, or is not ready. Pure."""

from api.problem_types.problem_type import ProblemType

SERVER_ERRORS = (
    ProblemType(
        "internal",
        500,
        "Internal server error",
        "The server failed. Nothing was changed.",
        "Send the `request_id` to the operator. You can send a write again with the same `Idempotency-Key`.",
    ),
    ProblemType(
        "not-implemented",
        501,
        "Not implemented",
        "The request uses a transfer coding that the web server does not support.",
        "Send the body with a `Content-Length`.",
    ),
    ProblemType(
        "bad-gateway",
        502,
        "Bad gateway",
        "The proxy got no response from the web server. The request may have been carried out.",
        "Send the request again after a moment. Send a write with the same `Idempotency-Key`.",
    ),
    ProblemType(
        "unavailable",
        503,
        "Service unavailable",
        "The database or the storage of documents does not answer. Nothing was changed.",
        "Send the request again after `Retry-After`.",
    ),
    ProblemType(
        "gateway-timeout",
        504,
        "Gateway timeout",
        "The web server did not respond to the proxy in time. The request may have been carried out.",
        "Send the request again after a moment. Send a write with the same `Idempotency-Key`.",
    ),
    ProblemType(
        "insufficient-storage",
        507,
        "Insufficient storage",
        "The server has no room for the body of the request. Nothing was changed.",
        "Send the request again later. If it fails again, contact the operator.",
    ),
)
