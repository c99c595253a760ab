"""Test that tables are redacted as the definition says, and at a cost that is bounded by their length."""

from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ingestion.redaction import redacted_file, rows
from ingestion.redaction import table as redaction_table
from ingestion.redaction.table_format import detect_table_format
from ingestion.reports import REPORT_TYPES, table_layout
from tests import build
from tests.ingestion.redaction import table_by_definition
from tests.ingestion.redaction.test_redacted_file import PERSONAL, outcome, redact_document

ORDER = build.order_id(1)
CLAIMS = "order_id,kind,state,occurred_on"
FBA = "amazon-order-id\tshipment-id\tpurchase-date\tshipment-date\tsku\trecipient-name\tship-city\tsales-channel"
MOMENT = "2026-10-20T10:00:00+02:00"
HEADERS = [
    ("Date", "Rating", "Comments", "Your Response", "Order ID", "Rater Email"),
    ("order_id", "kind", "state", "occurred_on", "comments"),
    ("message_id", "received_at", "answered_at", "needs_answer", "order_id", "body"),
    ("message_id", "received_at", "body"),
    ("message_id", "received_at", "body", "order_id"),
    ("buyer-name", "order-id", "sku", "tel"),
    ("buyer-name", "sku"),
    ("tel",),
    (ORDER, "Jane", "Doe"),
    ("10/20/26", "1", "never arrived", "", ORDER, "jane@doe.example"),
    ("order_id", "", "buyer_name", "buyer_email", ""),
    ("a title", "b"),
]
CELLS = [
    *(
        "",
        " ",
        "\t",
        '""',
        '"',
        '"""',
        '""""',
        "'",
        '=""',
        '="',
        "\xa0",
        "\u3000",
        "-",
        "--",
        "\r",
        '"-',
        "é",
        "表示",
    ),
    *(
        "Jane",
        '"Jane"',
        '"Jane, Doe"',
        '"Ja""ne"',
        'Ja"ne',
        '"Jane" Doe',
        '"Jane',
        'Jane"',
        "'Jane",
        '="Jane"',
    ),
    *('"Jane\nDoe"', '"\n"', '"\r\n"', '"Jane\r\n\nDoe"', '"Jane\n', 'Doe"', "Ja\rne", "\x85", "Käufer"),
    *(
        ORDER,
        f'"{ORDER}"',
        f'="{ORDER}"',
        f"'{ORDER}",
        f" {ORDER} ",
        f"\xa0{ORDER}",
        f"{ORDER}x",
        "S01-1234567-1234567",
    ),
    *(
        "1",
        "123456",
        "1234567",
        "a1",
        "#1001",
        "#A-1",
        "#x",
        "302-1",
        "10/20/26",
        "2026-10-20",
        "2026-10-20T10:00:00+02:00",
        "yes",
        "N",
        "1.5",
    ),
    *(
        "order_id",
        "Order ID",
        "order-id",
        "kind",
        "state",
        "occurred_on",
        "comments",
        "Comments",
        "buyer_name",
        "sku",
    ),
    *("Date", "Rating", "Your Response", "Rater Email", "Datum", "message_id", "received_at", "body", "tel"),
]
cells = st.one_of(st.sampled_from(CELLS), st.text(max_size=4).map(lambda text: text.replace("\0", "")))


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, str]:
    """Draw tables with rows of every kind and length, and a codec."""
    header = draw(st.sampled_from(HEADERS))
    row = st.one_of(
        st.lists(cells, max_size=8),
        st.lists(cells, min_size=len(header), max_size=len(header)),
        st.just(list(header)),
        st.permutations(list(header)),
        st.lists(st.sampled_from(header), max_size=9),
        st.lists(st.sampled_from(["", '""', " "]), max_size=9),
    )
    body = draw(st.lists(row, max_size=7))
    before = draw(st.sampled_from([[], [[""]], [["Jane's shop"], [""]], [["sep=;"]]]))
    end = draw(st.sampled_from(["\n", "\r\n", "\n", "\r"]))
    delimiter = draw(st.sampled_from("\t,;"))
    text = "".join(delimiter.join(each) + end for each in [*before, list(header), *body])
    codec = draw(st.sampled_from(["utf-8", "utf-16-le", "cp932", "gb18030", "cp1252"]))
    return text[: len(text) - draw(st.integers(0, 2))], codec


@effort(max_examples=1500, deadline=None)
@given(
    drawn=tables(),
    announced=st.sampled_from(["", "GET_SELLER_FEEDBACK_DATA", "shipments"]),
    sizes=st.lists(st.integers(1, 40), max_size=20),
)
@example(
    drawn=(f"{CLAIMS},comments\nkind,state,order_id,occurred_on,x,y,z\n", "utf-8"), announced="", sizes=[]
)
@example(drawn=('order_id,tel\n"a""\n"b\n', "utf-8"), announced="", sizes=[])
@example(drawn=('order_id,tel\n"a"\r\n"b",c\r\n', "utf-8"), announced="", sizes=[16])
def test_table_is_redacted_as_defined(drawn: tuple[str, str], announced: str, sizes: list[int]) -> None:
    text, encoding = drawn
    codec = encoding if encoding.startswith("utf-16") else redacted_file.BYTES
    decoded = text.encode(encoding, "replace").decode(codec, "replace")
    read = partial(redacted_file._read, codec=codec, encoding=encoding)  # noqa: SLF001
    table = detect_table_format(decoded, is_whole=True, announced_type=announced, read=read)
    if table is None:
        return
    blocks, at = [], 0
    for size in sizes:
        blocks.append(decoded[at : at + size])
        at += size

    redacted = "".join(redaction_table.redact(table, [*blocks, decoded[at:]]))

    expected = table_by_definition.redact(table, decoded)
    assert redacted == expected


def test_report_type_is_not_proved_by_one_column() -> None:
    names = [name for report_type in REPORT_TYPES for column in report_type.columns for name in [column.name]]

    assert [
        (report_type.title, name)
        for report_type in table_layout.TABLE_TYPES
        for name in names
        if report_type.matches([name], ())
    ] == []


@pytest.fixture
def without_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no row be looked at cell by cell, as in a document that consists of irregular ones."""
    monkeypatch.setattr(rows, "FIRST_ALLOWANCE", 0)
    monkeypatch.setattr(rows, "EARNED", 0)


@pytest.mark.usefixtures("without_work")
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "row",
    [
        *(
            "Jane",
            "Jane,Doe",
            "Jane Doe of Elm Street, 555 0100",
            ",,,,Jane",
            '"Jane\n,Doe"',
            '"Jane","Do""e"',
        ),
        *(
            "a1,x,y,,never arrived at Elm Street",
            f"Jane,{ORDER},never,arrived",
            ",,,,",
            '"","",""',
            " ",
            '"\n"',
        ),
        *(f"{ORDER},a_to_z_claim,granted,2026-10-20,Jane,Doe,Elm Street", f'"{ORDER}",x,y,z,"Jane\nDoe"'),
        *(f"\u00a0{ORDER},a_to_z_claim,granted,2026-10-21,Jane", '"Jane" Doe', "Jane\rDoe", '"Jane'),
        *("order_id,kind,state,occurred_on,comments", "Jane," * 1200 + "x"),
    ],
)
def test_row_for_which_no_work_is_left_is_read_as_before(row: str, end: str) -> None:
    good = f"{build.order_id(2)},a_to_z_claim,granted,2026-10-20,never arrived"
    lines = [f"{CLAIMS},comments", good, row.replace("\n", end), good.replace("2026-10-20", "2026-10-22"), ""]
    document = end.join(lines).encode()

    redacted, columns = redact_document(document)

    assert columns == ["comments"]
    assert [word for word in PERSONAL if word.encode() in redacted] == []
    assert outcome(redacted) == outcome(document)
    assert redacted.count(b"\n") == document.count(b"\n") or isinstance(outcome(document)[0], str)


@pytest.mark.usefixtures("without_work")
@pytest.mark.parametrize(
    "order", ["", "1001", "A-1001", '"1001"', "#1001", '"#1001"', "#DE-1001", f"#{'1' * 39}"]
)
def test_row_with_own_order_keeps_its_cells_though_no_work_is_left(order: str) -> None:
    document = f"message_id,received_at,order_id,body\nm1,2026-10-20T10:00:00Z,{order},Jane\n".encode()

    redacted, _ = redact_document(document)

    assert redacted == document.replace(b"Jane", b"")


@pytest.mark.parametrize("order", ["#1001", '"#1001"', "#DE-1001", "#A1001", f"#{'1' * 39}"])
def test_row_with_own_order_of_an_fba_report_keeps_all_but_personal_cells(order: str) -> None:
    document = (
        f"{FBA}\n{order}\tDA1\t{MOMENT}\t{MOMENT}\tPAD-12\tJane Doe\tSpringfield\tNon-Amazon\n".encode()
    )

    redacted, columns = redact_document(document)

    assert columns == ["recipient-name"]
    assert redacted == document.replace(b"Jane Doe", b"")


@pytest.mark.parametrize("order", ["#", "#Jane", "#Jane Doe 1", f"#{'1' * 40}"])
def test_row_with_another_text_for_its_order_keeps_only_what_is_harmless(order: str) -> None:
    document = (
        f"{FBA}\n{order}\tDA1\t{MOMENT}\t{MOMENT}\tPAD-12\tJane Doe\tSpringfield\tNon-Amazon\n".encode()
    )

    redacted, _ = redact_document(document)

    assert redacted == f"{FBA}\n\t\t{MOMENT}\t{MOMENT}\t\t\t\t\n".encode()


MESSAGES = "message_id,received_at,answered_at,no_response_needed,body,order_id"


@pytest.mark.parametrize("work", [rows.FIRST_ALLOWANCE, 0])
@pytest.mark.parametrize(
    ("row", "kept"),
    [
        (f"M-1001,{MOMENT}", f"M-1001,{MOMENT}"),
        (f"M-1001,{MOMENT},,yes", f"M-1001,{MOMENT},,yes"),
        (f'"msg,1","{MOMENT}",,yes,Jane Doe', f'"msg,1","{MOMENT}",,yes,'),
    ],
)
def test_message_that_ends_before_its_order_keeps_its_id(
    row: str, kept: str, work: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "FIRST_ALLOWANCE", work)
    monkeypatch.setattr(rows, "EARNED", 0)

    redacted, _ = redact_document(f"{MESSAGES}\n{row}\n".encode())

    assert redacted.decode() == f"{MESSAGES}\n{kept}\n"
    assert outcome(redacted) == outcome(f"{MESSAGES}\n{row}\n".encode())


@pytest.mark.parametrize(
    "row", ["Jane Doe,never arrived", "Jane Doe", "Jane Doe,2026-10-20,x", "Jane Doe,,yes"]
)
def test_rest_of_a_broken_message_keeps_nothing_personal(row: str) -> None:
    redacted, _ = redact_document(f"{MESSAGES}\nM-1001,{MOMENT},,yes,Hello\n{row}\n".encode())

    assert redacted.decode().startswith(f"{MESSAGES}\nM-1001,{MOMENT},,yes,\n")
    assert b"Jane" not in redacted
    assert b"never" not in redacted


def test_document_of_irregular_rows_loses_their_content() -> None:
    irregular = "".join(f"Jane {number}\tDoe\n" for number in range(40_000))
    document = ("\t".join(build.FEEDBACK_HEADER) + "\n" + irregular).encode()

    redacted, _ = redact_document(document)

    assert b"Jane" not in redacted
    assert b"Doe" not in redacted
    assert outcome(redacted) == outcome(document)
