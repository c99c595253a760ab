"""Call the product's API over HTTP, for the demo and the smoke test."""

import json
import secrets
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from config.launcher.embedded.ports import LOOPBACK


class UnexpectedResponse(SystemExit):
    """Raise when the API responds with an error."""


@dataclass(frozen=True)
class Client:
    """Call the API with one API key.

    Methods return the JSON of the response, and raise UnexpectedResponse on an error status.
    """

    port: int
    key: str

    def get(self, path: str, **query: str) -> Any:
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: object) -> Any:
        return self._call("POST", path, content=json.dumps(body).encode(), content_type="application/json")

    def upload(self, path: str, *, name: str, content: bytes, **fields: str) -> Any:
        """Send a multipart form with `fields`, then `content` as the file."""
        boundary = secrets.token_hex(16)
        fields_part = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{text}\r\n'
            for field, text in fields.items()
        )
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        form = fields_part.encode() + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self._call(
            "POST", path, content=form, content_type=f"multipart/form-data; boundary={boundary}"
        )

    def _call(self, method: str, path: str, *, content: bytes | None = None, content_type: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Host": "localhost"}
        connection = HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            connection.request(
                method, path, content, headers | ({"Content-Type": content_type} if content else {})
            )
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        finally:
            connection.close()
        if response.status >= 400:
            raise UnexpectedResponse(f"{method} {path} answered {response.status}: {text[:600]}")
        return json.loads(text)
