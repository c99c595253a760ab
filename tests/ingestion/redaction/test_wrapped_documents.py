"""Test that a document is read and redacted alike, however it is packed, encoded, introduced or translated."""

import gzip
import io
import zipfile
from collections.abc import Callable

import pytest

from ingestion.parsing.rejections import RejectedDocument
from tests import build
from tests.ingestion.parsed_documents import MAX_BYTES, parse_document
from tests.ingestion.redaction.test_redacted_file import detect_codec, outcome, redact_document

ORDER = build.order_id(1)
FEEDBACK = (
    "Date\tRating\tComments\tYour Response\tOrder ID\tRater Email\n"
    f"10/20/26\t1\tJane Doe never came\tSorry Jane\t{ORDER}\tjane@doe.example\n"
)
GERMAN = (
    "Datum;Bewertung;Kommentar;Ihre Antwort;Bestellnummer;E-Mail des Bewertenden\n"
    f"10/20/26;1;Jane Doe kam nie;Tut leid Jane;{ORDER};jane@doe.example\n"
)
CHINESE = (
    "日期,评级,评论,您的回复,订单编号,评论者电子邮件\n"
    f"10/20/26,1,Jane Doe 没有收到,对不起 Jane,{ORDER},jane@doe.example\n"
)
JAPANESE = (
    "日付\t評価\tコメント\tあなたの回答\t注文番号\t評価者のEメール\n"
    f"10/20/26\t1\tJane Doe 届かない\tすみません Jane\t{ORDER}\tjane@doe.example\n"
)
PREAMBLE = "Feedback of Jane Doe's shop\n\nPeriod: 2026-10-01 to 2026-10-31\n"
CLAIMS = (
    "order_id,kind,state,occurred_on,buyer name,comment\n"
    f"{ORDER},a_to_z_claim,granted,2026-10-20,Jane Doe,Jane never came\n"
)


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


WRAPPERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip twice": lambda document: gzip.compress(gzip.compress(document)),
    "zip": lambda document: zipped(("report.txt", document)),
    "stored zip": lambda document: zipped(("../../report.csv", document), method=zipfile.ZIP_STORED),
    "gzip in zip": lambda document: zipped(("report.txt.gz", gzip.compress(document))),
    "zip of a Mac": lambda document: zipped(
        ("a/", b""), ("a/report.txt", document), ("__MACOSX/a/._report.txt", b"\0\1"), ("a/.DS_Store", b"\0")
    ),
    "zip with a picture": lambda document: zipped(("report.txt", document), ("page.png", b"\x89PNG\0")),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (FEEDBACK, "utf-8"),
        (FEEDBACK, "utf-8-sig"),
        (FEEDBACK, "utf-16"),
        (FEEDBACK, "utf-16-le"),
        (FEEDBACK, "utf-16-be"),
        (FEEDBACK.replace("\t", ","), "utf-8"),
        (PREAMBLE + FEEDBACK, "utf-8"),
        ("sep=;\n" + GERMAN, "cp1252"),
        (PREAMBLE + GERMAN, "cp1252"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-8"),
        (JAPANESE, "utf-16-le"),
        (FEEDBACK.replace("\t1\t", '\t"1"\t').replace(ORDER, f'="{ORDER}"'), "utf-8"),
        (FEEDBACK.replace(ORDER, f"\u00a0'{ORDER} "), "utf-8"),
        (CLAIMS, "utf-8"),
        ("\n\n" + PREAMBLE + CLAIMS.replace(",", ";"), "utf-16-le"),
    ],
)
def test_wrapped_document_is_read_and_redacted(text: str, codec: str, wrap: Callable[[bytes], bytes]) -> None:
    document = wrap(text.encode(codec))

    stored, columns = redact_document(document)

    ((_, fact),) = parse_document(document).lines
    assert fact[0] == ORDER
    encoding = detect_codec(document)
    assert encoding is not None
    assert outcome(stored, encoding=encoding) == outcome(document)
    plain = gzip.decompress(stored) if stored.startswith(b"\x1f\x8b") else stored
    assert "Jane" not in plain.decode(codec)
    assert "jane" not in plain.decode(codec)
    assert columns


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        (zipped(("a.txt", b"x"), ("b.txt", b"y")), "It is a ZIP archive with 2 files"),
        (zipped(("a.pdf", b"x"), ("b.pdf", b"y")), "It is a ZIP archive with 2 files"),
        (zipped(*((f"{n}.txt", b"") for n in range(101))), "or a ZIP archive"),
        (zipped(("[Content_Types].xml", b"<a/>"), ("xl/sheet1.xml", b"<a/>")), "an Excel workbook"),
        (zipped(("a.txt", b"x" * 99), method=zipfile.ZIP_BZIP2), "an unusual compression"),
        (zipped(("a.txt", b"x" * 99))[:-30], "or a ZIP archive"),
        (zipped(("a.pdf", b"%PDF-1.7")), "It is a PDF"),
        (zipped(("a.txt", zipped(("b.txt", b"x")))), "or a ZIP archive"),
        (gzip.compress(gzip.compress(gzip.compress(b"x"))), "more than 2 times"),
    ],
)
def test_archive_that_is_not_one_text_is_refused_with_reason(document: bytes, detail: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document)

    stored, columns = redact_document(document)
    with pytest.raises(RejectedDocument) as again:
        parse_document(stored)
    assert rejection.value.slug in {"spreadsheet", "not-text", "invalid-gzip"}
    assert detail in rejection.value.detail
    assert again.value.detail == rejection.value.detail
    assert columns == ["the whole file"]
    assert len(stored) < 12_000


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
@pytest.mark.parametrize("mark", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF-1.7\n", b"PK\x03\x04"])
def test_file_that_is_no_text_is_stored_without_content(mark: bytes, wrap: Callable[[bytes], bytes]) -> None:
    document = wrap(mark + b"Jane Doe" * 99)

    stored, columns = redact_document(document)

    assert (stored, columns) == (mark[:4], ["the whole file"])
    assert outcome(stored) == outcome(document)


def test_encrypted_archive_is_refused() -> None:
    document = bytearray(zipped(("a.txt", b"x" * 99)))
    # The flag is in the header of the file and in the list of files.
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        document[document.index(mark) + at] |= 1

    with pytest.raises(RejectedDocument, match="with a password"):
        parse_document(bytes(document))


@pytest.mark.parametrize("wrap", [WRAPPERS["gzip twice"], WRAPPERS["zip"], WRAPPERS["gzip in zip"]])
def test_bomb_is_refused_at_limit(wrap: Callable[[bytes], bytes]) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(wrap(b"x\n" * MAX_BYTES))

    assert rejection.value.slug == "compression-ratio"


@pytest.mark.parametrize("lines", [1, 10])
def test_header_may_stand_below_ten_lines(lines: int) -> None:
    document = "".join(f"Line {n} about, the report\n" for n in range(lines)) + CLAIMS

    parsed = parse_document(document.encode())

    assert [line for line, _ in parsed.lines] == [lines + 2]


def test_header_below_eleven_lines_or_row_is_not_looked_for() -> None:
    for before in ("a line\n" * 11, f"{ORDER},a row\n"):
        with pytest.raises(RejectedDocument):
            parse_document((before + CLAIMS).encode())


def test_second_header_with_other_columns_rejects_document() -> None:
    other = CLAIMS.replace("order_id,kind,state", "order_id,state,kind").splitlines()[0]

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(f"{CLAIMS}{other}\n".encode())

    assert (rejection.value.slug, rejection.value.detail[:24]) == (
        "not-one-report",
        "Line 3 is another header",
    )
