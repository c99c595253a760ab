"""Test that documents without personal data are moved to the storage, and others redacted."""

import hashlib
from pathlib import Path
from typing import cast

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from accounts.models import Agency
from ingestion.api.uploads import DocumentUploadHandler, UploadedDocument
from ingestion.redaction import storage
from tests import build, clock
from tests.client import Client

DAY = f"{clock.NOW:%m/%d/%y}"
ORDERS = build.orders_file([build.order_row()])
FEEDBACK = build.feedback_file([build.feedback_row(order=build.order_id(1), on=DAY)])
BLANK = FEEDBACK.replace(b"never arrived", b"").replace(b"x1y2z3@marketplace.amazon.com", b"")
XML = build.orders_xml(build.message())
COLUMNS = ["Comments", "Your Response", "Rater Email"]


@pytest.fixture(autouse=True)
def uploads(settings: Settings, tmp_path: Path) -> Path:
    """Return the folder for uploads. Documents are stored next to it."""
    settings.MEDIA_ROOT = tmp_path / "documents"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "uploads"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def uploaded(document: bytes) -> UploadedDocument:
    """Return a document as the upload handler passes it on."""
    handler = DocumentUploadHandler(RequestFactory().post("/"))
    handler.new_file("file", "report.txt", "text/plain", None)
    handler.receive_data_chunk(document, 0)
    return cast("UploadedDocument", handler.file_complete(len(document)))


def store_document(
    content: "File[bytes]", *, keeps: bool = False, marketplace: str = "US", announced: str = ""
) -> tuple[bytes, list[str]]:
    """Store a document and return its stored bytes and redacted columns."""
    agency = Agency(name="Acme", keeps_personal_columns=keeps)
    name, columns, _ = storage.store(
        content=content, name="a/b/c", agency=agency, announced_type=announced, marketplace=marketplace
    )
    if isinstance(content, TemporaryUploadedFile) and not Path(content.temporary_file_path()).exists():
        content.close()
    with default_storage.open(name) as stored:
        return bytes(stored.read()), columns


@pytest.mark.parametrize("document", [ORDERS, XML, b"", b"anything", build.packed(ORDERS), build.packed(XML)])
def test_document_without_personal_data_is_moved_and_not_copied(document: bytes, uploads: Path) -> None:
    content = uploaded(document)
    inode = Path(content.temporary_file_path()).stat().st_ino

    stored, columns = store_document(content)

    assert (stored, columns) == (document, [])
    assert Path(default_storage.path("a/b/c")).stat().st_ino == inode
    assert list(uploads.iterdir()) == []


def test_redacted_copy_is_stored_and_upload_is_deleted(uploads: Path) -> None:
    content = uploaded(FEEDBACK)

    stored, columns = store_document(content)

    assert (stored, columns) == (BLANK, COLUMNS)
    assert content.sha256 == hashlib.sha256(FEEDBACK).hexdigest()
    assert [path.read_bytes() for path in uploads.iterdir()] == [FEEDBACK]
    content.close()
    assert list(uploads.iterdir()) == []


def test_agency_that_keeps_personal_columns_gets_its_file_moved(uploads: Path) -> None:
    assert store_document(uploaded(FEEDBACK), keeps=True) == (FEEDBACK, [])
    assert list(uploads.iterdir()) == []


def test_xml_that_only_looked_personal_is_stored_as_it_came(uploads: Path) -> None:
    document = XML.replace(b"<AmazonEnvelope>", b"<AmazonEnvelope><!-- <BuyerName>Jane</BuyerName> -->")

    assert store_document(uploaded(document)) == (document, [])
    assert list(uploads.iterdir()) == []


@pytest.mark.parametrize(("marketplace", "is_known"), [("JP", True), ("US", False)])
def test_marketplace_says_in_which_letters_header_may_be(marketplace: str, is_known: bool) -> None:
    document = f"order-id\tコメント\n{build.order_id(1)}\t東京\n".encode("cp932")

    stored, columns = store_document(ContentFile(document), marketplace=marketplace)

    assert columns == (["コメント"] if is_known else [])
    assert (stored == document) is not is_known


def test_document_in_memory_is_stored_alike() -> None:
    assert store_document(ContentFile(FEEDBACK)) == (BLANK, COLUMNS)


def test_announced_feedback_is_redacted_as_feedback() -> None:
    document = FEEDBACK.replace(b"Date\tRating\tComments", b"a\tb\tc").replace(
        build.order_id(1).encode(), b"none"
    )

    stored, columns = store_document(ContentFile(document), announced="GET_SELLER_FEEDBACK_DATA")

    assert columns == ["c", "Your Response", "Rater Email"]
    assert b"never arrived" not in stored


def test_upload_of_personal_data_leaves_nothing_behind_in_folder(
    acme: Client, shop: str, uploads: Path
) -> None:
    for document in (FEEDBACK, FEEDBACK, ORDERS):
        acme.load(shop, document)

    assert list(uploads.iterdir()) == []
    stored = [path.read_bytes() for path in Path(default_storage.path("")).rglob("*") if path.is_file()]
    assert sorted(stored) == sorted([BLANK, ORDERS])


@pytest.mark.parametrize(
    ("codec", "marketplace"), [("cp1252", "DE"), ("utf-8", "DE"), ("cp932", "JP"), ("utf-16", "US")]
)
def test_report_says_what_it_was_written_in_though_what_stated_so_was_redacted(
    acme: Client, shop: str, codec: str, marketplace: str
) -> None:
    day = build.days_ago(3).strftime({"DE": "%d.%m.%Y", "JP": "%y/%m/%d", "US": "%m/%d/%y"}[marketplace])
    comment = "品物" if marketplace == "JP" else "nie angekommen – für nichts"
    row = (day, "1", comment, "", build.order_id(1), "x@example.com")

    report = acme.load(shop, build.feedback_file([row], codec=codec), marketplace=marketplace)

    assert (report["status"], report["encoding"], len(report["blanked_columns"])) == ("loaded", codec, 3)
    assert report["encoding_reason"]
