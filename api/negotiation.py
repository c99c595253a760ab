"""What `OPTIONS` tells. On its own, because DRF's views read these settings when they are imported."""

from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request


class AllowAlone(BaseMetadata):
    """The methods are in `Allow`, and everything else is in the document."""

    def determine_metadata(self, request: Request, view: Any) -> dict[str, Any]:
        return {}


class Negotiation(DefaultContentNegotiation):
    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """Only what is read is also read as a sheet, by `?format=`; an empty one is none."""
        if request.method not in SAFE_METHODS:
            return super().select_renderer(request, renderers, "json")
        if request.query_params.get("format") == "":
            self.filter_renderers(renderers, "")
        return super().select_renderer(request, renderers, format_suffix)

    def filter_renderers(self, renderers: Any, format: str) -> list[Any]:  # noqa: A002  the framework's name
        """Raises NotAcceptable for a `?format=` that is none, where the framework says that nothing is there."""
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            raise NotAcceptable(f"There are {' and '.join(renderer.format for renderer in renderers)}.")
        return found
