from datetime import UTC, date, datetime

import pytest

from ingestion.parsing.rejections import RejectedDocument
from metrics.rules.facts import DefectFact
from tests import build
from tests.ingestion.parsed_documents import parse_document

ORDER = build.order_id(1)
HEADER = "order_id,kind,state,occurred_on"
ROW = f"{ORDER},a_to_z_claim,granted,2026-10-20"


def fact_of(**cells: str) -> DefectFact:
    (fact,) = parse_document(build.claims_file([build.claim(order=ORDER) | cells])).defects
    return fact


@pytest.mark.parametrize(
    ("kind", "state", "counts"),
    [
        ("a_to_z_claim", "pending", True),
        ("a_to_z_claim", "granted", True),
        ("a_to_z_claim", "refunded_by_seller", True),
        ("a_to_z_claim", "order_cancelled", True),
        ("a_to_z_claim", "denied", False),
        ("a_to_z_claim", "withdrawn", False),
        ("a_to_z_claim", "amazon_funded", False),
        ("a_to_z_claim", "appeal_won", False),
        ("chargeback", "service", True),
        ("chargeback", "fraud", False),
        ("chargeback", "reversed", False),
        ("feedback", "removed", False),
    ],
)
@pytest.mark.parametrize("funded_by", ["", "seller", "amazon"])
def test_state_decides_what_counts_and_funder_does_not(
    kind: str, state: str, counts: bool, funded_by: str
) -> None:
    fact = fact_of(kind=kind, state=state, funded_by=funded_by)

    assert (fact.kind, fact.state, fact.counts, fact.funded_by) == (kind, state, counts, funded_by)


@pytest.mark.parametrize(
    ("rating", "counts"), [("1", True), ("2", True), ("3", False), ("4", False), ("5", False)]
)
def test_posted_feedback_counts_by_its_stars(rating: str, counts: bool) -> None:
    fact = fact_of(kind="feedback", state="posted", rating=rating)

    assert (fact.rating, fact.counts) == (int(rating), counts)


@pytest.mark.parametrize(
    "document",
    [
        f"{HEADER}\n{ROW}\n",
        f"{HEADER}\r\n{ROW}\r\n",
        f"{HEADER}\n{ROW}",
        f"{HEADER}\n{ROW}\n".replace(",", ";"),
        f"{HEADER}\n{ROW}\n".replace(",", "\t"),
        f"\n{HEADER}\n\n{ROW}\n\n".replace(",", ";"),
        f'"order_id","kind","state","occurred_on"\n"{ORDER}","a_to_z_claim","granted","2026-10-20"\n',
        f'"order_id";"kind";"state";"occurred_on"\n"{ORDER}";"a_to_z_claim";"granted";"2026-10-20"\n',
        f"Order ID,Kind,State,Occurred On\n{ROW}\n",
        f"order-id,KIND,state,occurred-on\n{ROW}\n",
        f"occurred_on,order_id,kind,state\n2026-10-20,{ORDER},a_to_z_claim,granted\n",
        f"{HEADER},,\n{ROW},,\n",
        f"{HEADER}\n{ROW},,,\n",
        f'{HEADER},note\n{ROW},"two\nlines, with ""quotes"""\n',
        f"{HEADER}\n{ROW.replace('granted', ' Granted ').replace('a_to_z_claim', 'A_TO_Z_CLAIM')}\n",
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_is_read_in_formats_of_spreadsheets(document: str, codec: str) -> None:
    parsed = parse_document(document.encode(codec))

    assert [(fact.order_id, fact.state, fact.occurred_on) for fact in parsed.defects] == [
        (ORDER, "granted", date(2026, 10, 20))
    ]
    assert parsed.rejected == {}


@pytest.mark.parametrize("codec", ["utf-8", "cp1252"])
def test_optional_cells_default_to_empty(codec: str) -> None:
    row = f"{ROW},Reklamation Nº 7,2026-10-21T10:00:00+02:00,amazon\n"

    (fact,) = parse_document(f"{HEADER},reference,updated_at,funded_by\n{row}".encode(codec)).defects
    (bare,) = parse_document(f"{HEADER}\n{ROW}\n".encode(codec)).defects

    assert (fact.reference, fact.funded_by) == ("Reklamation Nº 7", "amazon")
    assert fact.stated_at == datetime(2026, 10, 21, 8, tzinfo=UTC)
    assert (bare.reference, bare.funded_by, bare.stated_at, bare.rating) == ("", "", None, None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-21", datetime(2026, 10, 21, tzinfo=UTC)),
        ("2026-10-21T10:00:00", datetime(2026, 10, 21, 10, tzinfo=UTC)),
        ("2026-10-21 10:00:00Z", datetime(2026, 10, 21, 10, tzinfo=UTC)),
        ("2026-10-21T10:00:00+23:00", datetime(2026, 10, 20, 11, tzinfo=UTC)),
    ],
)
def test_time_without_offset_is_utc(text: str, moment: datetime) -> None:
    fact = fact_of(updated_at=text)

    assert (fact.stated_at, fact.stated_at and fact.stated_at.tzinfo) == (moment, UTC)


@pytest.mark.parametrize("column", ["order_id", "kind", "state", "occurred_on"])
def test_header_without_required_column_is_rejected(column: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(
            f"{HEADER.replace(column, 'other')}\n{ROW}\n".encode(), announced="claims_and_chargebacks"
        )

    assert rejection.value.slug == "columns-missing"
    assert column.replace("_", "-") in rejection.value.detail


@pytest.mark.parametrize(
    "column", ["order_id", "kind", "state", "occurred_on", "reference", "updated_at", "funded_by", "rating"]
)
def test_repeated_column_is_rejected(column: str) -> None:
    header = ",".join([*build.CLAIM_COLUMNS, column])

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(f"{header}\n{ROW},,,,,\n".encode())

    assert rejection.value.slug == "columns-repeated"
    assert column.replace("_", "-") in rejection.value.detail


@pytest.mark.parametrize(
    ("cells", "reason_part"),
    [
        ({"order_id": ""}, "'' is not a valid Amazon order ID"),
        ({"order_id": "1234"}, "'1234' is not a valid Amazon order ID"),
        ({"order_id": ORDER + "9"}, "`order_id`: expected a text of at most 19"),
        ({"kind": ""}, "`kind`: '' is not valid; expected one of feedback, a_to_z_claim, chargeback"),
        ({"kind": "return"}, "`kind`: 'return' is not valid; expected one of"),
        ({"state": ""}, "`state`: '' is not valid; expected one of pending"),
        ({"state": "service"}, "`state`: 'service' is not valid; expected one of pending"),
        (
            {"kind": "chargeback", "state": "granted"},
            "`state`: 'granted' is not valid; expected one of service",
        ),
        ({"kind": "feedback", "state": "posted"}, "`rating`: expected a whole number from 1 to 5"),
        ({"kind": "feedback", "state": "posted", "rating": "0"}, "`rating`: expected"),
        ({"kind": "feedback", "state": "posted", "rating": "1.5"}, "`rating`: expected"),
        ({"rating": "many"}, "`rating`: expected"),
        ({"occurred_on": ""}, "`occurred_on`: '' is not a valid day"),
        ({"occurred_on": "20.10.2026"}, "`occurred_on`: '20.10.2026' is not a valid day"),
        ({"occurred_on": "2026-02-30"}, "is not a valid day"),
        ({"occurred_on": "0001-01-01"}, "is out of range"),
        ({"occurred_on": "9999-12-31"}, "is out of range"),
        ({"updated_at": "soon"}, "`updated_at`: 'soon' is not a valid ISO 8601 time"),
        (
            {"updated_at": "0001-01-01T00:00:00+14:00"},
            "`updated_at`: '0001-01-01T00:00:00+14:00' is out of range",
        ),
        ({"funded_by": "buyer"}, "`funded_by`: 'buyer' is not valid; expected one of seller, amazon"),
        ({"reference": "x" * 65}, "`reference`: expected a text of at most 64"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(cells: dict[str, str], reason_part: str) -> None:
    good = build.claim(order=build.order_id(2))

    parsed = parse_document(build.claims_file([good, build.claim(order=ORDER) | cells]))

    assert [fact.order_id for fact in parsed.defects] == [build.order_id(2)]
    assert reason_part in parsed.rejected[3]


def test_reason_code_is_read_and_other_words_are_rejected_without_quoting_them() -> None:
    claims = [
        build.claim(order=build.order_id(number), reason_code=text)
        for number, text in enumerate(("CR-never_arrived", "", "Jane says it broke", "x" * 41, "x" * 101))
    ]

    parsed = parse_document(build.table(*claims))
    repeated = parse_document(build.table(claims[2], columns=[*claims[2], "reason_code"]))

    assert [fact.reason_code for fact in parsed.defects] == ["NEVER_ARRIVED", ""]
    assert list(parsed.rejected) == [4, 5, 6]
    assert all("`reason_code`: expected a " in reason for reason in parsed.rejected.values())
    assert "Jane" not in str(parsed.rejected)
    assert [fact.reason_code for fact in repeated.defects] == [""]


def test_claims_page_gives_reason_code_and_leaves_out_other_words() -> None:
    texts = ("cr-never_arrived", "Jane says it broke", "")
    rows = [
        {"Order ID": build.order_id(n), "Claim status": "Granted", "Claim ID": f"A{n}", "Claim reason": text}
        for n, text in enumerate(texts)
    ]

    parsed = parse_document(build.table(*rows))
    repeated = parse_document(build.table(rows[0], columns=[*rows[0], "Claim reason"]))

    assert parsed.reader.type_name == "a_to_z_claims_page"
    assert ([fact.reason_code for fact in parsed.defects], parsed.rejected) == (["NEVER_ARRIVED", "", ""], {})
    assert [fact.reason_code for fact in repeated.defects] == [""]


@pytest.mark.parametrize(
    ("row", "reason_part"), [(f"{ROW},one,two", "6 cells"), (ORDER, "The row has 1 cells; the header has 5.")]
)
def test_row_of_another_width_is_rejected_where_value_would_be_lost(row: str, reason_part: str) -> None:
    parsed = parse_document(f"{HEADER},reference\n{ROW},one\n{row}\n{ROW},two\n".encode())

    assert [line for line, _ in parsed.lines] == [2, 4]
    assert reason_part in parsed.rejected[3]


def test_lines_are_counted_as_editor_counts_them() -> None:
    document = f'{HEADER},note\n{ROW},"two\nlines"\n\nbad,,,,\n'

    assert list(parse_document(document.encode()).rejected) == [5]


@pytest.mark.parametrize("document", [f'{HEADER}\n{ROW}\n"open,,,\n', f'{HEADER}\n"{ORDER}"x,,,\n'])
def test_quote_left_open_rejects_document(document: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document.encode())

    assert rejection.value.slug == "invalid-csv"


def test_other_columns_are_ignored() -> None:
    document = f"{HEADER},buyer_name\n{ROW},Jane Roe\n"

    (fact,) = parse_document(document.encode()).defects

    assert "Jane" not in str(fact)
