"""Parse JSON bodies, choose the response format and answer OPTIONS.

This is a separate module, because DRF's views read these settings when they are imported.
"""

from typing import Any

from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

TOO_MANY_DIGITS = "integer string conversion"


class JsonParser(JSONParser):
    """Parse JSON as UTF-8, whatever charset the request names (RFC 8259, section 8.1)."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value. Raises ParseError, also for JSON that is nested too deeply and for long numbers."""
        try:
            # DRF takes the encoding from the parser's context, and the request chooses that.
            return super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        # Python's parser recurses. DRF would answer 500.
        except RecursionError:
            raise ParseError("JSON parse error - the value is nested too deeply.") from None
        except ParseError as error:
            # Python reads no whole number of more than 4,300 digits, which takes the square of their number, and
            # explains how a program may allow it.
            if TOO_MANY_DIGITS in str(error):
                raise ParseError("JSON parse error - a number has too many digits.") from None
            raise


class EmptyMetadata(BaseMetadata):
    """Answer OPTIONS with an empty object.

    `Allow` lists the methods, and the OpenAPI document contains everything else.
    """

    def determine_metadata(self, request: Request, view: Any) -> dict[str, Any]:
        return {}


class Negotiation(DefaultContentNegotiation):
    """Offer CSV for reads only, by `Accept` or `?format=csv`."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return the renderer and media type. Raises NotAcceptable, also for an empty `?format=`."""
        # Writes are answered with JSON whatever `Accept` says of CSV, which has no layout for one object.
        if request.method not in SAFE_METHODS:
            return super().select_renderer(request, renderers, "json")
        # DRF ignores an empty parameter.
        if request.query_params.get("format") == "":
            self.filter_renderers(renderers, "")
        return super().select_renderer(request, renderers, format_suffix)

    def filter_renderers(self, renderers: Any, format: str) -> list[Any]:  # noqa: A002  the framework's name
        """Return the renderers of this format. Raises NotAcceptable; DRF would answer 404."""
        matching = [renderer for renderer in renderers if renderer.format == format]
        if not matching:
            raise NotAcceptable(f"`format` must be {' or '.join(renderer.format for renderer in renderers)}.")
        return matching
