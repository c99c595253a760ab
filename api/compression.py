"""Answers in fewer bytes, as `Accept-Encoding` asks (RFC 9110, section 12.5.3): Brotli, gzip, or as they are."""

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import brotli
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers

LEAST = 500  # bytes: less is not worth a header
BROTLI_QUALITY, GZIP_LEVEL = 4, 5
COMPRESSIBLE = re.compile(r"(text/.*|application/(.*\+)?(json|xml|yaml)|application/javascript|image/svg\+xml)")
MEMBER = re.compile(r"\s*([\w.+*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE)
GZIPPED = 31  # zlib writes gzip's head and tail


class Compressor(Protocol):
    def process(self, block: bytes, /) -> bytes: ...
    def finish(self) -> bytes: ...


class Gzip:
    def __init__(self) -> None:
        self.inner = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIPPED)

    def process(self, block: bytes, /) -> bytes:
        return self.inner.compress(block)

    def finish(self) -> bytes:
        return self.inner.flush()


ENCODINGS: dict[str, tuple[Callable[[bytes], bytes], Callable[[], Compressor]]] = {
    "br": (
        lambda content: brotli.compress(content, quality=BROTLI_QUALITY),
        lambda: brotli.Compressor(quality=BROTLI_QUALITY),
    ),
    "gzip": (lambda content: gzip.compress(content, GZIP_LEVEL, mtime=0), Gzip),
}
"""What we write, the smaller first: a whole answer, and one that streams."""


class CompressionMiddleware:
    """Stands outside of what compares tags: those are of the bytes as they were, and marked weak once these are compressed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not _may_be_compressed(response):
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        encoding = preferred(request.headers.get("Accept-Encoding", ""))
        if response.status_code == 304:
            if encoding and "W/" in request.headers.get("If-None-Match", ""):
                _weaken(response)
        elif encoding and _is_worth_it(response):
            _compress(response, encoding)
        return response


def preferred(accepted: str) -> str | None:
    """The encoding that an `Accept-Encoding` likes best of ours; None for the bytes as they are."""
    likes: dict[str, float] = {}
    for member in accepted.split(","):
        if found := MEMBER.fullmatch(member):
            likes[found[1].lower().replace("x-gzip", "gzip")] = float(found[2] or 1)
    liking = {name: likes.get(name, likes.get("*", 0.0)) for name in ENCODINGS}
    best = max(liking, key=lambda name: liking[name])  # of equals the first
    return best if liking[best] > 0 and liking[best] >= likes.get("identity", 0.0) else None


def _may_be_compressed(response: HttpResponseBase) -> bool:
    if response.status_code == 304:
        return True
    kind = response.get("Content-Type", "").partition(";")[0].strip().lower()
    return bool(COMPRESSIBLE.fullmatch(kind)) and not response.has_header("Content-Encoding") and response.status_code != 206


def _is_worth_it(response: HttpResponseBase) -> bool:
    return not isinstance(response, HttpResponse) or len(response.content) >= LEAST


def _compress(response: HttpResponseBase, encoding: str) -> None:
    whole, streaming = ENCODINGS[encoding]
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = _streamed(response.streaming_content, streaming())  # type: ignore[arg-type]
        del response["Content-Length"]
    elif isinstance(response, HttpResponse):
        response.content = whole(response.content)
        response["Content-Length"] = str(len(response.content))
    response["Content-Encoding"] = encoding
    _weaken(response)


def _streamed(blocks: Iterable[bytes], compressor: Compressor) -> Iterator[bytes]:
    for block in blocks:
        if packed := compressor.process(block):
            yield packed
    yield compressor.finish()


def _weaken(response: HttpResponseBase) -> None:
    if response.get("ETag", "").startswith('"'):
        response["ETag"] = "W/" + response["ETag"]
