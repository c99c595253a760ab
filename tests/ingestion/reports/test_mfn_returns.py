import random
from datetime import date
from pathlib import Path

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import mfn_returns
from metrics.rules.facts import DefectKind
from tests import build
from tests.ingestion.parsed_documents import TODAY, parse_document

SAMPLE = Path(__file__).parents[2] / "samples" / mfn_returns.NAME / "1.tsv"
COLUMNS = tuple(SAMPLE.read_text().splitlines()[0].split("	"))
ROW = {
    "Order ID": build.order_id(1),
    "Order date": "01-Jul-2025",
    "Return request date": "10-Jul-2025",
    "Return request status": "Approved",
    "Amazon RMA ID": "DfqRyqfBRRMA",
    "A-to-Z Claim": "N",
    "Item Name": 'Pillow, 12" x 18"',
    "Return quantity": "1",
    "Refunded Amount": "7.49",
}


def report(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> bytes:
    return build.table(*(ROW | row for row in rows), columns=columns, delimiter="\t")


def test_request_is_return_of_its_order() -> None:
    (fact,) = parse_document(report({})).returns

    assert fact[:8] == (
        build.order_id(1),
        "RMA DfqRyqfBRRMA",
        date(2025, 7, 10),
        "approved",
        True,
        None,
        "",
        None,
    )


def test_columns_are_found_by_name_in_any_order_and_others_are_ignored() -> None:
    for seed in range(5):
        columns = tuple(
            random.Random(seed).sample(
                [*COLUMNS, "Category", "Order Item ID", "Buyer name"], len(COLUMNS) + 3
            )
        )

        assert [fact.reference for fact in parse_document(report({}, columns=columns)).returns] == [
            "RMA DfqRyqfBRRMA"
        ]


@pytest.mark.parametrize(
    "text", ["10-Jul-2025", "2025-07-10", "2025-07-10T08:00:00-03:00", "2025-07-10 08:00:00"]
)
def test_date_names_its_month_or_is_iso(text: str) -> None:
    (fact,) = parse_document(report({"Return request date": text})).returns

    assert fact.requested_on == date(2025, 7, 10)


@pytest.mark.parametrize("text", ["10/07/2025", "07/10/2025", "10.07.2025", "", "10-Jui-2025", "32-Jul-2025"])
def test_date_that_could_be_two_days_rejects_its_row(text: str) -> None:
    parsed = parse_document(report({}, {"Return request date": text}))

    assert len(parsed.returns) == 1
    assert f"{text!r} is not a valid past day; expected e.g. 10-Jul-2025" in parsed.rejected[3]


def test_day_that_is_not_yet_is_rejected() -> None:
    parsed = parse_document(report({}, {"Return request date": "25-Nov-2026"}), today=TODAY)

    assert list(parsed.rejected) == [3]


@pytest.mark.parametrize(
    ("status", "is_return"),
    [
        *(
            (status, True)
            for status in ("Approved", "Pending", "Pending approval", "Completed", "Closed", "Authorized", "")
        ),
        *(
            (status, False)
            for status in ("Cancelled", "Canceled", "Declined", "DENIED", "Rejected", "BuyerCancelled")
        ),
        *((status, False) for status in ("Closed without refund", "Return request cancelled by the buyer")),
    ],
)
def test_request_that_was_taken_back_or_rejected_is_no_return(status: str, is_return: bool) -> None:
    (fact,) = parse_document(report({"Return request status": status})).returns

    assert (fact.is_return, fact.state) == (is_return, status.lower()[:20])


def test_rows_of_one_request_are_items_of_it() -> None:
    parsed = parse_document(report({"ASIN": "one"}, {"ASIN": "two"}))

    assert [line for line, _ in parsed.lines] == [2, 3]
    assert len(set(parsed.returns)) == 1


@pytest.mark.parametrize(
    ("cells", "reference"),
    [
        ({"Merchant RMA ID": "M-1"}, "RMA DfqRyqfBRRMA"),
        ({"Amazon RMA ID": "", "Merchant RMA ID": "M-1"}, "RMA M-1"),
        ({"Amazon RMA ID": ""}, ""),
    ],
)
def test_request_is_known_by_amazon_number_or_else_seller(cells: dict[str, str], reference: str) -> None:
    (fact,) = parse_document(report(cells)).returns

    assert fact.reference == reference


@pytest.mark.parametrize("reason_part", ["Y", "y", "Yes", "true"])
def test_claim_on_request_is_defect_of_which_no_more_is_known(reason_part: str) -> None:
    parsed = parse_document(report({"A-to-Z Claim": reason_part}))

    assert [type(fact).__name__ for _, fact in parsed.lines] == ["ReturnFact", "DefectFact"]
    (fact,) = parsed.defects
    assert (fact.order_id, fact.kind, fact.reference) == (
        build.order_id(1),
        DefectKind.A_TO_Z_CLAIM,
        "returns-report",
    )
    assert (fact.state, fact.occurred_on, fact.counts) == ("filed", date(2025, 7, 10), True)
    assert (fact.stated_at, fact.rating, fact.funded_by) == (None, None, "")


@pytest.mark.parametrize("reason_part", ["N", "n", "No", "false", ""])
def test_request_without_claim_has_no_defect(reason_part: str) -> None:
    assert parse_document(report({"A-to-Z Claim": reason_part})).defects == []


def test_report_without_column_of_claims_tells_of_returns_alone() -> None:
    parsed = parse_document(report({}, columns=tuple(name for name in COLUMNS if name != "A-to-Z Claim")))

    assert (len(parsed.returns), parsed.defects) == (1, [])


@pytest.mark.parametrize(
    ("cells", "reason_part"),
    [
        ({"Order ID": ""}, "'' is not a valid Amazon order ID"),
        ({"Order ID": "112-1234567-123456"}, "is not a valid Amazon order ID"),
        ({"A-to-Z Claim": "perhaps"}, "`A-to-Z Claim`: 'perhaps' is not valid; expected Y or N"),
        ({"Amazon RMA ID": "x" * 61}, "`Amazon RMA ID`: a text of one word is too long"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(cells: dict[str, str], reason_part: str) -> None:
    parsed = parse_document(report({"Order ID": build.order_id(2)}, cells))

    assert [fact.order_id for fact in parsed.returns] == [build.order_id(2)]
    assert reason_part in parsed.rejected[3]


def test_rows_whose_empty_cells_at_end_were_cut_are_whole() -> None:
    document = b"\n".join(
        line.rstrip(b"\t")
        for line in report({}, {"Refunded Amount": ""}, {"Refunded Amount": ""}).splitlines()
    )

    parsed = parse_document(document)

    assert (len(parsed.returns), parsed.rejected) == (3, {})


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_report_that_spreadsheet_saved_with_commas_is_read_too(delimiter: str) -> None:
    row = ROW | {"Item Name": '"Pillow, 12"" x 18"""', "A-to-Z Claim": "Y"}

    parsed = parse_document(build.table(row, columns=COLUMNS, delimiter=delimiter))

    assert parsed.lines == parse_document(report({"A-to-Z Claim": "Y"})).lines


def test_row_cut_before_required_cell_is_rejected() -> None:
    document = report({}) + b"101-0000001-0000002\t01-Jul-2025\t10-Jul-2025\n"

    assert "The row has 3 cells; the header has" in parse_document(document).rejected[3]


def test_document_cut_in_its_last_row_is_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(report({}, {})[:-40])

    assert rejection.value.slug == "document-cut-off"


@pytest.mark.parametrize("column", ["Order ID", "Return request date", "Return request status"])
def test_header_without_required_column_is_rejected(column: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(
            report({}, columns=tuple(name for name in COLUMNS if name != column)), announced=mfn_returns.NAME
        )

    assert rejection.value.slug == "columns-missing"
    assert column.lower().replace(" ", "-") in rejection.value.detail


def test_header_repeated_as_data_is_skipped() -> None:
    header, row = report({}).splitlines(keepends=True)

    parsed = parse_document(header + header + row)

    assert ([line for line, _ in parsed.lines], list(parsed.rejected)) == ([3], [])
    assert parsed.reader.read == 1
    assert parsed.warnings == [
        "The header is repeated in 1 lines, the first of them line 2. These lines were skipped."
    ]


def test_report_of_one_marketplace_is_dated_by_its_days() -> None:
    (fact,) = parse_document(
        report({"Return request date": "2025-07-10T03:00:00Z"}), zone="America/Los_Angeles"
    ).returns

    assert fact.requested_on == date(2025, 7, 9)
