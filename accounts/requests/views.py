"""What every view of ours derives from: one thing of the API (`Resource`), or a list of them (`Collection`).

The two have no docstring: it would be told in the OpenAPI document as the description of every view that has none.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.requests import conditional_writes, rate_limits
from accounts.tenancy import context
from api import field_selection
from api.deprecation import Deprecation

Row = TypeVar("Row", bound=Model)
Handler = Callable[..., HttpResponse]
SHOWN_TO_WHOM = ("Authorization",)
LIMITS_OF_REQUEST = "underone.limits"
BEARER_OF_REQUEST = "underone.bearer"
"""Where a request's META has the headers that tell of limits, and who asks."""


class Resource(APIView):
    deprecated: ClassVar[Deprecation | Mapping[str, Deprecation] | None] = None  # as a whole, or some methods (`get`) of it
    streamed: ClassVar[tuple[str, ...]] = ()  # methods that take a body of any size: they call `once` when they have read it
    picked: list[str] | None = None

    def perform_authentication(self, request: Request) -> None:
        """Count the request of who is known, and the failure of who is not. Raises Throttled."""
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:
            address = rate_limits.address_of(request.META)
            if rate_limits.has_failed_too_often(address=address):
                raise Throttled(wait=rate_limits.FAILURES_WAIT) from None
            rate_limits.count_failure(address=address)
            raise
        if request.auth is not None:
            bearer = context.bearer(request)
            spent = rate_limits.spend(bearer=bearer)
            request.META |= {BEARER_OF_REQUEST: bearer, LIMITS_OF_REQUEST: spent.headers}
            if spent.wait is not None:
                raise Throttled(wait=spent.wait)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        name = (request.method or "").lower()
        handler: Handler | None = getattr(self, name, None)
        if request.method in conditional_writes.METHODS and handler is not None:
            setattr(self, name, partial(self._write, handler))  # DRF looks the method up after this

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """The methods are in `Allow`, and everything else is in the document."""
        return Response({})

    def once(self, request: Request, *, body: bytes, act: Callable[[], HttpResponse]) -> HttpResponse:
        """The answer to a write; under an `Idempotency-Key` that was used for the same before, the answer of then.

        `body` is the digest of the body. To be called inside the transaction of the write, in the agency's scope.
        """
        key = conditional_writes.key_of(request)
        if key is None or request.auth is None:
            return act()
        asked = f"{request.method} {request.get_full_path()}\n".encode() + body
        before = conditional_writes.answered(request, key=key, fingerprint=hashlib.sha256(asked).digest())
        if before is not None:
            return before
        response = self._rendered(request, act())
        conditional_writes.keep(request, key=key, response=response)
        return response

    def pick(self, rows: Iterable[Mapping[str, Any]], *, known: Iterable[str]) -> list[dict[str, Any]]:
        """The rows with the fields that `?fields=` names; a spreadsheet gets whole rows, and writes these columns alone."""
        self.picked = field_selection.asked(self.request.query_params.get("fields", ""), known=known)
        is_sheet = self.request.accepted_renderer.format == "csv"
        return field_selection.only(rows, None if is_sheet else self.picked)

    def get_renderer_context(self) -> dict[str, Any]:
        return {**super().get_renderer_context(), "fields": self.picked}

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        headers = dict(self.headers)
        final = super().finalize_response(request, response, *args, **kwargs)
        self.headers = headers  # DRF takes `Vary` out of them, and would miss it in a second answer
        patch_vary_headers(final, SHOWN_TO_WHOM)
        deprecation = self.deprecation_of(request.method or "")
        for name, value in (deprecation.headers if deprecation else {}).items():
            others = final.get(name, "") if name == "Link" else ""
            final[name] = ", ".join(dict.fromkeys(filter(None, (others, value))))
        return final

    def deprecation_of(self, method: str) -> Deprecation | None:
        """That of one method (`get`), or of the whole."""
        if isinstance(self.deprecated, Mapping):
            return self.deprecated.get(method.lower())
        return self.deprecated

    def _write(self, handler: Handler, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        act = partial(self._unchanged, handler, request, *args, **kwargs)
        if (request.method or "").lower() in self.streamed:
            return act()
        digest = hashlib.sha256(request._request.body).digest() if conditional_writes.key_of(request) else b""  # noqa: SLF001
        return self.once(request, body=digest, act=act)

    def _unchanged(self, handler: Handler, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The answer of the handler, while no other request changes what can be read at this path."""
        read: Handler | None = getattr(self, "get", None)
        if read is not None and request.method != "POST":
            conditional_writes.hold(request)
            conditional_writes.check_unchanged(request, read=lambda: self._rendered(request, read(request, *args, **kwargs)))
        return handler(request, *args, **kwargs)

    def _rendered(self, request: Request, response: HttpResponse) -> HttpResponse:
        final: HttpResponse = self.finalize_response(request, response, *self.args, **self.kwargs)
        return final.render() if isinstance(final, Response) else final


class Collection(Resource, GenericAPIView[Row]):
    def get_paginated_response(self, data: Any) -> Response:
        row: Serializer[Any] = self.get_serializer_class()()  # type: ignore[assignment]
        return super().get_paginated_response(self.pick(data, known=row.fields))
