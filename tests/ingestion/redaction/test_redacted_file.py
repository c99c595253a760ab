"""Test that redaction removes personal data and changes neither facts nor any other byte."""

import contextlib
import csv
import gzip
import io
import random
import time
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ingestion.parsing import encodings, tabular, unpacking
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import RejectedDocument
from ingestion.redaction import redacted_file
from ingestion.redaction import table as redaction_table
from ingestion.redaction.table_format import detect_table_format
from ingestion.reports import REPORT_TYPES
from tests import build, clock, memory
from tests.ingestion.parsed_documents import MAX_BYTES, parse_document
from tests.ingestion.reports import test_mutations

SAMPLES = sorted(
    path for path in (Path(settings.BASE_DIR) / "tests" / "samples").rglob("*.*") if path.is_file()
)
FEEDBACK = "GET_SELLER_FEEDBACK_DATA"
NOON = clock.NOON
DAY = f"{NOON - timedelta(days=9):%m/%d/%y}"
ORDER = build.order_id(1)
PERSONAL = ("Jane", "Doe", "jane@doe.example", "Elm Street", "555 0100", "never arrived")
SHIPPING = (
    "order-id",
    "purchase-date",
    "buyer-email",
    "buyer-name",
    "buyer-phone-number",
    "ship-address-1",
    "ship-city",
    "sku",
)
SHIPMENT = (
    ORDER,
    NOON.isoformat(),
    "jane@doe.example",
    "Jane Doe",
    "555 0100",
    "1 Elm Street",
    "Springfield",
    "th1218",
)


def redact_document(
    document: bytes, *, announced: str = "", marketplace: str = "US", most: int = MAX_BYTES
) -> tuple[bytes, list[str]]:
    """Return a document as it is stored, and its redacted columns."""
    stream = io.BytesIO(document)
    rewriting = redacted_file.build_redaction(
        stream, announced_type=announced, japanese=marketplace == "JP", max_bytes=most
    )
    if rewriting is None:
        return document, []
    blanked = b"".join(rewriting.blocks(stream))
    return (blanked, rewriting.columns) if rewriting.columns else (document, [])


def table(*rows: tuple[str, ...], delimiter: str = "\t", end: str = "\n", codec: str = "utf-8") -> bytes:
    return "".join(delimiter.join(row) + end for row in rows).encode(codec)


def detect_codec(document: bytes) -> Encoding | None:
    """Return the encoding recorded on receipt, because redaction may remove the evidence of it."""
    try:
        return encodings.detect_encoding(
            unpacking.read_blocks(io.BytesIO(document), max_bytes=MAX_BYTES), japanese=False
        )
    except RejectedDocument:
        return None


def outcome(document: bytes, **how: Any) -> Any:
    """Return the facts and rejected lines of a document, or why it is rejected."""
    try:
        done = parse_document(document, **how)
    except RejectedDocument as rejection:
        return rejection.slug, [row.line for row in rejection.rejected]
    return done.lines, list(done.rejected), done.reader.read, done.reader.report_type.title


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_personal_cells_are_emptied_and_nothing_else(delimiter: str, end: str, codec: str, pack: Any) -> None:
    empty = (*SHIPMENT[:2], "", "", "", "", *SHIPMENT[6:])
    document = table(SHIPPING, SHIPMENT, SHIPMENT, delimiter=delimiter, end=end, codec=codec)

    blanked, columns = redact_document(pack(document))

    expected = table(SHIPPING, empty, empty, delimiter=delimiter, end=end, codec=codec)
    assert (gzip.decompress(blanked) if pack is gzip.compress else blanked) == expected
    assert columns == ["buyer-email", "buyer-name", "buyer-phone-number", "ship-address-1"]


@pytest.mark.parametrize(
    "name",
    """
    buyer-name buyer-email buyer-phone-number recipient-name ship-address-1 ship-address-2 ship-address-3 bill-address-1
    bill-address-2 ship-phone-number bill-name cpf customer-comments comments message subject body text rater-email
    delivery-instructions gift-message-text buyer-tax-registration-id buyer-company-name Your_Response Buyer~Name "buyer-name"
    BUYER_EMAIL E-Mail~des~Käufers Kommentar customer-name ship-name Adresse Lieferanschrift~Straße addr Address1 ShipAddress1
    Käufer Nom~de~l'acheteur tel from sender Line1
    """.split(),  # noqa: SIM905  names read better as text
)
@pytest.mark.parametrize("codec", ["utf-8", "cp1252", "utf-16"])
def test_column_is_detected_by_name_in_any_spelling(name: str, codec: str) -> None:
    name = name.replace("~", " ")

    blanked, columns = redact_document(
        table(("order-id", name, "sku"), (ORDER, "Jane Doe", "x"), codec=codec)
    )

    assert blanked == table(("order-id", name, "sku"), (ORDER, "", "x"), codec=codec)
    assert columns == [name.strip('"')]


@pytest.mark.parametrize(
    "name",
    """
    product-name item-name sku asin order-id merchant-order-id ship-city ship-state ship-postal-code ship-country status reason
    Return~Reason SafeT~Action~reason Label~to~be~paid~by Negative~Feedback A-to-z~Guarantee~claim Pre-fulfillment~Cancellation
    Carrier~Name Ship~Method message_id sent_at answered_at needs_answer cancelled_by buyer-requested-cancel address-type
    purchase-order-number is-business-order kind state reference funded_by tracking_id customer-service detailed-disposition
    """.split(),  # noqa: SIM905
)
def test_column_harmless_is_left_alone(name: str) -> None:
    document = table(("order-id", name.replace("~", " ")), (ORDER, "Jane Doe"))

    assert redact_document(document) == (document, [])


def test_columns_that_are_read_are_not_personal() -> None:
    read_by = [column for kind in REPORT_TYPES for column in kind.columns if column.meaning != "not stored"]
    documented = [f"{column.name}\tx\n{ORDER}\tx\n".encode() for column in read_by]

    assert [document for document in documented if redact_document(document)[1]] == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sample_has_same_facts_after_redaction(path: Path) -> None:
    document = path.read_bytes()

    for marketplace in ("US", "DE", "JP"):
        blanked, _ = redact_document(document, marketplace=marketplace)

        assert outcome(blanked, marketplace=marketplace) == outcome(document, marketplace=marketplace)
        assert blanked.count(b"\n") == document.count(b"\n")
        assert blanked.count(b"\t") == document.count(b"\t")


@pytest.mark.parametrize(
    ("document", "columns"),
    [
        (build.orders_file([build.order_row()]), []),
        (
            build.orders_file([build.order_row(cpf="123.456.789-00")], columns=[*build.ORDER_COLUMNS, "cpf"]),
            ["cpf"],
        ),
        (build.orders_xml(build.message()), []),
        (build.claims_file([build.claim(order=ORDER)]), []),
        (
            build.feedback_file([build.feedback_row(order=ORDER, on=DAY)]),
            ["Comments", "Your Response", "Rater Email"],
        ),
        (b'{"accountStatuses": [], "performanceMetrics": [{"comments": "x"}]}', []),
        (b"", []),
        (b"\n\n", []),
        (bytes(range(256)) * 20, []),
        (b"\x1f\x8b no gzip", []),
        (gzip.compress(b"")[:12], []),
    ],
)
def test_redaction_of_document(document: bytes, columns: list[str]) -> None:
    blanked, named = redact_document(document)

    assert (named, blanked == document) == (columns, not columns)
    assert outcome(blanked, today=NOON.date()) == outcome(document, today=NOON.date())


@pytest.mark.parametrize(
    "header",
    [
        ("Datum", "Bewertung", "Kommentar", "Ihre Antwort", "Transaktionsnummer", "E-Mail des Bewertenden"),
        ("日付", "評価", "内容", "返信", "注文番号", "評価者"),
        ("a", "b", "c", "d", "e", "f"),
    ],
)
@pytest.mark.parametrize("announced", ["", FEEDBACK])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_feedback_is_redacted_by_position_whatever_its_language(
    header: tuple[str, ...], announced: str, codec: str
) -> None:
    row = (DAY, "1", "never arrived", "Sorry Jane", ORDER, "jane@doe.example")

    blanked, columns = redact_document(table(header, row, row, codec=codec), announced=announced)

    bare = (DAY, "1", "", "", ORDER, "")
    assert blanked == table(header, bare, bare, codec=codec)
    assert columns == [header[2], header[3], header[5]]


@pytest.mark.parametrize("more", [(), ("Buyer",)])
def test_legacy_layout_of_feedback_is_redacted_by_its_own_positions(more: tuple[str, ...]) -> None:
    header = (
        "Date",
        "Rating",
        "Comments",
        "Your Response",
        "Arrived on Time",
        "Item as Described",
        "Customer Service",
    )
    head = (*header, "Order ID", "Rater Email", *["Rater Role" for _ in more])
    row = (DAY, "2", "Late", "Sorry", "No", "Yes", "-", ORDER, "jane@doe.example", *more)

    blanked, _ = redact_document(table(head, row))

    assert blanked == table(head, (DAY, "2", "", "", "No", "Yes", "-", ORDER, "", *more))


@pytest.mark.parametrize("announced", ["", FEEDBACK])
def test_feedback_without_header_is_redacted_and_rejected_as_before(announced: str) -> None:
    document = table((DAY, "1", "never arrived", "", ORDER, "jane@doe.example"))

    blanked, columns = redact_document(document, announced=announced)

    assert blanked == table((DAY, "1", "", "", ORDER, ""))
    assert columns == ["Comments", "Your Response", "Rater Email"]
    assert (
        outcome(blanked, announced=announced) == outcome(document, announced=announced) == ("no-header", [])
    )


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize(
    "announced", ["", "shipments", "GET_V2_SELLER_PERFORMANCE_REPORT", "GET_XML_RETURNS_DATA_BY_RETURN_DATE"]
)
def test_feedback_is_redacted_with_any_name_and_separator(announced: str, delimiter: str) -> None:
    header, row = (
        ("a", "b", "c", "d", "e", "f"),
        (DAY, "1", "never arrived", "Sorry Jane", ORDER, "jane@doe.example"),
    )
    document = table(header, row, delimiter=delimiter)

    blanked, columns = redact_document(document, announced=announced)

    assert blanked == table(header, (DAY, "1", "", "", ORDER, ""), delimiter=delimiter)
    assert columns == ["c", "d", "f"]


@pytest.mark.parametrize("announced", ["", "shipments"])
def test_table_without_header_keeps_only_harmless_cells(announced: str) -> None:
    document = table(SHIPMENT, ("", "Jane", "Doe"), delimiter=",")

    blanked, columns = redact_document(document, announced=announced)

    assert blanked == table((*SHIPMENT[:2], *[""] * 6), ("", "-", ""), delimiter=",")
    assert columns == [f"column {number}" for number in range(3, 9)]
    assert outcome(blanked, announced=announced)[0] == outcome(document, announced=announced)[0]


def test_rows_behind_header_that_ends_in_carriage_return_name_no_column() -> None:
    document = table(SHIPPING, end="\r") + table(SHIPMENT, SHIPMENT)

    blanked, columns = redact_document(document)

    assert [word for word in PERSONAL if word.encode() in blanked] == []
    assert columns == ["buyer-email", "buyer-name", "buyer-phone-number", "ship-address-1"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            [f"{DAY}\t1\tnever arrived", f"Jane Doe, Elm Street\t\t{ORDER}\tjane@doe.example"],
            id="a line end in it",
        ),
        pytest.param([f"{DAY}\t1\tnever\tarrived\tJane Doe\t{ORDER}\tjane@doe.example"], id="tabs in it"),
        pytest.param([f"{DAY}\t1\tnever arrived\t\t555 0100\tjane@doe.example"], id="no order id"),
        pytest.param(
            [f"{DAY}\t1\tnever arrived\t\t{ORDER}\tjane@doe.example\tJane Doe"], id="more cells than columns"
        ),
        pytest.param(["never arrived", "", "Jane Doe"], id="loose lines"),
        pytest.param(["\t\tnever arrived"], id="only a comment"),
    ],
)
def test_shifted_row_keeps_only_what_is_harmless(lines: list[str]) -> None:
    good = build.feedback_file([build.feedback_row(order=ORDER, on=DAY)])
    document = good + "".join(line + "\n" for line in lines).encode()

    blanked, _ = redact_document(document)

    assert [word for word in PERSONAL if word.encode() in blanked] == []
    assert blanked.count(b"\n") == document.count(b"\n")
    assert outcome(blanked) == outcome(document)


def test_row_with_more_cells_than_columns_loses_what_name_with_tab_moved_on() -> None:
    shifted = (
        ORDER,
        NOON.isoformat(),
        "jane@doe.example",
        "Jane",
        "Doe",
        "555 0100",
        "1 Elm Street",
        "Springfield",
        "th1218",
    )

    blanked, _ = redact_document(table(SHIPPING, shifted))

    assert [word for word in PERSONAL if word.encode() in blanked] == []
    assert blanked.startswith(table(SHIPPING) + f"{ORDER}\t{NOON.isoformat()}\t".encode())


def test_row_with_more_cells_than_columns_says_same_where_nothing_personal_stands_behind_order() -> None:
    columns = ["buyer-name", *build.ORDER_COLUMNS]
    document = (
        build.orders_file([build.order_row(buyer_name="Jane Doe")], columns=columns).rstrip(b"\r\n")
        + b"\tmore\tcells\r\n"
    )

    blanked, _ = redact_document(document)

    assert b"Jane" not in blanked
    assert outcome(blanked) == outcome(document)


def test_row_of_very_many_cells_takes_no_longer_than_its_cells() -> None:
    document = table(SHIPPING, ("Jane",) * 200_000)
    begun = time.process_time()

    blanked, _ = redact_document(document)

    assert b"Jane" not in blanked
    assert time.process_time() - begun < 10


def test_short_row_is_redacted_within_its_cells() -> None:
    head = table(("order-id", *["tel"] * 900)).decode()
    rows = f"{ORDER}\t555 0100\n" * 20_000
    parsed = detect_table_format(head, is_whole=True, announced_type="", read=str)
    assert parsed is not None
    begun = time.process_time()

    blanked = "".join(redaction_table.redact(parsed, [head, rows]))

    assert blanked == head + f"{ORDER}\t\n" * 20_000
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "announced", ["", "shipments", "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"]
)
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("before", ["", "\n \n"])
def test_table_with_too_many_columns_keeps_no_row(before: str, delimiter: str, announced: str) -> None:
    more = ("tel",) * tabular.MAX_COLUMNS
    header = before.encode() + table((*build.ORDER_COLUMNS, *more), delimiter=delimiter)

    document = header + table(SHIPMENT, SHIPMENT, delimiter=delimiter)

    blanked, columns = redact_document(document, announced=announced)

    assert blanked.startswith(header)
    assert [word for word in PERSONAL if word.encode() in blanked] == []
    assert columns[:2] == ["column 1", "column 2"]
    assert outcome(blanked, announced=announced) == outcome(document, announced=announced)


def test_header_whose_quote_is_never_closed_keeps_nothing_and_is_rejected() -> None:
    document = f'order_id,kind,state,occurred_on,comments,"reference\n{ORDER},a,b,c,"Jane"\n'.encode()

    blanked, _ = redact_document(document)

    assert b"Jane" not in blanked
    assert outcome(blanked) == outcome(document) == ("invalid-csv", [])


def test_header_that_is_quoted_has_columns_that_it_names() -> None:
    document = f'order_id,"sku, colour","buyer-name"\n{ORDER},x,Jane Doe\n'.encode()

    assert redact_document(document) == (document.replace(b"Jane Doe", b""), ["buyer-name"])


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ("Jane Doe", ""),
        ('"Jane Doe"', ""),
        ('"Jane, Doe"', ""),
        ('"Jane ""JD"" Doe"', ""),
        ('"Jane\nDoe\r\nElm Street"', '"\n\r\n"'),
        ('"Jane\n\n,Doe"', '"\n\n"'),
        ('Jane "JD" Doe', ""),
        ('""', '""'),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quoted_cell_goes_whole_and_its_lines_stay(cell: str, left: str, end: str) -> None:
    before, after = "order-id,buyer-name,sku", f'{ORDER},{{}},"12"" pillow, white"'
    document = end.join([before, after.format(cell), after.format("Doe"), ""]).encode()

    blanked, _ = redact_document(document)

    assert blanked == end.join([before, after.format(left), after.format(""), ""]).encode()


CLAIMS = "order_id,kind,state,occurred_on,comments\n"
CLAIM = f"{ORDER},a_to_z_claim,granted,2026-10-20,"


@pytest.mark.parametrize(
    "rows",
    [
        f'{CLAIM}"Jane" Doe\n',
        f'{CLAIM}"Jane\n{CLAIM}Doe\n',
        f'{CLAIM}"Jane',
        f"{CLAIM}Jane\rDoe\n",
        f"{CLAIM}Jane, Doe\n",
        f"{CLAIM}Jane\n{ORDER}",
        f"{CLAIM}Jane\0Doe\n",
        f"{CLAIM}{'Jane ' * 300_000}\n",
        f'{CLAIM}"' + "Jane\n" * 1_000_000,
        f'{CLAIM}"' + 'Jane\n","' * 400_000,
        f"{CLAIM}Jane\n,,,,Doe\n,,,,\n\nDoe\n",
    ],
    ids=[
        "tail",
        "open",
        "open at the end",
        "return",
        "shifted",
        "cut",
        "NUL",
        "long",
        "long and open",
        "endless",
        "short rows",
    ],
)
def test_rejected_documents_are_still_rejected_after_redaction(rows: str) -> None:
    document = (CLAIMS + rows).encode()

    blanked, _ = redact_document(document)

    assert b"Jane" not in blanked
    assert b"Doe" not in blanked
    assert outcome(blanked) == outcome(document)


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
def test_gzip_that_breaks_off_keeps_nothing_personal_and_stays_broken(at: float) -> None:
    chance = random.Random(7)
    rows = [
        (DAY, "1", f"never arrived {chance.random()}", "", build.order_id(n), "jane@doe.example")
        for n in range(80_000)
    ]
    document = build.packed(build.feedback_file(rows))
    cut = document[: int(len(document) * at)]

    blanked, columns = redact_document(cut)

    assert columns == ["Comments", "Your Response", "Rater Email"]
    opened = gzip.GzipFile(fileobj=io.BytesIO(blanked))
    text = b""
    with contextlib.suppress(EOFError):
        while piece := opened.read1():
            text += piece
    assert text.startswith(b"Date\tRating")
    assert b"never arrived" not in text
    assert b"jane" not in text
    assert outcome(blanked) == outcome(cut) == ("invalid-gzip", [])


def test_gzip_that_is_damaged_at_its_end_keeps_nothing_personal() -> None:
    document = build.packed(build.feedback_file([build.feedback_row(order=ORDER, on=DAY)]))
    damaged = document[:-8] + b"\0" * 8

    blanked, _ = redact_document(damaged)

    assert blanked != damaged
    assert outcome(blanked) == outcome(damaged) == ("invalid-gzip", [])


def test_packed_document_that_is_too_large_is_rejected_by_redaction() -> None:
    row = build.feedback_row(order=ORDER, on=DAY)
    document = build.packed(build.feedback_file([row] * 100_000))

    with pytest.raises(RejectedDocument) as rejection:
        redact_document(document, most=4 * 1024**2)

    assert outcome(document, most=4 * 1024**2) == (rejection.value.slug, []) == ("document-too-large", [])


@pytest.mark.parametrize(
    "beginning",
    [build.feedback_file([build.feedback_row(order=ORDER, on=DAY)]), b"<a><BuyerName>Jane</BuyerName>"],
)
def test_bomb_is_rejected_by_redaction_at_little_cost(beginning: bytes) -> None:
    document = build.packed(beginning + b"\n" * 40 * 1024**2)
    began = time.thread_time()

    with pytest.raises(RejectedDocument) as rejection:
        redact_document(document, most=1024**3)

    assert time.thread_time() - began < 3
    assert outcome(document) == (rejection.value.slug, []) == ("compression-ratio", [])


XML = """<?xml version="1.0" encoding="{}"?>
<!-- Jane -->
<AmazonEnvelope>
<MessageType>AllOrdersReport</MessageType>
<Message><Order><AmazonOrderID>{}</AmazonOrderID><BuyerName>Jane Döe &amp; Co
Elm Street</BuyerName><buyer_email><![CDATA[jane@doe.example]]></buyer_email>
<BuyerComments><p>never</p> arrived</BuyerComments><Name>Pillow</Name>
<ShippingAddress type="home"><Name>Jane Doe</Name><AddressFieldOne>1 Elm Street</AddressFieldOne><City>Köln</City>
<PhoneNumber>555 0100</PhoneNumber><CountryCode>DE</CountryCode></ShippingAddress><ns:BuyerTax><a>555 0100</a></ns:BuyerTax>
<OrderStatus>Shipped</OrderStatus></Order></Message>
</AmazonEnvelope>
"""


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("ISO-8859-1", "iso-8859-1"),
        ("windows-1252", "cp1252"),
        ("UTF-16", "utf-16"),
        ("UTF-8", "utf-8-sig"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_texts_of_personal_elements_go_and_rest_of_xml_stays(declared: str, codec: str, pack: Any) -> None:
    document = XML.format(declared, ORDER)
    expected = document
    for word in (
        "Jane Döe &amp; Co",
        "\nElm Street",
        "jane@doe.example",
        "never",
        " arrived",
        "Jane Doe",
        "1 Elm Street",
    ):
        expected = expected.replace(word, "\n" if word.startswith("\n") else "")

    blanked, columns = redact_document(pack(document.encode(codec)))

    text = (gzip.decompress(blanked) if pack is gzip.compress else blanked).decode(codec)
    assert text == expected.replace("555 0100", "")
    assert columns == [
        "BuyerName",
        "buyer_email",
        "p",
        "BuyerComments",
        "Name",
        "AddressFieldOne",
        "PhoneNumber",
        "a",
    ]


def big_xml(orders: int) -> bytes:
    message = build.message().replace("<Order>", "<Order><BuyerName>Jane Doe</BuyerName>")
    return build.orders_xml(*[message] * orders)


@pytest.mark.parametrize("orders", [1, 5000])
def test_redacted_xml_parses_to_same_facts(orders: int) -> None:
    document = big_xml(orders)

    blanked, columns = redact_document(document)

    assert columns == ["BuyerName"]
    assert blanked == document.replace(b"Jane Doe", b"")
    assert outcome(blanked) == outcome(document)


@pytest.mark.parametrize(
    "harm",
    [
        lambda document: document[: len(document) // 2],
        lambda document: document + b"<more>",
        lambda document: document.replace(b"</Order></Message>", b"</Oder></Message>", 1),
        lambda document: document.replace(
            b"<AmazonEnvelope>", b'<!DOCTYPE x [<!ENTITY e "e">]><AmazonEnvelope>'
        ),
        lambda document: document.replace(b"<BuyerName>", b"<" + b"a" * 6 * 1024**2 + b"><BuyerName>", 1),
        lambda document: document.replace(b"<BuyerName>", b"<a>" * 100 + b"<BuyerName>", 1),
    ],
    ids=["cut", "more", "crossed", "document type", "long tag", "deep"],
)
def test_xml_that_cannot_be_read_keeps_nothing_personal_and_cannot_be_read_still(harm: Any) -> None:
    document = harm(big_xml(3000))

    blanked, _ = redact_document(document)

    assert b"Jane" not in blanked or blanked == document
    assert outcome(blanked)[0] in {"invalid-xml", "document-type", outcome(document)[0]}
    assert isinstance(outcome(document)[0], str)


@pytest.mark.parametrize("name", ["Jane Doe", "Jörg Müller"])
@pytest.mark.parametrize(
    "declared", ["UTF-8", "ISO-8859-1", "windows-1252", "Shift_JIS", "utf-16", "no-such"]
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_xml_in_any_encoding_is_redacted_and_parses_to_same_facts(
    codec: str, declared: str, name: str
) -> None:
    text = big_xml(3).decode().replace('encoding="UTF-8"', f'encoding="{declared}"').replace("Jane Doe", name)
    document = text.encode(codec)
    encoding = detect_codec(document)

    blanked, columns = redact_document(document)

    assert columns == ["BuyerName"]
    assert name not in blanked.decode(codec)
    assert outcome(blanked, encoding=encoding) == outcome(document)
    assert isinstance(outcome(document)[0], list)


@pytest.mark.parametrize("tag", ["<{}/>", "<a {}='1'/>"])
def test_names_of_any_length_are_not_stored_in_memory(tag: str) -> None:
    names = (f"{letter}{'x' * 1024**2}" for letter in "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz")
    document = (
        "<a><BuyerName>Jane</BuyerName>" + "".join(tag.format(name) for name in names) + "</a>"
    ).encode()
    # Not compressed: otherwise it would be rejected for unpacking to too much.
    packed = gzip.compress(document, 0)
    tracemalloc.start()

    blanked, _ = redact_document(packed)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * 1024**2
    assert b"Jane" not in gzip.decompress(blanked)
    assert outcome(gzip.decompress(blanked)) == outcome(document)


@pytest.mark.parametrize("name", ["1_RECONSTRUCTED.xml", "1.xml"])
def test_xml_without_personal_data_is_not_rewritten(name: str) -> None:
    (path,) = [path for path in SAMPLES if path.name == name]

    with path.open("rb") as stream:
        assert (
            redacted_file.build_redaction(stream, announced_type="", japanese=False, max_bytes=MAX_BYTES)
            is None
        )


class Counted(io.BytesIO):
    """Count the bytes read from a stream."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self.taken += len(block)
        return block


def test_table_without_personal_columns_is_read_to_first_block() -> None:
    stream = Counted(build.orders_file([build.order_row()] * 20_000))

    assert (
        redacted_file.build_redaction(stream, announced_type="", japanese=False, max_bytes=MAX_BYTES) is None
    )
    assert stream.taken == len(unpacking.ZIP) + 1024**2 < len(stream.getvalue())


class Endless(io.RawIOBase):
    """Represent a document of any size that needs no memory: a head, then one piece repeated."""

    def __init__(self, head: bytes, piece: bytes, *, size: int) -> None:
        self._all = (head, piece, size)
        self.seek(0)

    def seek(self, place: int, whence: int = 0, /) -> int:
        head, piece, size = self._all
        self._left, self._ready, self._piece = size, head, piece * max(1, 1024**2 // len(piece))
        return place

    def read(self, size: int = -1, /) -> bytes:
        while len(self._ready) < size and self._left > 0:
            self._ready += self._piece
            self._left -= len(self._piece)
        block, self._ready = self._ready[:size], self._ready[size:]
        return block


FEEDBACK_HEAD = b"Date\tRating\tComments\tYour Response\tOrder ID\tRater Email\n"


@pytest.mark.parametrize(
    ("stream", "most"),
    [
        (
            Endless(FEEDBACK_HEAD, f"{DAY}\t1\tJane\t\t{ORDER}\tj@d.example\n".encode(), size=24 * 1024**2),
            2**40,
        ),
        (Endless(FEEDBACK_HEAD + f"{DAY}\t1\t".encode(), b"Jane", size=200 * 1024**2), 10 * 1024**2),
        (Endless(FEEDBACK_HEAD.replace(b"\t", b",") + b'1,"', b"Jane\n", size=100 * 1024**2), 10 * 1024**2),
        (
            Endless(
                FEEDBACK_HEAD.replace(b"\t", b",") + b'1,"',
                b'",' + b"Jane," * 999 + b'"\n',
                size=24 * 1024**2,
            ),
            2**22,
        ),
        (Endless(FEEDBACK_HEAD, b"abc\n", size=24 * 1024**2), 2**40),
        (Endless(FEEDBACK_HEAD.replace(b"\t", b","), b'"a"\n', size=24 * 1024**2), 2**40),
        (Endless(FEEDBACK_HEAD.replace(b"\t", b","), b'""' * 900_000, size=100 * 1024**2), 10 * 1024**2),
        (Endless(b"<a><BuyerName>", b"Jane", size=40 * 1024**2), 10 * 1024**2),
        (Endless(b"<a><BuyerName>", b"J\n", size=2 * 1024**2), 2 * 1024**2),
        (Endless(b"<a><BuyerName>Jane</BuyerName>", b"<b>x</b>\n", size=12 * 1024**2), 2**40),
    ],
    ids=[
        "rows",
        "one line",
        "one record",
        "one record of cells",
        "short rows",
        "short quoted rows",
        "quotes",
        "one text",
        "text of lines",
        "XML",
    ],
)
def test_memory_is_bounded(stream: IO[bytes], most: int) -> None:
    size = 0
    with memory.measured() as peak:
        rewriting = redacted_file.build_redaction(
            stream, announced_type=FEEDBACK, japanese=False, max_bytes=2**40
        )
        assert rewriting is not None

        for block in rewriting.blocks(stream):
            size += len(block)
            assert b"Jane" not in block

    assert peak.bytes < 64 * 1024**2
    assert size < most


DOCUMENTS = test_mutations.DOCUMENTS | {
    "orders of persons": build.orders_file(
        [
            build.order_row(amazon_order_id=build.order_id(n), buyer_name="Jane Doe", cpf="1")
            for n in range(12)
        ],
        columns=["buyer-name", *build.ORDER_COLUMNS, "cpf"],
    ),
    "claims with comments": build.claims_file(
        [build.claim(order=build.order_id(n), updated_at="2026-10-21T10:00:00+02:00") for n in range(12)]
    ).replace(b"funded_by", b"buyer_name"),
}


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("mutate", test_mutations.KINDS_OF_MUTATION)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_mutated_document_parses_alike_after_redaction(
    name: str, mutate: test_mutations.Mutation, announced: bool
) -> None:
    chance = random.Random(f"{name} {mutate.__name__}")
    announced_type = parse_document(DOCUMENTS[name]).reader.type_name if announced else ""
    for _ in range(10):
        document = mutate(DOCUMENTS[name], chance)

        blanked, _ = redact_document(document, announced=announced_type)

        assert outcome(blanked, announced=announced_type) == outcome(document, announced=announced_type)


words = st.text(
    st.characters(codec="utf-8", exclude_characters="\t\r\n\0", exclude_categories=["Cs"]), max_size=12
)
cells = st.one_of(
    words, st.sampled_from([ORDER, DAY, "", '"', '"x"', "jane@doe.example", "1", "\x85", "é" * 3])
)


@st.composite
def feedback_documents(draw: st.DrawFn) -> bytes:
    """Draw feedback reports with rows of all lengths, some of them valid."""
    good = st.tuples(
        st.just(DAY), st.sampled_from("1234579"), words, words, st.integers(1, 99).map(build.order_id), words
    )
    rows = draw(st.lists(st.one_of(good, st.lists(cells, max_size=9).map(tuple)), max_size=8))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    document = table(
        build.FEEDBACK_HEADER, *rows, end=end, codec=draw(st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
    )
    return document[: len(document) - draw(st.integers(0, 2)) * 2]


@effort(max_examples=150, deadline=None)
@given(document=feedback_documents())
@example(
    document=b"\t".join(name.encode() for name in build.FEEDBACK_HEADER)
    + b"\n\xc2\x85\n11/13/25\t1\t\t\t101-0000001-0000001\t\xc2"
)
def test_feedback_parses_alike_after_redaction(document: bytes) -> None:
    blanked, _ = redact_document(document)

    codec = "utf-16" if document.startswith(b"\xff\xfe") else "utf-8"
    assert outcome(blanked, encoding=detect_codec(document)) == outcome(document)
    assert blanked.decode(codec, "replace").count("\n") == document.decode(codec, "replace").count("\n")


@st.composite
def claims_documents(draw: st.DrawFn) -> bytes:
    """Draw claims files as spreadsheets write them, with columns of free text."""
    columns = draw(st.permutations(["order_id", "kind", "state", "occurred_on", "comments", "buyer_name"]))
    text = st.text(
        st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12
    )
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=draw(st.sampled_from(",;\t")), lineterminator=draw(st.sampled_from(["\n", "\r\n"]))
    )
    writer.writerow(columns)
    for _ in range(draw(st.integers(0, 6))):
        row = build.claim(order=build.order_id(draw(st.integers(1, 9)))) | {
            "comments": draw(text),
            "buyer_name": draw(text),
        }
        writer.writerow([row[name] for name in columns])
    return out.getvalue().encode()


@effort(max_examples=150, deadline=None)
@given(document=claims_documents())
def test_claims_parse_alike_after_redaction(document: bytes) -> None:
    blanked, columns = redact_document(document)

    assert sorted(columns) == ["buyer_name", "comments"]
    assert outcome(blanked, encoding=detect_codec(document)) == outcome(document)
    assert blanked.count(b"\n") == document.count(b"\n")


def lines_of(document: bytes) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(document.decode(), newline=""))


@effort(max_examples=100, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"])), max_size=5
    )
)
@example(texts=['"\n'])
def test_comment_text_is_never_stored(texts: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["order_id", "comments", "sku"], *([ORDER, text, "th1218"] for text in texts)])

    blanked, _ = redact_document(out.getvalue().encode())

    assert [[row[0], row[1].strip("\r\n"), row[2]] for row in lines_of(blanked)][1:] == [
        [ORDER, "", "th1218"]
    ] * len(texts)


@pytest.mark.parametrize("codec", ["cp932", "utf-8"])
def test_letters_of_two_bytes_hide_no_tab(codec: str) -> None:
    row = (ORDER, "表示ソ、東京\u3000", "ソ")
    document = table(("order-id", "buyer-name", "sku"), row, codec=codec)

    blanked, _ = redact_document(document, marketplace="JP")

    assert blanked == table(("order-id", "buyer-name", "sku"), (ORDER, "", "ソ"), codec=codec)


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("first", ["a whole sentence of a buyer's, with a mark before it", DAY])
def test_mark_that_says_byte_order_stays_also_where_first_cell_goes(codec: str, first: str) -> None:
    document = table(
        (first, "1", "x", "", ORDER, "x@example.com"),
        (DAY, "1", "y", "", ORDER, "y@example.com"),
        codec=codec,
    )

    blanked, _ = redact_document(document)

    assert blanked[:2] == document[:2]
    assert outcome(blanked, encoding=detect_codec(document)) == outcome(document)
