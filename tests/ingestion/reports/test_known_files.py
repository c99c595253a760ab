"""Test the register of files that are known and not read."""

import pytest

from ingestion.reports import REPORT_TYPES, a_to_z_claims_page, known_files
from ingestion.reports.report_type import ReportType
from tests import build

PERSON = "Jane Roe,12 Main Street,+1 206 555 0100,jane@example.com"


@pytest.mark.parametrize("report_type", REPORT_TYPES, ids=lambda report_type: report_type.names[0])
def test_example_of_supported_report_type_is_in_no_register(report_type: ReportType) -> None:
    found = known_files.find(report_type.example)

    # A copy of the claims page is in the register in case it has no column for the status.
    assert (found is None) is (report_type is not a_to_z_claims_page.REPORT_TYPE)


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (
            '{"errors": [{"code": "QuotaExceeded", "message": "x"}]}',
            "an error of Amazon's Selling Partner API",
        ),
        ('{ "errors" : [ ] }', "an error of Amazon's Selling Partner API"),
        ('{"reportDocumentId": "amzn1.x", "url": "https://x"}', "the answer that names a report document"),
        ('{"reportId": "1", "processingStatus": "DONE"}', "the answer that names a report document"),
        ("<Response [403]>", "an answer as Python prints it"),
        ("{'reportDocumentId': 'amzn1.x'}", "an answer as Python prints it"),
        ("ApiResponse(payload={})", "an answer as Python prints it"),
        ("b'amazon-order-id\\tpurchase-date'", "an answer as Python prints it"),
        ("<html><body>404</body></html>", "a web page"),
        ("\ufeff\n<!DOCTYPE HTML><title>Bitte anmelden</title>", "sign-in page"),
        ("<Error><Code>NoSuchKey</Code></Error>", "an error of the file storage"),
        ("sku\tasin\tprice\tquantity", "an open-listings report"),
        ("request-date,order-id,order-type,disposition,sku", "a removals report"),
        ("Order ID;Chargeback date;Reason;Amount", "a copy of the chargebacks page"),
        ("Order ID,Claim ID,Reason", "a copy of the A-to-z claims page"),
        ("x\n" * 7 + '"date/time","settlement id","type"', "a payments report"),
    ],
)
def test_known_file_is_named(beginning: str, name: str) -> None:
    error = known_files.find(beginning)

    assert error is not None
    assert name in error.detail


@pytest.mark.parametrize(
    "beginning", ["", "\n", PERSON, '{"payload": {}}', "<?xml version='1.0'?><a/>", "b,c"]
)
def test_other_file_is_not_named(beginning: str) -> None:
    assert known_files.find(beginning) is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_only_known_columns_of_first_line_are_quoted(delimiter: str) -> None:
    line = delimiter.join((build.order_id(1), "Jane Roe", "Order ID", '"Claim Status"', "2065550100"))

    text = known_files.describe_header(line, known={"order-id", "claim-status"})

    assert text == "Its first line has the columns `Order ID`, `Claim Status` and 3 that are not known."
    assert known_files.describe_header(PERSON, known={"order-id"}).endswith(
        "no column of a supported report."
    )
