"""Test that uploads are streamed, hashed and limited, and that no file is left over."""

import hashlib
import io
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from ingestion.api.uploads import DocumentTooLarge, DocumentUploadHandler, UploadedDocument
from tests.client import Client

CHUNK = 64 * 1024


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Return the folder for uploads."""
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "uploads"
    settings.MEDIA_ROOT = tmp_path / "documents"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def post(acme: Client, shop: str, **fields: Any) -> Any:
    return acme.post(f"/v1/accounts/{shop}/reports", fields, format="multipart")


def handler() -> DocumentUploadHandler:
    """Return an upload handler with a new file."""
    begun = DocumentUploadHandler(RequestFactory().post("/"))
    begun.new_file("file", "report.txt", "text/plain", None)
    return begun


def receive(into: DocumentUploadHandler, *chunks: bytes) -> None:
    start = 0
    for chunk in chunks:
        into.receive_data_chunk(chunk, start)
        start += len(chunk)


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 2000])
def test_document_is_taken_up_to_limit(acme: Client, shop: str, settings: Settings, size: int) -> None:
    settings.REPORT_MAX_BYTES = 1000

    response = post(acme, shop, file=SimpleUploadedFile("report.txt", b"x" * size))

    expected = (202, size) if size <= 1000 else (413, None)
    assert (response.status_code, response.json().get("size")) == expected


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 17])
def test_digest_is_of_every_byte(acme: Client, shop: str, size: int) -> None:
    document = os.urandom(size)

    report = post(acme, shop, file=SimpleUploadedFile("report.txt", document)).json()

    assert (report["size"], report["sha256"]) == (size, hashlib.sha256(document).hexdigest())


@pytest.mark.parametrize("chunks", [[b""], [b"abc"], [b"a", b"b", b"c"], [b"x" * CHUNK, b"y" * CHUNK, b"z"]])
def test_file_is_digested_while_it_streams_to_folder(folder: Path, chunks: list[bytes]) -> None:
    begun = handler()

    receive(begun, *chunks)
    document = begun.file_complete(sum(map(len, chunks)))

    assert isinstance(document, TemporaryUploadedFile)
    (path,) = folder.iterdir()
    assert path == Path(document.temporary_file_path())
    assert path.read_bytes() == b"".join(chunks)
    assert cast("UploadedDocument", document).sha256 == hashlib.sha256(b"".join(chunks)).hexdigest()
    document.close()
    assert list(folder.iterdir()) == []


def test_file_that_grows_too_large_stops_there_and_is_removed(folder: Path, settings: Settings) -> None:
    settings.REPORT_MAX_BYTES = 2 * CHUNK
    begun = handler()
    receive(begun, b"x" * CHUNK, b"x" * CHUNK)
    streamed = [path.stat().st_size for path in folder.iterdir()]

    with pytest.raises(DocumentTooLarge):
        begun.receive_data_chunk(b"x", 2 * CHUNK)

    assert streamed == [2 * CHUNK]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("announced", "is_refused"),
    [(1000, False), (1000 + CHUNK, False), (1000 + CHUNK + 1, True), (2**40, True)],
)
def test_body_that_announces_too_much_is_rejected_before_it_is_read(
    settings: Settings, announced: int, is_refused: bool
) -> None:
    settings.REPORT_MAX_BYTES = 1000
    request = RequestFactory().post("/")

    with pytest.raises(DocumentTooLarge) if is_refused else nullcontext():
        DocumentUploadHandler(request).handle_raw_input(None, request.META, announced, b"boundary")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"file": b"one"}, 202, id="taken"),
        pytest.param({"file": b"the first"}, 200, id="known"),
        pytest.param({"file": b"one", "marketplace": "UK"}, 400, id="a wrong field beside it"),
        pytest.param({"document": b"one"}, 400, id="under another name"),
        pytest.param({"file": b"one", "other": b"two"}, 202, id="with another"),
        pytest.param({"file": [b"one", b"two"]}, 202, id="two of the name"),
        pytest.param({"file": b"x" * 200_001}, 413, id="too large"),
        pytest.param({"first": b"x" * 1000, "file": b"x" * 200_001}, 413, id="too large after another"),
    ],
)
def test_upload_folder_is_empty_after_request(
    acme: Client, shop: str, folder: Path, settings: Settings, fields: dict[str, Any], status: int
) -> None:
    settings.REPORT_MAX_BYTES = 200_000
    post(acme, shop, file=SimpleUploadedFile("report.txt", b"the first"))

    response = post(acme, shop, **{name: as_files(value) for name, value in fields.items()})

    assert response.status_code == status
    assert list(folder.iterdir()) == []


def as_files(value: Any) -> Any:
    """Return bytes as a file, a list as several files, and a text as it is."""
    if isinstance(value, list):
        return [as_files(each) for each in value]
    return SimpleUploadedFile("report.txt", value) if isinstance(value, bytes) else value


HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="report.txt"\r\n\r\n'
CONTENT = b"a line of the report\r\n" * 10_000


@pytest.mark.parametrize(
    ("body", "size"),
    [
        pytest.param(HEAD + CONTENT + b"\r\n--x--\r\n", len(CONTENT), id="whole"),
        pytest.param(HEAD + CONTENT + b"\r\n--x", None, id="without its last bytes"),
        pytest.param(HEAD + CONTENT, None, id="at the end of the document"),
        pytest.param(HEAD + CONTENT[: 3 * CHUNK], None, id="in the middle"),
        pytest.param(HEAD, None, id="before the document"),
        pytest.param(HEAD[:20], None, id="in the head"),
    ],
)
def test_upload_that_breaks_off_is_no_document(
    acme: Client, shop: str, folder: Path, body: bytes, size: int | None
) -> None:
    sent = {"CONTENT_LENGTH": str(len(HEAD + CONTENT) + 9), "wsgi.input": io.BytesIO(body)}

    response = acme.generic(
        "POST", f"/v1/accounts/{shop}/reports", content_type="multipart/form-data; boundary=x", **sent
    )

    assert (response.status_code, response.json().get("size")) == (202 if size else 400, size)
    assert list(folder.iterdir()) == []
