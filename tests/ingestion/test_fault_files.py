"""Test the faulty documents of tests/samples/faults over HTTP: upload, load, and read the report and its
rejected rows.

Each case states the right answer. `tests/samples/faults/README.md` says what each document shows.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client

FAULTS = Path(__file__).parents[1] / "samples" / "faults"


@dataclass(frozen=True, kw_only=True)
class Case:
    """State the right answer to one faulty document.

    - `home`: the account's home marketplace. `announced`: the `report_type` that is sent with the document.
    - `report_type`: the report type of a loaded document.
    - `read`: the number of rows read. `rejected`: a part of the reason of each rejected row, by line.
    - `set_apart`: the number of rows of multi-channel orders.
    - `warnings`: a part of each warning, in order.
    - `problem`: the slug of the problem of a rejected document. `detail`: parts of its detail.
    """

    file: str
    home: str = "US"
    announced: str = ""
    report_type: str = ""
    read: int = 0
    set_apart: int = 0
    rejected: dict[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    problem: str = ""
    detail: tuple[str, ...] = ()


ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
FEEDBACK = "GET_SELLER_FEEDBACK_DATA"
RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
V2 = "GET_V2_SELLER_PERFORMANCE_REPORT"
STATUSES = "expected one of Pending, Unshipped, Shipping, Shipped, Complete, Cancelled."
EXPECTED_TIME = "expected e.g. 2025-07-01T09:15:00+00:00."
CASES = (
    Case(file="06_orders_utf16le_nobom.txt", report_type=ORDERS, read=1),
    Case(file="08_orders_gzip_twice.gz", report_type=ORDERS, read=1),
    Case(file="104_v2_payload_wrapped.json", report_type=V2, read=2),
    Case(
        file="108_v2_rate_percent_string.json",
        report_type=V2,
        read=2,
        rejected={2: "order_defect_rate mfn US: `rate`: '3.00%' is not a number; expected"},
    ),
    Case(file="123_defects_zh.csv", report_type="orders_with_defects", read=1),
    Case(
        file="13_orders_iso_variants.txt",
        report_type=ORDERS,
        read=7,
        rejected={
            5: f"`purchase-date`: '2026-09-10 08:04:21' has no UTC offset; {EXPECTED_TIME}",
            7: f"`purchase-date`: '2026-09-10' has no UTC offset; {EXPECTED_TIME}",
        },
    ),
    Case(
        file="17_orders_concatenated.txt",
        report_type=ORDERS,
        read=2,
        warnings=("The header is repeated in 1 lines, the first of them line 3.",),
    ),
    Case(
        file="18_orders_statuses.txt",
        home="IN",
        report_type=ORDERS,
        read=12,
        rejected={
            5: f"`order-status`: 'Unfulfillable' is not a known status; {STATUSES}",
            11: f"`order-status`: '' is not a known status; {STATUSES}",
        },
    ),
    Case(
        file="19_orders_channel_words.txt",
        report_type=ORDERS,
        read=5,
        rejected={6: "`fulfillment-channel`: '' is not valid; expected Amazon or Merchant."},
    ),
    Case(
        file="20b_orders_csv_unquoted_comma_early.csv",
        report_type=ORDERS,
        read=2,
        rejected={2: "The row has 8 cells; the header has 7."},
    ),
    Case(file="31_orders_uk_fulfilment_spelling.txt", home="GB", report_type=ORDERS, read=1),
    Case(file="40_feedback_manager_saved_as_csv.csv", report_type=FEEDBACK, read=1),
    Case(
        file="41_feedback_fr_header_only.txt",
        home="FR",
        report_type=FEEDBACK,
        read=0,
        warnings=("The document has no rows.",),
    ),
    Case(
        file="50c_mfn_returns_shift_loses_claim.txt",
        report_type=RETURNS,
        read=2,
        rejected={3: "The row has 16 cells; the header has 15."},
    ),
    Case(
        file="54_xml_returns_is_orders_tsv.txt",
        announced="GET_XML_RETURNS_DATA_BY_RETURN_DATE",
        problem="unknown-document",
        detail=("It is a table with the columns order-id, order-item-id, purchase-date, ", ", not XML."),
    ),
    Case(file="80_odr_orders_with_defects_de.csv", home="DE", report_type="orders_with_defects", read=1),
    Case(
        file="92_xml_says_utf8_is_cp1252.xml",
        report_type="GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
        read=1,
        warnings=("The XML declares the encoding UTF-8 and is not in it. It was read as cp1252.",),
    ),
    # What they say of the account is in tests/metrics/test_verdicts.py.
    Case(file="100_v2_only_bad.json", report_type="GET_V2_SELLER_PERFORMANCE_REPORT", read=3),
    Case(
        file="140_orders_30_of_100_cancelled.txt",
        report_type="GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
        read=100,
    ),
    Case(
        file="131_shipments_excel_dates.csv",
        report_type="shipments",
        read=3,
        rejected={
            2: "`ship_by`: '11/20/2026' is not valid; expected a day (YYYY-MM-DD)",
            3: "`ship_by`: '20.11.2026' is not valid; expected a day (YYYY-MM-DD)",
            4: "`ship_by`: '2026-11-20 00:00' is not valid; expected a day (YYYY-MM-DD)",
        },
        problem="no-usable-row",
    ),
)


ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
MULTI_CHANNEL = (
    Case(file="02_orders_si_prod_channels.txt", report_type=ORDERS, read=6, set_apart=5),
    Case(
        file="55_fba_returns_mcf.txt",
        report_type="GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA",
        read=4,
        set_apart=2,
    ),
    Case(
        file="60_fba_shipments_mcf_blank_purchase.txt",
        report_type="GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL",
        read=2,
        set_apart=1,
    ),
)
KNOWN_AND_NOT_READ = {
    "16_s3_expired.xml": ("the download link had expired: download the report again",),
    "70_unshipped_orders.txt": ("the unshipped-orders report", f"Send the all-orders report (`{ORDERS}`)"),
    "71_orders_data_new.txt": ("the new-orders report", f"Send the all-orders report (`{ORDERS}`)"),
    "72_payments_date_range.csv": ("a payments report", "It lists money", "`claims_and_chargebacks`"),
    "73_settlement_v2.txt": ("a settlement report", "It lists money", "`claims_and_chargebacks`"),
    "74_business_report.csv": ("a business report", "Send the all-orders report"),
    "87_html_login.csv": ("sign-in page, a web page and not a report",),
}
KNOWN_FILES = (
    *(
        Case(file=file, announced=announced, problem="unknown-document", detail=detail)
        for file, detail in KNOWN_AND_NOT_READ.items()
        for announced in ("", ORDERS, "shipments")
    ),
    Case(
        file="34_first_line_is_a_person.csv",
        problem="unknown-document",
        detail=(
            "Its first line has the columns `A-to-z Guarantee Claim` and 3 that are not known.",
            f"`{ORDERS}`, `GET_XML",
        ),
    ),
)
AMAZONS_LISTS = (
    Case(file="75_otdr_defects.csv", report_type="late_deliveries", read=1),
    Case(file="77_vtr_report.txt", report_type="packages_without_valid_tracking", read=2),
    Case(
        file="78_pso_defect_report.csv",
        report_type="premium_shipping_defects",
        read=1,
        warnings=("Premium shipping has no metric of its own.",),
    ),
    Case(file="79_invoice_defects.csv", home="DE", report_type="invoice_defects", read=1),
    Case(
        file="81_odr_defects_values.csv",
        report_type="orders_with_defects",
        read=6,
        rejected={5: "`Negative Feedback`: '5' is not valid; expected yes, no, 1 or 2."},
    ),
    Case(file="82_atoz_claims_page.csv", report_type="a_to_z_claims_page", read=2),
    Case(file="82b_atoz_claims_page2.csv", report_type="orders_with_defects", read=1),
)
INDISTINCT = (
    Case(
        file="130_shipments_two_packages.csv",
        report_type="shipments",
        read=4,
        rejected={5: "tell packages apart with `package` or `tracking_number`"},
    ),
)
DATES = (
    Case(
        file="46_feedback_uk_swapped_silent.txt",
        report_type="GET_SELLER_FEEDBACK_DATA",
        read=1,
        warnings=("They were read as month/day/year, as in US, the account's home marketplace",),
    ),
)
ALL_CASES = (*CASES, *MULTI_CHANNEL, *KNOWN_FILES, *AMAZONS_LISTS, *INDISTINCT, *DATES)


def upload(agency: Client, case: Case) -> dict[str, Any]:
    """Upload the document of a case to a new account, let a worker load it and return its report."""
    account = agency.take_on(home=case.home)
    fields = {"report_type": case.announced} if case.announced else {}
    return agency.load(account, (FAULTS / case.file).read_bytes(), **fields)


def reasons(agency: Client, report: dict[str, Any]) -> dict[int, str]:
    """Return the reasons of a report's rejected rows by line."""
    rows = agency.read(f"/v1/reports/{report['id']}/rejected-rows", limit=200)["data"]
    return {row["line"]: row["reason"] for row in rows}


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: f"{case.file} {case.announced}".strip())
def test_faulty_document_gets_right_answer(nord: Client, case: Case) -> None:
    report = upload(nord, case)

    problem = report["problem"] or {"type": "", "detail": ""}
    rejected = reasons(nord, report)
    assert (report["status"], problem["type"].removeprefix("/problems/")) == (
        "rejected" if case.problem else "loaded",
        case.problem,
    ), report
    assert rejected.keys() == case.rejected.keys(), rejected
    assert [part for line, part in case.rejected.items() if part not in rejected[line]] == [], rejected
    assert [part for part in case.detail if part not in problem["detail"]] == [], problem
    if not case.problem:
        assert (report["report_type"], report["rows"]["read"]) == (case.report_type, case.read), report
        assert report["rows"]["set_apart"] == case.set_apart, report
    # The account has no orders, which every report about orders says.
    warnings = [each for each in report["warnings"] if "not loaded for this account" not in each]
    if not case.problem:
        assert len(warnings) == len(case.warnings), warnings
    for part, warning in zip(case.warnings, warnings, strict=False):
        assert part in warning


def test_faulty_documents_are_all_tested_and_described() -> None:
    files = {path.name for path in FAULTS.iterdir()} - {"README.md"}
    described = (FAULTS / "README.md").read_text()

    assert files == {case.file for case in ALL_CASES}
    assert [name for name in sorted(files) if f"| {name} |" not in described] == []
