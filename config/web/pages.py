"""Serve public pages: the index, the types of problems, and `security.txt`.

Browsers get plain HTML without scripts, and programs get JSON.
"""

import base64
import hashlib
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.problem_types import BY_SLUG, PROBLEM_TYPES, ProblemType
from api.translation import translate
from api.version import VERSION
from config.observability.health import UnauthenticatedView

STYLE = (
    ":root{color-scheme:light dark}body{max-width:44rem;margin:3rem auto;padding:0 1rem;font:1rem/1.5 "
    "system-ui,sans-serif}"
    "dt{font-weight:600;margin-top:1rem}dd{margin:0}"
)
# The policy allows this one inline style by its digest, and no other.
STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'",
}
INDEX = {
    "name": "Underone",
    "description": "Helps agencies keep the order defect rate of Amazon seller accounts under one percent.",
    "api": "/v1/",
    "openapi": "/v1/openapi.json",
    "docs": "/docs",
    "problems": "/problems",
    "health": "/healthz",
}
LINKS = {
    "docs": ("Documentation", "All operations, with examples."),
    "openapi": ("OpenAPI document", "The same description for programs. Generate a client from it."),
    "problems": ("Problems", "Every type of error, with its cause and its solution."),
    "health": ("Health", "Whether this server is running."),
}
SECURITY_TXT_DAYS = 180
"""RFC 9116 recommends less than a year."""


class Page(BaseRenderer):
    """Render what `page` of the view returns as HTML."""

    media_type = "text/html"
    format = "html"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        view = renderer_context["view"]
        return render_to_string("pages/page.html", {"style": STYLE, **view.page(data)})


class PublicPage(UnauthenticatedView):
    """Answer with JSON, or with HTML if a browser requests it."""

    renderer_classes = (JSONRenderer, Page)

    def answer(self, data: Any) -> Response:
        """Return the data with the headers of all pages."""
        return Response(data, headers=HEADERS)


@extend_schema_serializer(
    examples=[OpenApiExample("Paths", value={**INDEX, "version": "0.1.0"}, response_only=True)]
)
class IndexAnswer(serializers.Serializer[Any]):
    """The name, the version and the paths of the API."""

    name = serializers.CharField(help_text="The product's name.")
    version = serializers.CharField(max_length=40, help_text="The version of the product.")
    description = serializers.CharField(help_text="A one-sentence description of the product.")
    api = serializers.CharField(help_text="The path that all operations begin with.")
    openapi = serializers.CharField(help_text="The path of the OpenAPI document.")
    docs = serializers.CharField(help_text="The path of the documentation.")
    problems = serializers.CharField(help_text="The path of the list of problem types.")
    health = serializers.CharField(help_text="The path of the liveness check.")


class Index(PublicPage):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return self.answer({**INDEX, "version": VERSION, "description": translate(INDEX["description"])})

    def page(self, data: Any) -> dict[str, Any]:
        """Return the variables of the template for the index."""
        rows = [{"href": INDEX[key], "name": name, "text": text} for key, (name, text) in LINKS.items()]
        return {"title": f"{INDEX['name']} {VERSION}", "text": INDEX["description"], "rows": rows}


class ApiIndex(Index):
    """Answer with the same index at `/v1`, which the OpenAPI document describes."""

    @extend_schema(
        operation_id="getIndex",
        summary="Get the paths of the documentation",
        description="Returns the paths of the API and its documentation. Does not require "
        "authentication. Browsers receive the same content as HTML.",
        tags=["Index"],
        responses=IndexAnswer,
    )
    def get(self, request: Request) -> Response:
        return super().get(request)


def described(kind: ProblemType) -> dict[str, Any]:
    """Return a type of problem as JSON."""
    return {
        "type": kind.type,
        "title": translate(kind.title),
        "status": kind.status,
        "cause": translate(kind.cause),
        "cure": translate(kind.cure),
    }


class Problems(PublicPage):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return self.answer({"data": [described(kind) for kind in PROBLEM_TYPES], "next_cursor": None})

    def page(self, data: Any) -> dict[str, Any]:
        """Return the variables of the template for the list."""
        rows = [{"href": each["type"], "name": each["title"], "text": each["type"]} for each in data["data"]]
        text = "The type of a problem is the path of its page. Each page explains the cause and the solution."
        return {"title": "Problems", "text": text, "rows": rows, "back": "/", "back_text": "Underone"}


class OneProblem(PublicPage):
    @extend_schema(exclude=True)
    def get(self, request: Request, slug: str) -> Response:
        if slug not in BY_SLUG:
            raise NotFound("No problem has this type. See /problems.")
        return self.answer(described(BY_SLUG[slug]))

    def page(self, data: Any) -> dict[str, Any]:
        """Return the variables of the template for the type of problem."""
        status = data["status"] or "None. This type is the `problem` of a report, not of a response."
        rows = [
            ("Cause", data["cause"]),
            ("Cure", data["cure"]),
            ("Type", data["type"]),
            ("HTTP status", status),
        ]
        listed = [{"name": name, "text": text} for name, text in rows]
        return {"title": data["title"], "rows": listed, "back": "/problems", "back_text": "All problems"}


class SecurityTxt(UnauthenticatedView):
    """Answer with the contact for security reports (RFC 9116), if the installation has one."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        if not settings.SECURITY_CONTACT:
            raise NotFound(
                "This installation has no security contact. The operator can set SECURITY_CONTACT."
            )
        # Whole days, so that the answer and its ETag stay the same for a day.
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        expires = f"{today + timedelta(days=SECURITY_TXT_DAYS):%Y-%m-%dT%H:%M:%SZ}"
        text = f"Contact: {settings.SECURITY_CONTACT}\nExpires: {expires}\nPreferred-Languages: en, zh\n"
        return HttpResponse(
            text, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "public, max-age=300"}
        )
