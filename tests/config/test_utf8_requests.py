"""Test that no header affects how long a request is read, or whether it is answered."""

from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory

from api.negotiation import JsonParser
from config.web.utf8_requests import Utf8Handler, Utf8Request

NO_CHARSETS = ["hex", "undefined", "punycode", "rot13", "utf-7", "idna", "nonsense", "\xff"]


def environ(kind: str, *, query: str = "", body: bytes = b"") -> dict[str, Any]:
    about = {
        "PATH_INFO": "/healthz",
        "QUERY_STRING": query,
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
    }
    return RequestFactory().get("/").environ | about | {"wsgi.input": BytesIO(body), "HTTP_HOST": "localhost"}


@pytest.mark.parametrize("charset", NO_CHARSETS)
def test_charset_has_no_effect(charset: str) -> None:
    request = Utf8Request(environ(f"application/json; charset={charset}", query="name=M%C3%B6bel"))

    assert (request.encoding, request.GET["name"]) == (None, "Möbel")
    assert request.content_type == "application/json"


@pytest.mark.parametrize(
    "kind", ["a/b; charset=hex", "a/b; charset=punycode", "a/b; c*=nope''%41", "", ";", "; charset", "\xff"]
)
def test_content_types_are_all_answered(db: None, kind: str) -> None:
    statuses: list[str] = []

    body = b"".join(Utf8Handler()(environ(kind, query="x=%FF"), lambda status, *_: statuses.append(status)))  # type: ignore[arg-type]

    assert statuses == ["200 OK"], body


def test_boundary_of_multipart_is_kept() -> None:
    assert Utf8Request(environ("multipart/form-data; boundary=b; charset=hex")).content_params == {
        "boundary": "b",
        "charset": "hex",
    }


@pytest.mark.parametrize("charset", NO_CHARSETS)
def test_json_body_is_utf_8(charset: str) -> None:
    read = JsonParser().parse(
        BytesIO('{"name": "Möbel"}'.encode()), f"application/json; charset={charset}", {"encoding": charset}
    )

    assert read == {"name": "Möbel"}
