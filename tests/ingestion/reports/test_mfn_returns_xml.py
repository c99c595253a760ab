"""Test returns as XML: the same facts as the flat file."""

from datetime import date

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import all_orders_xml, mfn_returns_xml
from tests import build
from tests.ingestion.parsed_documents import parse_document

TEXTS = {
    "order_id": build.order_id(1),
    "order_date": "2020-11-03T17:08:47Z",
    "amazon_rma_id": "DJ1XPkq5RRMA",
    "return_request_date": "2020-11-12T12:44:17Z",
    "return_request_status": "Approved",
    "a_to_z_claim": "false",
    "is_prime": "N",
}
ITEM = (
    "<item_details><item_name>Camisa &amp; "
    "más</item_name><asin>B07</asin><order_id>none</order_id></item_details>"
)


def details(**texts: str | None) -> str:
    """Return one request with an item. An element whose text is None is left out."""
    elements = "".join(
        f"<{name}>{text}</{name}>" for name, text in (TEXTS | texts).items() if text is not None
    )
    return f"<return_details>{ITEM}{elements}<label_details><label_type>x</label_type></label_details></return_details>\n"


def report(*requests: str, envelope: str = "AmazonEnvelope", message_type: str = "Returns-Report") -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{envelope}><MessageType>{message_type}</MessageType><Message>\n'
    return f"{head}{''.join(requests)}</Message></{envelope}>\n".encode()


def test_request_is_return_of_its_order() -> None:
    parsed = parse_document(report(details(), details(order_id=build.order_id(2), amazon_rma_id="D2")))

    assert [fact[:8] for fact in parsed.returns] == [
        (build.order_id(1), "RMA DJ1XPkq5RRMA", date(2020, 11, 12), "approved", True, None, "", None),
        (build.order_id(2), "RMA D2", date(2020, 11, 12), "approved", True, None, "", None),
    ]
    assert (parsed.defects, parsed.rejected) == ([], {})


@pytest.mark.parametrize("reason_part", ["true", "True", "Y", "yes"])
def test_claim_is_defect_of_which_no_more_is_known(reason_part: str) -> None:
    (fact,) = parse_document(report(details(a_to_z_claim=reason_part))).defects

    assert fact[:4] == (build.order_id(1), "a_to_z_claim", "returns-report", "filed")
    assert (fact.occurred_on, fact.counts) == (date(2020, 11, 12), True)


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2020-11-12T12:44:17Z", "UTC", date(2020, 11, 12)),
        ("2020-11-12T03:44:17Z", "America/Los_Angeles", date(2020, 11, 11)),
        ("2020-11-12", "America/Los_Angeles", date(2020, 11, 12)),
        ("12-Nov-2020", "UTC", date(2020, 11, 12)),
    ],
)
def test_date_is_moment_or_day(text: str, zone: str, day: date) -> None:
    (fact,) = parse_document(report(details(return_request_date=text)), zone=zone).returns

    assert fact.requested_on == day


def test_optional_elements_may_be_missing() -> None:
    (fact,) = parse_document(
        report(details(amazon_rma_id=None, return_request_status=None, a_to_z_claim=None))
    ).returns

    assert (fact.reference, fact.state, fact.is_return) == ("", "", True)


@pytest.mark.parametrize(
    ("texts", "reason_part"),
    [
        ({"order_id": None}, "`return_details`: order_id is missing"),
        ({"return_request_date": None}, "return_request_date is missing"),
        ({"return_request_date": "12/11/2020"}, "is not a valid past day"),
        ({"order_id": "none"}, "not a valid Amazon order ID"),
        ({"a_to_z_claim": "?"}, "expected Y or N"),
    ],
)
def test_request_invalid_is_rejected_by_its_line(texts: dict[str, str | None], reason_part: str) -> None:
    parsed = parse_document(report(details(), details(**texts)))

    assert (len(parsed.returns), list(parsed.rejected)) == (1, [4])
    assert reason_part in parsed.rejected[4]


@pytest.mark.parametrize("envelope", ["AmazonEnvelope", "returns_report"])
def test_xml_returns_are_detected_by_element_or_message_type(envelope: str) -> None:
    bare = report(details(), envelope=envelope, message_type="other")

    assert parse_document(bare).reader.type_name == mfn_returns_xml.NAME
    assert parse_document(report()).warnings == ["The document has no rows."]


@pytest.mark.parametrize(
    ("document", "announced"),
    [
        (report(details()), all_orders_xml.NAME),
        (build.orders_xml(build.message()), mfn_returns_xml.NAME),
    ],
)
def test_other_xml_is_not_an_empty_returns_report(document: bytes, announced: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, announced=announced)

    assert rejection.value.slug == "unknown-document"
    assert announced in rejection.value.detail


def test_report_that_is_cut_off_is_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(report(details(), details())[:-100])

    assert rejection.value.slug == "invalid-xml"
