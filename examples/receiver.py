"""Receive webhooks, verify their signatures, and print one line for each: `python3 examples/receiver.py PORT SECRET`.

Needs Python only. In production, use a library of https://www.standardwebhooks.com.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

# Seconds by which the timestamp of a request may differ from the clock, so that nobody can send it again later.
TOLERANCE = 300


def is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Return whether one of the signatures is that of the secret, and the request is recent."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    signatures = headers.get("webhook-signature", "").split()
    is_known = any(hmac.compare_digest(expected, signature) for signature in signatures)
    return is_known and abs(time.time() - int(timestamp)) <= TOLERANCE


class Receiver(BaseHTTPRequestHandler):
    """Answer 204 to a signed event and 401 to anything else."""

    secret = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        signed = is_signed(headers, body, self.secret)
        self.send_response(204 if signed else 401)
        self.end_headers()
        if signed:
            _print(json.loads(body))

    def log_message(self, *_: object) -> None:
        """Print nothing but events."""


def _print(event: dict[str, object]) -> None:
    data = event["data"]
    assert isinstance(data, dict)
    figures = f"{data['numerator']} of {data['denominator']}" if "numerator" in data else ""
    print(event["type"], data.get("metric", ""), data.get("marketplace", ""), figures, flush=True)


def main() -> None:
    """Serve until Ctrl-C."""
    port, Receiver.secret = int(sys.argv[1]), sys.argv[2]
    print(f"Waiting for webhooks on port {port}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        HTTPServer(("127.0.0.1", port), Receiver).serve_forever()


if __name__ == "__main__":
    main()
