"""Parse JSON request bodies.

This is a separate module, because DRF's views read this setting when they are imported.
"""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class JsonParser(JSONParser):
    """Parse JSON as UTF-8, whatever charset the request names (RFC 8259, section 8.1)."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value. Raises ParseError, also for JSON that is nested too deeply."""
        try:
            # DRF takes the encoding from the parser's context, and the request chooses that.
            return super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        # Python's parser recurses. DRF would answer 500.
        except RecursionError:
            raise ParseError("JSON parse error - the value is nested too deeply.") from None
