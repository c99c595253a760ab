"""Requests are read as UTF-8, whatever they say of themselves."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """What a caller names as its charset decides nothing: Python knows codecs that take hours, and some that are none of text.

    JSON is UTF-8 (RFC 8259, 8.1), and so are the fields of forms (HTML, 4.10.22).
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    request_class = Utf8Request
