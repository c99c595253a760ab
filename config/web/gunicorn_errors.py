"""Answer requests that gunicorn itself refuses, such as a malformed request line, with a problem.

This module is used before Django is ready, so it does not import Django.
"""

import json
from http import HTTPStatus
from typing import Protocol

from gunicorn import util

from api import identifiers
from api.problem_types import BY_SLUG, PATH


class SocketLike(Protocol):
    """Describe the methods of a socket that gunicorn needs to write an error."""

    def sendall(self, data: bytes, /) -> None: ...
    def gettimeout(self) -> float | None: ...


SLUGS = {414: "uri-too-long", 431: "headers-too-large", 500: "internal"}
DETAILS = {
    400: "The request is not valid HTTP/1.1.",
    408: "The request did not arrive in time. Nothing was changed. Send it again.",
    414: "The path and query string are too long.",
    431: "There are too many request headers, or one of them is too long.",
    500: "An unexpected error occurred. Nothing was changed. Contact support with the request ID.",
    507: "The server has no room for the body of the request. Nothing was changed. Try again later.",
}


def write_error(sock: SocketLike, status_int: int, reason: str, mesg: str) -> None:
    """Write a problem to the socket.

    Leaves out `mesg`, which may quote secrets of the request; gunicorn logs it.
    """
    write_problem(sock, status_int, reason=reason)


def write_problem(
    sock: SocketLike, status: int, *, reason: str | None = None, detail: str | None = None
) -> None:
    """Write a problem to the socket, with the usual reason and detail of its status if none are given."""
    reason = reason or HTTPStatus(status).phrase
    detail = detail or DETAILS.get(status, reason)
    request_id = identifiers.public("req", identifiers.uuid7())
    slug = SLUGS.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "-")
    title = BY_SLUG[slug].title if slug in BY_SLUG else reason
    body = {
        "type": f"{PATH}{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\nX-Request-Id: {request_id}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + content)


def install() -> None:
    """Replace gunicorn's HTML error page in this process.

    gunicorn has no setting for the body of its errors: `Worker.handle_error` calls
    `gunicorn.util.write_error`, which is replaced here. tests/config/test_web_server.py sends malformed
    requests to a real server and fails if this stops working.
    """

    util.write_error = write_error
