"""Test compression: the chosen encoding, and uncompressed responses."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
import pytest
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from api.compression import MIN_BYTES, CompressionMiddleware, preferred_encoding
from tests.client import Client

TEXT = json.dumps([{"number": number, "name": "Nordwind Outdoor"} for number in range(200)]).encode()
UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "br": brotli.decompress, "": bytes}


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("deflate", None),
        ("*", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip;q=0.2, br;q=0.5", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("*;q=0", None),
        ("*;q=0, gzip;q=0.001", "gzip"),
        ("br;q=0, *", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        (" gzip ; q=0.8 ", "gzip"),
        ("gzip;q=2", None),
        ("gzip;q=x, br;q=", None),
        ("gzip;level=9", None),
        (",,,", None),
        ("\x00", None),
    ],
)
def test_preferred_encoding_is_used(accepted: str, encoding: str | None) -> None:
    assert preferred_encoding(accepted) == encoding


def sent(response: HttpResponseBase, accepted: str, **meta: str) -> HttpResponseBase:
    """Return the response to a client that accepts these encodings."""
    request = HttpRequest()
    request.META |= {"HTTP_ACCEPT_ENCODING": accepted} | meta
    return CompressionMiddleware(lambda _: response)(request)


def body(response: HttpResponseBase) -> bytes:
    content: bytes = response.getvalue()
    return UNPACK[response.get("Content-Encoding", "")](content)


@pytest.mark.parametrize("accepted", ["gzip", "br", ""])
def test_compressed_body_decompresses_to_original(accepted: str) -> None:
    answer = sent(HttpResponse(TEXT, content_type="application/json", headers={"ETag": '"x"'}), accepted)

    assert body(answer) == TEXT
    assert answer["Vary"] == "Accept-Encoding"
    assert answer["ETag"] == ('W/"x"' if accepted else '"x"')


def blocks() -> Iterator[bytes]:
    for place in range(0, len(TEXT), 777):
        yield TEXT[place : place + 777]


@pytest.mark.parametrize("accepted", ["gzip", "br", ""])
def test_compressed_stream_is_streamed(accepted: str) -> None:
    answer = sent(StreamingHttpResponse(blocks(), content_type="text/csv; charset=utf-8"), accepted)

    assert answer.streaming
    assert body(answer) == TEXT
    assert answer.get("Content-Encoding", "") == accepted


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/problem+json",
        "text/csv",
        "text/html; charset=utf-8",
        "application/vnd.oai.openapi+json",
    ],
)
def test_compressed_content_types_are_texts(kind: str) -> None:
    assert sent(HttpResponse(TEXT, content_type=kind), "gzip")["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "kind", ["application/octet-stream", "application/zip", "image/png", "application/gzip", ""]
)
def test_compressed_twice_is_nothing(kind: str) -> None:
    answer = sent(HttpResponse(TEXT, content_type=kind or "x"), "gzip, br")

    assert "Content-Encoding" not in answer
    assert "Vary" not in answer


def test_compression_skips_small_bodies_and_sets_vary() -> None:
    answer = sent(HttpResponse(b"x" * (MIN_BYTES - 1), content_type="application/json"), "gzip")

    assert ("Content-Encoding" in answer, answer["Vary"]) == (False, "Accept-Encoding")


def test_compression_keeps_length_of_uncompressed_file(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(TEXT)
    with path.open("rb") as one, path.open("rb") as other:
        as_it_is = sent(FileResponse(one, content_type="application/zip"), "gzip")
        packed = sent(FileResponse(other, content_type="text/csv"), "gzip")

        assert [answer.get("Content-Length") for answer in (as_it_is, packed)] == [str(len(TEXT)), None]
        assert [body(answer) for answer in (as_it_is, packed)] == [TEXT, TEXT]


def test_compression_keeps_etag_of_unchanged_response() -> None:
    packed = sent(HttpResponse(status=304, headers={"ETag": '"x"'}), "gzip", HTTP_IF_NONE_MATCH='W/"x"')
    plain = sent(HttpResponse(status=304, headers={"ETag": '"x"'}), "", HTTP_IF_NONE_MATCH='"x"')

    assert (packed["ETag"], plain["ETag"]) == ('W/"x"', '"x"')


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_compressed_response_matches_weak_etag(acme: Client, encoding: str) -> None:
    for number in range(20):
        acme.take_on(partner=f"A{number}")
    plain = acme.get("/v1/accounts")

    packed = acme.get("/v1/accounts", HTTP_ACCEPT_ENCODING=encoding)
    again = acme.get("/v1/accounts", HTTP_ACCEPT_ENCODING=encoding, HTTP_IF_NONE_MATCH=packed["ETag"])

    assert UNPACK[encoding](packed.content) == plain.content
    assert (packed["ETag"], int(packed["Content-Length"])) == ("W/" + plain["ETag"], len(packed.content))
    assert len(packed.content) < len(plain.content) / 5
    assert (again.status_code, again["ETag"]) == (304, packed["ETag"])
