"""Test documents in object storage against a real S3 server: streams, errors, names, and privacy."""

import contextlib
import io
import os
import socket
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile, File

from api.problems import StorageUnavailable
from config.documents.s3 import DocumentStorage
from config.env import BadVariable
from tests import memory
from tests.object_storage import CREDENTIALS, Bucket, s3_server, storages_at

MEGABYTE = 1024**2
LARGE = 64 * MEGABYTE


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(server: str) -> Bucket:
    return Bucket(server)


def storage_of(documents_url: str) -> DocumentStorage:
    return DocumentStorage(**storages_at(documents_url)["default"]["OPTIONS"])


@pytest.fixture
def storage(bucket: Bucket) -> DocumentStorage:
    return storage_of(bucket.url())


def test_document_is_stored_below_the_prefix_and_read(bucket: Bucket, storage: DocumentStorage) -> None:
    name = storage.save("agency/account/rpt_1", ContentFile(b"0123456789"))

    assert bucket.keys() == [f"underone/{name}"]
    assert name.startswith("agency/account/rpt_1-")
    assert (storage.exists(name), storage.size(name)) == (True, 10)
    with storage.open(name) as document:
        assert (document.size, document.read()) == (10, b"0123456789")


def test_document_is_read_from_any_position(storage: DocumentStorage) -> None:
    content = bytes(range(256)) * 4096
    name = storage.save("a", ContentFile(content))

    with storage.open(name) as document:
        assert document.seek(-10, io.SEEK_END) == len(content) - 10
        assert document.read() == content[-10:]
        assert document.read(1) == b""
        document.seek(700_000)
        assert document.read(300) == content[700_000:700_300]
        document.seek(0)
        assert document.read() == content
        document.seek(len(content) + 5)
        assert document.read(5) == b""


def test_empty_document_is_read(storage: DocumentStorage) -> None:
    name = storage.save("empty", ContentFile(b""))

    with storage.open(name) as document:
        assert document.read() == b""


def test_archive_is_read_by_its_list_of_files(storage: DocumentStorage) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("report.txt", os.urandom(MEGABYTE))
        archive.writestr("last.txt", "the last")
    name = storage.save("archive", ContentFile(packed.getvalue()))

    with storage.open(name) as document, zipfile.ZipFile(document) as archive:
        assert archive.read("last.txt") == b"the last"


def test_large_document_is_stored_and_read_in_bounded_memory(storage: DocumentStorage) -> None:
    with tempfile.TemporaryFile() as file:
        file.truncate(LARGE)
        with memory.measured() as storing:
            name = storage.save("large", File(file))
        assert not file.closed
    with memory.measured() as reading, storage.open(name) as document:
        total = sum(len(block) for block in iter(lambda: document.read(MEGABYTE), b""))

    assert total == storage.size(name) == LARGE
    assert storing.bytes < LARGE * 3 / 4
    assert reading.bytes < LARGE / 8


class CuttingProxy:
    """Forward connections to the server, and cut the first ones off in the middle of a response."""

    def __init__(self, *, target: str, cuts: int, after: int) -> None:
        self.target = int(target.rpartition(":")[2])
        self.cuts, self.after = cuts, after
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._copy, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._copy, args=(server, client, True), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, is_response: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                passed += len(block)
                if is_response and self.cuts and passed > self.after:
                    self.cuts -= 1
                    break
                sink.sendall(block)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def test_transfer_that_breaks_off_is_continued(bucket: Bucket, storage: DocumentStorage, server: str) -> None:
    content = os.urandom(3 * MEGABYTE)
    name = storage.save("cut", ContentFile(content))
    proxy = CuttingProxy(target=server, cuts=2, after=MEGABYTE)

    with storage_of(bucket.url(endpoint=proxy.url)).open(name) as document:
        assert document.read() == content

    assert proxy.cuts == 0
    proxy.listener.close()


def test_document_that_is_replaced_while_it_is_read_is_not_mixed(storage: DocumentStorage) -> None:
    storage.put("marker", b"a" * MEGABYTE)

    with storage.open("marker") as document:
        assert document.read(10) == b"a" * 10
        storage.put("marker", b"b" * MEGABYTE)
        document.seek(MEGABYTE - 10)
        with pytest.raises(StorageUnavailable):
            document.read(10)


def test_missing_document_is_not_found_and_deleting_it_is_no_error(storage: DocumentStorage) -> None:
    storage.delete("nothing")

    with pytest.raises(FileNotFoundError):
        storage.open("nothing")
    with pytest.raises(FileNotFoundError):
        storage.size("nothing")
    assert not storage.exists("nothing")
    assert storage.listdir("nothing") == ([], [])


def test_folder_of_more_than_a_thousand_documents_is_listed(bucket: Bucket, storage: DocumentStorage) -> None:
    for number in range(1100):
        bucket.client.put_object(Bucket=bucket.name, Key=f"underone/agency/account/rpt_{number}", Body=b"")
    bucket.client.put_object(Bucket=bucket.name, Key="underone/agency/exports/exp_1", Body=b"")
    bucket.client.put_object(Bucket=bucket.name, Key="underone/agency2/exports/exp_2", Body=b"")

    folders, files = storage.listdir("agency")

    assert (sorted(folders), files) == (["account", "exports"], [])
    assert len(storage.listdir("agency/account")[1]) == 1100


def test_documents_of_one_name_never_overwrite_each_other(storage: DocumentStorage) -> None:
    first, second = (storage.save("exports/exp_1", ContentFile(content)) for content in (b"one", b"two"))

    storage.delete(second)

    with storage.open(first) as document:
        assert document.read() == b"one"


def test_documents_are_private_and_have_no_url(bucket: Bucket, storage: DocumentStorage) -> None:
    name = storage.save("private", ContentFile(b"x"))

    grants = bucket.client.get_object_acl(Bucket=bucket.name, Key=f"underone/{name}")["Grants"]

    assert {grant["Grantee"]["Type"] for grant in grants} == {"CanonicalUser"}
    with pytest.raises(NotImplementedError):
        storage.url(name)


@pytest.mark.parametrize(
    ("parameters", "algorithm"),
    [({}, None), ({"encryption": "AES256"}, "AES256"), ({"encryption": "aws:kms"}, "aws:kms")],
)
def test_server_side_encryption_is_requested_if_set(
    bucket: Bucket, parameters: dict[str, str], algorithm: str | None
) -> None:
    name = storage_of(bucket.url(**parameters)).save("a", ContentFile(b"x"))

    head = bucket.client.head_object(Bucket=bucket.name, Key=f"underone/{name}")
    requested = head.get("ServerSideEncryption")

    assert requested == algorithm or (algorithm is None and requested == "AES256")


def test_name_outside_of_the_prefix_is_refused(storage: DocumentStorage) -> None:
    for name in ("../secret", "/secret", "agency/../../secret"):
        with pytest.raises(SuspiciousOperation):
            storage.open(name)


class Refusing(BaseHTTPRequestHandler):
    status = 403

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815  the names that the server calls

    def log_message(self, *args: Any) -> None:
        pass


def test_denied_access_is_a_permission_error(bucket: Bucket) -> None:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    denied = storage_of(bucket.url(endpoint=f"http://127.0.0.1:{server.server_port}"))

    with pytest.raises(PermissionError):
        denied.open("a")
    with pytest.raises(PermissionError):
        denied.delete("a")
    server.shutdown()
    server.server_close()


def test_storage_without_answer_is_unavailable(bucket: Bucket) -> None:
    away = storage_of(bucket.url(endpoint="http://127.0.0.1:1"))

    with pytest.raises(StorageUnavailable):
        away.open("a")
    with pytest.raises(StorageUnavailable):
        away.save("a", ContentFile(b"x"))


def test_missing_bucket_is_unavailable_and_no_missing_document(bucket: Bucket) -> None:
    wrong = storage_of(bucket.url().replace(bucket.name, "documents-nobody-made"))

    with pytest.raises(StorageUnavailable):
        wrong.open("a")


def test_forked_process_has_its_own_connection(storage: DocumentStorage) -> None:
    before = storage.connection
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, b"same" if storage.connection is before else b"own!")
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 4) == b"own!"
    assert storage.connection is before
    os.close(reader)
    os.close(writer)


def test_threads_share_one_connection(storage: DocumentStorage) -> None:
    found: list[Any] = []
    first = storage.connection

    thread = threading.Thread(target=lambda: found.append(storage.connection))
    thread.start()
    thread.join()

    assert found == [first]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://documents", {"bucket_name": "documents", "location": ""}),
        ("s3://documents/", {"bucket_name": "documents", "location": ""}),
        (
            "s3://documents/under/one?endpoint=http://127.0.0.1:9000&addressing=path",
            {"location": "under/one", "endpoint_url": "http://127.0.0.1:9000", "addressing_style": "path"},
        ),
        (
            "s3://documents?encryption=aws:kms&kms_key=alias/underone&region=eu-central-1",
            {
                "object_parameters": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/underone"},
                "region_name": "eu-central-1",
            },
        ),
    ],
)
def test_documents_url_is_read(url: str, expected: dict[str, Any]) -> None:
    options = storages_at(url)["default"]["OPTIONS"]

    assert {name: options[name] for name in expected} == expected


@pytest.mark.parametrize(
    "url",
    [
        "documents",
        "s3://",
        "s3://UPPER",
        "https://bucket/prefix",
        "s3://key:secret@documents/prefix",
        "s3://documents/../secret",
        "s3://documents?endpoint=ftp://host",
        "s3://documents?endpoint=https://host&endpoint=https://other",
        "s3://documents?colour=red",
        "s3://documents?encryption=rot13",
        "s3://documents?kms_key=alias/underone",
        "s3://documents#fragment",
    ],
)
def test_invalid_documents_url_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(BadVariable) as refusal:
        storages_at(url)

    assert str(refusal.value).startswith("DOCUMENTS_URL")
    assert "secret@" not in str(refusal.value)
