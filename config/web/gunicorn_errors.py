"""What the web server itself refuses, before any of ours is asked, as the problem that it is.

It is installed before Django is ready, and knows nothing of it.
"""

import json
from http import HTTPStatus
from socket import socket

from gunicorn import util

from api import identifiers

SLUGS = {414: "uri-too-long", 431: "headers-too-large", 500: "internal"}
DETAILS = {
    400: "This is no request of HTTP/1.1 that can be read.",
    414: "The path with its parameters is too long.",
    431: "The headers are too many, or one of them is too long.",
    500: "The fault is ours and nothing was changed. Tell us the request id.",
}


def write_error(sock: socket, status_int: int, reason: str, mesg: str) -> None:
    """Takes the place of gunicorn's page of HTML. What it found wrong is in its log: it may hold what is secret."""
    request_id = identifiers.public("req", identifiers.uuid7())
    slug = SLUGS.get(status_int) or HTTPStatus(status_int).phrase.lower().replace(" ", "-")
    detail = DETAILS.get(status_int, reason)
    body = {"type": f"/problems/{slug}", "title": reason, "status": status_int, "detail": detail, "request_id": request_id}
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\nX-Request-Id: {request_id}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + content)


def answer_with_problems() -> None:
    """For the process of a web server."""
    util.write_error = write_error
