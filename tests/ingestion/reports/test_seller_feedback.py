from datetime import UTC, date, datetime

import pytest

from accounts.marketplaces import CODES
from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import seller_feedback
from metrics.rules.facts import DefectKind
from tests import build
from tests.ingestion.parsed_documents import TODAY, parse_document

DE = ("Datum", "Bewertung", "Kommentar", "Ihre Antwort", "Transaktionsnummer", "E-Mail des Bewertenden")
ES = ("Date", "Rating", "Comentarios", "Response", "Número de pedido", "E-mail del cliente")
MX = (
    "Fecha",
    "Rating",
    "Comentarios",
    "Tu respuesta",
    "Número de pedido",
    "Correo electrónico del evaluador",
)
FR = ("Date", "Évaluation", "Commentaires", "Votre réponse", "Numéro de commande", "E-mail de l'évaluateur")
FI = ("Päivä", "Arvio", "Kommentit", "Vastauksesi", "Tilausnumero", "Sähköposti")
JP = ("日付", "評価", "コメント", "出品者の返答", "注文番号", "評価者のEメール")
LEGACY = (
    "Date",
    "Rating",
    "Comments",
    "Your Response",
    "Arrived on Time",
    "Item as Described",
    "Customer Service",
)
LEGACY_9 = (*LEGACY, "Order ID", "Rater Email")
LEGACY_10 = (*LEGACY_9, "Rater Role")
ORDER = build.order_id(1)

OTHERS = [code for code in CODES if code not in {"US", "JP", "DE", "SE"}]
WRITTEN = {"US": "9/24/26", "JP": "26/9/24", "DE": "24.09.26", "SE": "2026-09-24"} | dict.fromkeys(
    OTHERS, "24/9/26"
)
PAST_DAYS_ELSEWHERE = {
    ("JP", "24/9/26"),
    *((code, "26/9/24") for code in OTHERS),
}  # of 2024; nothing in them says no
CONTRADICTIONS = [
    (code, text)
    for code in CODES
    for text in dict.fromkeys(WRITTEN.values())
    if text != WRITTEN[code] and (code, text) not in PAST_DAYS_ELSEWHERE
]


def one(on: str, *, rating: int = 1, header: tuple[str, ...] = build.FEEDBACK_HEADER) -> bytes:
    """Return a report of one row."""
    return build.feedback_file([build.feedback_row(order=ORDER, on=on, rating=rating)], header=header)


@pytest.mark.parametrize("marketplace", CODES)
def test_dates_follow_format_of_marketplace(marketplace: str) -> None:
    (fact,) = parse_document(one(WRITTEN[marketplace]), marketplace=marketplace).defects

    assert fact.occurred_on == date(2026, 9, 24)
    assert fact.stated_at == datetime(2026, 9, 24, tzinfo=UTC)


@pytest.mark.parametrize(("marketplace", "text"), CONTRADICTIONS)
def test_date_of_another_marketplace_rejects_document_and_is_never_guessed(
    marketplace: str, text: str
) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(one(text), marketplace=marketplace)

    assert rejection.value.slug == "dates-contradict-marketplace"
    assert marketplace in rejection.value.detail
    assert text in rejection.value.detail


@pytest.mark.parametrize(
    ("marketplace", "text", "day"),
    [
        ("US", "1/2/26", date(2026, 1, 2)),
        ("US", "01/02/26", date(2026, 1, 2)),
        ("US", "01/02/2026", date(2026, 1, 2)),
        ("GB", "1/2/26", date(2026, 2, 1)),
        ("GB", "29/2/24", date(2024, 2, 29)),
        ("DE", "1.2.26", date(2026, 2, 1)),
        ("DE", "01.02.2026", date(2026, 2, 1)),
        ("JP", "26/1/2", date(2026, 1, 2)),
        ("JP", "2015/01/02", date(2015, 1, 2)),
        ("SE", "2026-01-02", date(2026, 1, 2)),
        ("US", "11/24/26", date(2026, 11, 24)),  # tomorrow's tomorrow: somewhere the day has begun
    ],
)
def test_values_need_no_zeros_in_front_and_may_have_whole_year(
    marketplace: str, text: str, day: date
) -> None:
    (fact,) = parse_document(one(text), marketplace=marketplace, today=TODAY).defects

    assert fact.occurred_on == day


@pytest.mark.parametrize(
    "text",
    ["11/25/26", "1/1/27", "12/31/99", "2/30/26", "13/1/26", "0/1/26", "10-20-26", "10/20/0026", "7/4/776"],
)
def test_date_that_no_past_day_has_rejects_document(text: str) -> None:
    good = build.feedback_row(order=build.order_id(2), on="10/20/26")

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.feedback_file([good, build.feedback_row(order=ORDER, on=text)]), today=TODAY)

    assert rejection.value.slug == "dates-contradict-marketplace"


@pytest.mark.parametrize(
    "header", [build.FEEDBACK_HEADER, DE, ES, MX, FR], ids=["US", "DE", "ES", "MX", "FR"]
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_headers_we_know_are_read_without_word(header: tuple[str, ...], codec: str) -> None:
    document = one("10/20/26", header=header).decode().encode(codec)

    parsed = parse_document(document)

    assert (len(parsed.defects), parsed.warnings) == (1, [])


@pytest.mark.parametrize(
    ("header", "codec", "marketplace"), [(FI, "utf-8", "FR"), (JP, "utf-8", "JP"), (JP, "cp932", "JP")]
)
def test_header_we_do_not_know_is_read_by_position_with_warning(
    header: tuple[str, ...], codec: str, marketplace: str
) -> None:
    document = one(WRITTEN[marketplace], header=header).decode().encode(codec)

    parsed = parse_document(document, marketplace=marketplace)

    assert [fact.order_id for fact in parsed.defects] == [ORDER]
    assert len(parsed.warnings) == 1
    assert parsed.reader.encoding.codec == codec


@pytest.mark.parametrize("announced", ["", seller_feedback.NAME])
@pytest.mark.parametrize(("header", "extra"), [(LEGACY_9, ()), (LEGACY_10, ("Buyer",))])
def test_legacy_layout_has_its_order_id_in_eighth_cell(
    header: tuple[str, ...], extra: tuple[str, ...], announced: str
) -> None:
    row = ("9/24/15", "2", "Late", "", "No", "Yes", "-", ORDER, "abc@marketplace.amazon.com", *extra)

    parsed = parse_document(build.feedback_file([row], header=header), announced=announced)

    assert [(fact.order_id, fact.rating) for fact in parsed.defects] == [(ORDER, 2)]
    assert parsed.warnings == []


@pytest.mark.parametrize("columns", [1, 5, 7, 8, 11])
def test_wrong_number_of_columns_is_rejected(columns: int) -> None:
    header = (*LEGACY_10, "More")[:columns]

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.feedback_file([header], header=header), announced=seller_feedback.NAME)

    assert rejection.value.slug == "columns-missing"
    assert str(columns) in rejection.value.detail


def test_row_is_not_used_as_missing_header() -> None:
    rows = [build.feedback_row(order=build.order_id(n), on="10/20/26") for n in (1, 2)]

    for announced in ("", seller_feedback.NAME):
        with pytest.raises(RejectedDocument) as rejection:
            parse_document(build.feedback_file(rows[1:], header=rows[0]), announced=announced)

        assert rejection.value.slug == "no-header"


@pytest.mark.parametrize(("stars", "counts"), [(1, True), (2, True), (3, False), (4, False), (5, False)])
def test_feedback_counts_with_one_or_two_stars(stars: int, counts: bool) -> None:
    (fact,) = parse_document(one("10/20/26", rating=stars)).defects

    assert (fact.kind, fact.state, fact.rating, fact.counts) == (DefectKind.FEEDBACK, "posted", stars, counts)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("10/20/26", "0", "", "", ORDER, ""), "`Rating`: '0'"),
        (("10/20/26", "6", "", "", ORDER, ""), "`Rating`: '6'"),
        (("10/20/26", "1.0", "", "", ORDER, ""), "`Rating`: '1.0'"),
        (("10/20/26", "", "", "", ORDER, ""), "`Rating`: ''"),
        (("10/20/26", "*", "", "", ORDER, ""), "`Rating`: '*'"),
        (("10/20/26", "1", "", "", "1234", ""), "'1234' is not a valid Amazon order ID"),
        (("10/20/26", "1", "", "", "", ""), "'' is not a valid Amazon order ID"),
        (("10/20/26", "1", "a\tb", "", ORDER, ""), "'' is not a valid Amazon order ID"),
        (("yesterday", "1", "", "", ORDER, ""), "'yesterday' is not a valid date"),
        (("", "1", "", "", ORDER, ""), "'' is not a valid date"),
        (("10/20/26 12:00", "1", "", "", ORDER, ""), "is not a valid date"),
        (("10/20", "1", "", "", ORDER, ""), "is not a valid date"),
        (("10/20/26", "1"), "2 cells"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(row: tuple[str, ...], expected: str) -> None:
    good = build.feedback_row(order=build.order_id(2), on="10/20/26")

    parsed = parse_document(build.feedback_file([row, good]))

    assert [fact.order_id for fact in parsed.defects] == [build.order_id(2)]
    assert expected in parsed.rejected[2]


def test_spaces_around_value_do_not_matter() -> None:
    row = (" 10/20/26 ", " 1", "", "", f"{ORDER} ", "")

    assert len(parse_document(build.feedback_file([row])).defects) == 1


def test_comments_and_addresses_reach_no_fact_and_no_reason() -> None:
    rows = [
        ("10/20/26", "1", "my name is Jane Roe", "", ORDER, "jane@example.com"),
        ("10/20/26", "9", "my name is Jane Roe", "", ORDER, "jane@example.com"),
    ]

    parsed = parse_document(build.feedback_file(rows))

    assert "jane" not in f"{parsed.lines} {parsed.rejected}".lower()


def test_report_received_long_ago_is_judged_by_that_day() -> None:
    with pytest.raises(RejectedDocument):
        parse_document(one("9/24/26"), today=date(2026, 9, 1))

    assert len(parse_document(one("9/24/26"), today=TODAY).defects) == 1
