"""Set the headers of every response: rate limits, caching, and ETags with conditional reads."""

from collections.abc import Callable

from django.db import DatabaseError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils import timezone

from accounts.api_keys import secrets as key_secrets
from accounts.requests.views import PRINCIPAL, RATE_LIMIT_HEADERS
from api import etags

GetResponse = Callable[[HttpRequest], HttpResponseBase]
READS = {"GET", "HEAD"}
NOT_MODIFIED_HEADERS = ("Cache-Control", "Content-Location", "ETag", "Vary")
# 401: there is no principal. 429: its use was recorded moments ago.
USE_NOT_RECORDED = (401, 429)


class ResponseHeadersMiddleware:
    """Set `RateLimit` headers, `Cache-Control` and `ETag`; answer 304 to matching conditional reads."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code >= 400 and response.status_code not in USE_NOT_RECORDED:
            _record_use(request)
        if request.method in READS and response.status_code == 200:
            response = _conditional(request, response)
        _set_cache_control(request, response)
        for name, value in request.META.get(RATE_LIMIT_HEADERS, {}).items():
            response[name] = value
        return response


def _record_use(request: HttpRequest) -> None:
    """Record the use of the key again, because an error response rolled back the first record."""
    principal = request.META.get(PRINCIPAL)
    if principal is None or principal.kind != "key":
        return
    try:
        key_secrets.record_use(agency_id=principal.agency_id, key_id=principal.id, now=timezone.now())
    except DatabaseError:
        # The database may be the cause of the error response. That response matters more than the time of
        # use.
        return


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the response with its ETag, or 304 if `If-None-Match` lists that ETag."""
    if isinstance(response, HttpResponse) and not response.has_header("ETag"):
        response["ETag"] = etags.compute(response.content)
    if "ETag" not in response or not etags.matches(
        request.headers.get("If-None-Match", ""), response["ETag"]
    ):
        return response
    if isinstance(response, FileResponse) and response.file_to_stream:
        # A 304 replaces the response, and nobody else would close its file.
        response.file_to_stream.close()
    return HttpResponseNotModified(
        headers={name: response[name] for name in NOT_MODIFIED_HEADERS if name in response}
    )


def _set_cache_control(request: HttpRequest, response: HttpResponseBase) -> None:
    """Allow the caller to store reads and revalidate them each time.

    Other responses may contain secrets and must not be stored.
    """
    if not response.has_header("Cache-Control"):
        is_storable = request.method in READS and response.status_code in {200, 304}
        response["Cache-Control"] = "private, no-cache" if is_storable else "no-store"
