"""Compress responses with Brotli or gzip, as `Accept-Encoding` requests (RFC 9110, section 12.5.3)."""

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import brotli
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers

MIN_BYTES = 500
BROTLI_QUALITY, GZIP_LEVEL = 4, 5
COMPRESSIBLE = re.compile(
    r"(text/.*|application/(.*\+)?(json|xml|yaml)|application/javascript|image/svg\+xml)"
)
PREFERENCE = re.compile(r"\s*([\w.+*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE)
# Makes zlib write the header and trailer of gzip (zlib's manual, deflateInit2).
GZIP_FORMAT = 31


class Compressor(Protocol):
    """Describe the incremental interface of `brotli.Compressor`."""

    def process(self, block: bytes, /) -> bytes: ...
    def finish(self) -> bytes: ...


class GzipCompressor:
    """Give zlib's compressor the interface of `brotli.Compressor`."""

    def __init__(self) -> None:
        self.zlib = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_FORMAT)

    def process(self, block: bytes, /) -> bytes:
        return self.zlib.compress(block)

    def finish(self) -> bytes:
        return self.zlib.flush()


# For each encoding, in order of preference: compress a whole body; create a compressor for a streamed one.
ENCODINGS: dict[str, tuple[Callable[[bytes], bytes], Callable[[], Compressor]]] = {
    "br": (
        lambda content: brotli.compress(content, quality=BROTLI_QUALITY),
        lambda: brotli.Compressor(quality=BROTLI_QUALITY),
    ),
    # Without a fixed mtime, equal bodies would differ in gzip's header.
    "gzip": (lambda content: gzip.compress(content, GZIP_LEVEL, mtime=0), GzipCompressor),
}


class CompressionMiddleware:
    """Compress responses and weaken their ETags.

    Runs outside the middleware that compares ETags, because those describe the bytes before compression.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not _is_compressible(response):
            return response
        # Also on uncompressed responses: a cache must not give one to a client that accepts compression.
        patch_vary_headers(response, ("Accept-Encoding",))
        encoding = preferred_encoding(request.headers.get("Accept-Encoding", ""))
        # A 304 repeats the tag that a 200 would have (RFC 9110, section 15.4.5): weak where the client got a
        # compressed body.
        if response.status_code == 304:
            if encoding and "W/" in request.headers.get("If-None-Match", ""):
                _weaken_etag(response)
        elif encoding and _is_large_enough(response):
            _compress(response, encoding)
        return response


def preferred_encoding(accept_encoding: str) -> str | None:
    """Return the supported encoding with the highest quality value; None to send the body uncompressed."""
    qualities: dict[str, float] = {}
    for item in accept_encoding.split(","):
        if match := PREFERENCE.fullmatch(item):
            qualities[match[1].lower().replace("x-gzip", "gzip")] = float(match[2] or 1)
    supported = {name: qualities.get(name, qualities.get("*", 0.0)) for name in ENCODINGS}
    # max() returns the first of equal values: Brotli wins a tie.
    best = max(supported, key=lambda name: supported[name])
    return best if supported[best] > 0 and supported[best] >= qualities.get("identity", 0.0) else None


def _is_compressible(response: HttpResponseBase) -> bool:
    if response.status_code == 304:
        return True
    media_type = response.get("Content-Type", "").partition(";")[0].strip().lower()
    # Ranges (206) count the bytes of the uncompressed body.
    is_encoded = response.has_header("Content-Encoding")
    return bool(COMPRESSIBLE.fullmatch(media_type)) and not is_encoded and response.status_code != 206


def _is_large_enough(response: HttpResponseBase) -> bool:
    return not isinstance(response, HttpResponse) or len(response.content) >= MIN_BYTES


def _compress(response: HttpResponseBase, encoding: str) -> None:
    compress, create_compressor = ENCODINGS[encoding]
    if isinstance(response, StreamingHttpResponse):
        blocks: Iterable[bytes] = response.streaming_content  # type: ignore[assignment]
        response.streaming_content = _compress_stream(blocks, create_compressor())
        # The compressed length is known only at the end of the stream.
        del response["Content-Length"]
    elif isinstance(response, HttpResponse):
        response.content = compress(response.content)
        response["Content-Length"] = str(len(response.content))
    response["Content-Encoding"] = encoding
    _weaken_etag(response)


def _compress_stream(blocks: Iterable[bytes], compressor: Compressor) -> Iterator[bytes]:
    for block in blocks:
        if compressed := compressor.process(block):
            yield compressed
    yield compressor.finish()


def _weaken_etag(response: HttpResponseBase) -> None:
    if response.get("ETag", "").startswith('"'):
        response["ETag"] = "W/" + response["ETag"]
