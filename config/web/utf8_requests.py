"""Read all requests as UTF-8 and ignore their charset."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """Ignore the charset of `Content-Type`: some of Python's codecs take hours, and some do not decode text.

    JSON is UTF-8 (RFC 8259, section 8.1), and so are the fields of forms (HTML, section 4.10.22).
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        # Django has no setting for this. tests/config/test_utf8_requests.py fails if it no longer calls this
        # method.
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}


class Utf8Handler(WSGIHandler):
    """Build `Utf8Request` from the WSGI environment."""

    request_class = Utf8Request
