"""What every answer carries: the limits of who asks, whether it may be kept, and a tag by which it is known again."""

from collections.abc import Callable

from django.db import DatabaseError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils import timezone

from accounts.api_keys import secrets as key_secrets
from accounts.requests.views import BEARER_OF_REQUEST, LIMITS_OF_REQUEST
from api import etags

GetResponse = Callable[[HttpRequest], HttpResponseBase]
READS = {"GET", "HEAD"}
OF_UNCHANGED = ("Cache-Control", "Content-Location", "ETag", "Vary")
NOT_WRITTEN = (401, 429)  # nobody is known; or was known to be there a moment ago


class AnswersMiddleware:
    """`RateLimit` headers, `Cache-Control`, `ETag`; and 304 where what the caller has is what we would say."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code >= 400 and response.status_code not in NOT_WRITTEN:
            _note_use(request)
        if request.method in READS and response.status_code == 200:
            response = _conditional(request, response)
        _tell_caches(request, response)
        for name, value in request.META.get(LIMITS_OF_REQUEST, {}).items():
            response[name] = value
        return response


def _note_use(request: HttpRequest) -> None:
    """A refusal took back all that the request had written, and that its key was used too."""
    bearer = request.META.get(BEARER_OF_REQUEST)
    if bearer is None or bearer.kind != "key":
        return
    try:
        key_secrets.note_use(agency_id=bearer.agency_id, key_id=bearer.id, now=timezone.now())
    except DatabaseError:  # it was the reason of the refusal, perhaps
        return


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer with its tag; 304 where the caller names it."""
    if isinstance(response, HttpResponse) and not response.has_header("ETag"):
        response["ETag"] = etags.of(response.content)
    if "ETag" not in response or not etags.names(request.headers.get("If-None-Match", ""), response["ETag"]):
        return response
    if isinstance(response, FileResponse) and response.file_to_stream:
        response.file_to_stream.close()
    told = {name: response[name] for name in OF_UNCHANGED if name in response}
    return HttpResponseNotModified(headers=told)


def _tell_caches(request: HttpRequest, response: HttpResponseBase) -> None:
    """Reads may be kept by who asked, and are asked for anew each time; whatever else is answered may hold secrets."""
    if not response.has_header("Cache-Control"):
        may_be_kept = request.method in READS and response.status_code in {200, 304}
        response["Cache-Control"] = "private, no-cache" if may_be_kept else "no-store"
