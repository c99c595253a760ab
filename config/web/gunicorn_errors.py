"""Answer requests that gunicorn itself refuses, such as a malformed request line, with a problem.

This module is used before Django is ready, so it does not import Django.
"""

import json
from http import HTTPStatus
from socket import socket

from gunicorn import util

from api import identifiers
from api.problem_types import BY_SLUG, PATH

SLUGS = {414: "uri-too-long", 431: "headers-too-large", 500: "internal"}
DETAILS = {
    400: "The request is not valid HTTP/1.1.",
    414: "The path and query string are too long.",
    431: "There are too many request headers, or one of them is too long.",
    500: "An unexpected error occurred. Nothing was changed. Contact support with the request ID.",
}


def write_error(sock: socket, status_int: int, reason: str, mesg: str) -> None:
    """Write a problem to the socket.

    Leaves out `mesg`, which may quote secrets of the request; gunicorn logs it.
    """
    request_id = identifiers.public("req", identifiers.uuid7())
    slug = SLUGS.get(status_int) or HTTPStatus(status_int).phrase.lower().replace(" ", "-")
    detail = DETAILS.get(status_int, reason)
    title = BY_SLUG[slug].title if slug in BY_SLUG else reason
    body = {
        "type": f"{PATH}{slug}",
        "title": title,
        "status": status_int,
        "detail": detail,
        "request_id": request_id,
    }
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
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
