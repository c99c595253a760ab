"""Serve the OpenAPI document, which is in English and which each process builds once."""

import threading
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request

from api import etags

# The generator is not safe for threads: of the first requests, all but one would be answered 500.
building = threading.Lock()


class Document(SpectacularJSONAPIView):
    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        with building:
            content, tag = built(urls=settings.ROOT_URLCONF)
        headers = {
            "ETag": tag,
            "Content-Disposition": 'inline; filename="Underone.json"',
            "Content-Language": settings.LANGUAGE_CODE,
        }
        return HttpResponse(content, content_type=request.accepted_renderer.media_type, headers=headers)


# Building takes long, and the document depends on the code only.
@cache
def built(*, urls: str) -> tuple[bytes, str]:
    """Build the document of these URLs, and return it with its ETag."""
    # Its examples have texts of problems, which are otherwise in the language of the request.
    with translation.override(settings.LANGUAGE_CODE):
        schema = SchemaGenerator(urlconf=urls).get_schema(public=True)  # type: ignore[no-untyped-call]
        content = OpenApiJsonRenderer().render(schema)
    return content, etags.compute(content)
