"""Define the base classes of all views: `Resource` for one object, `Collection` for a list.

They have no docstrings, because drf-spectacular would use them as the description of every operation without
one.
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

from accounts.requests import conditional_writes, rate_limits, unchangeable
from accounts.tenancy import context
from api import field_selection
from api.openapi import declared

Row = TypeVar("Row", bound=Model)
Handler = Callable[..., HttpResponse]
VARY = ("Authorization",)
# Keys of a request's META for the middleware: the RateLimit headers, and the principal.
RATE_LIMIT_HEADERS = "underone.limits"
PRINCIPAL = "underone.principal"


class Resource(APIView):
    # What a request takes from its rate limits, in units. Where it depends on the request, override
    # `request_cost`. docs/api-conventions.md lists those above one.
    cost: ClassVar[int] = 1
    # Methods that read a body of any size themselves, and call `idempotent` once they have read it.
    streamed_methods: ClassVar[tuple[str, ...]] = ()
    # The serializer of the rows from which `?fields=` selects, where it is not a list's.
    row_serializer: ClassVar[type[Serializer[Any]] | None] = None
    selected_fields: list[str] | None = None
    # Why fields that the resource has cannot be changed by PATCH, by their names.
    unchangeable_because: ClassVar[Mapping[str, str]] = {}

    def perform_authentication(self, request: Request) -> None:
        """Authenticate the request, then count it for the principal, or count the failure. Raises
        Throttled."""
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:
            # Only after the key proved invalid: a valid key is never refused because of
            # other failures from its address.
            address = rate_limits.client_address(request.META)
            if rate_limits.has_too_many_failures(address=address):
                raise Throttled(wait=rate_limits.FAILURES_WAIT) from None
            rate_limits.record_failure(address=address)
            raise
        if request.auth is not None:
            principal = context.principal(request)
            # After authentication: requests are counted by principal, and strangers
            # cannot use up an agency's quota.
            usage = rate_limits.consume(principal=principal, cost=self.request_cost(request))
            request.META |= {PRINCIPAL: principal, RATE_LIMIT_HEADERS: usage.headers}
            if usage.wait is not None:
                raise Throttled(wait=usage.wait)

    def request_cost(self, request: Request) -> int:
        """Return what the request takes from its rate limits.

        Its parameters are not checked yet. Wrong ones cost one unit, because they are refused.
        """
        return self.cost

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        name = (request.method or "").lower()
        handler: Handler | None = getattr(self, name, None)
        # After authentication and permissions: strangers learn nothing about an operation. Other methods are
        # answered with 405.
        if handler is not None and name != "options":
            declared.check_query(request)
        if request.method in conditional_writes.WRITE_METHODS and handler is not None:
            # DRF looks the handler up by this name after `initial`.
            setattr(self, name, partial(self._write, handler))

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Answer OPTIONS with an empty object.

        `Allow` lists the methods, and the OpenAPI document contains everything else.
        """
        return Response({})

    def idempotent(self, request: Request, *, body: bytes, act: Callable[[], HttpResponse]) -> HttpResponse:
        """Return the response of `act`, or the stored response if its `Idempotency-Key` was used before.

        `body` is the digest of the body. Call this inside the transaction of the write, in its tenant
        context.

        1. Claim the key, or return the response stored under it.
        2. Perform the write.
        3. Store its response under the key.
        """
        key = conditional_writes.idempotency_key(request)
        if key is None or request.auth is None:
            return act()
        content = f"{request.method} {request.get_full_path()}\n".encode() + body
        # Before `act` and its check of If-Match: after the first request, the resource has another ETag.
        stored = conditional_writes.claim_key(request, key=key, fingerprint=hashlib.sha256(content).digest())
        if stored is not None:
            return stored
        # Rendered here, inside the transaction: DRF renders only after the
        # view, when it is too late to store.
        response = self._render(request, act())
        conditional_writes.store_response(request, key=key, response=response)
        return response

    def select_fields(
        self, rows: Iterable[Mapping[str, Any]], *, available: Iterable[str]
    ) -> list[dict[str, Any]]:
        """Return the rows with the fields that `?fields=` lists.

        Rows for CSV keep all fields, because the columns need them.
        """
        # Generated clients send a list either as `fields=id,name` or as `fields=id&fields=name`.
        fields = ",".join(self.request.query_params.getlist("fields"))
        self.selected_fields = field_selection.parse(fields, available=available)
        is_csv = self.request.accepted_renderer.format == "csv"
        return field_selection.select(rows, None if is_csv else self.selected_fields)

    def selectable_fields(self) -> tuple[str, ...]:
        """Return the names that `?fields=` accepts. The result is empty if the response has no rows."""
        return tuple(self.row_serializer().fields) if self.row_serializer else ()

    def get_renderer_context(self) -> dict[str, Any]:
        return {**super().get_renderer_context(), "fields": self.selected_fields}

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        headers = dict(self.headers)
        final = super().finalize_response(request, response, *args, **kwargs)
        # DRF removes `Vary` from self.headers. Restore it: one request can finalize two responses
        # (check_if_match).
        self.headers = headers
        patch_vary_headers(final, VARY)
        return final

    def _write(self, handler: Handler, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        act = partial(self._write_if_unchanged, handler, request, *args, **kwargs)
        if (request.method or "").lower() in self.streamed_methods:
            return act()
        has_key = conditional_writes.idempotency_key(request)
        digest = hashlib.sha256(request._request.body).digest() if has_key else b""  # noqa: SLF001  DRF's way to Django's request
        return self.idempotent(request, body=digest, act=act)

    def _write_if_unchanged(
        self, handler: Handler, request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Lock the path, check `If-Match` and the fields of a PATCH, then return the handler's response.

        Paths without GET have no ETag.
        """
        read: Handler | None = getattr(self, "get", None)
        if read is not None and request.method != "POST":
            # The lock first: of two writes with one ETag, the second must see what the first has changed.
            conditional_writes.lock_path(request)
            conditional_writes.check_if_match(
                request, read=lambda: self._render(request, read(request, *args, **kwargs))
            )
        if read is not None and request.method == "PATCH":
            unchangeable.check(
                request,
                reasons=self.unchangeable_because,
                read=lambda: self._render(request, read(request, *args, **kwargs)),
            )
        return handler(request, *args, **kwargs)

    def _render(self, request: Request, response: HttpResponse) -> HttpResponse:
        final: HttpResponse = self.finalize_response(request, response, *self.args, **self.kwargs)
        return final.render() if isinstance(final, Response) else final


class Collection(Resource, GenericAPIView[Row]):
    def selectable_fields(self) -> tuple[str, ...]:
        """Return the names of the fields of the list's rows."""
        row: Serializer[Any] = self.get_serializer_class()()  # type: ignore[assignment]
        return tuple(row.fields)

    def get_paginated_response(self, data: Any) -> Response:
        return super().get_paginated_response(self.select_fields(data, available=self.selectable_fields()))
