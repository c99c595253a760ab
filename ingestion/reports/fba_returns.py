"""GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA: one row per unit that came back to Amazon."""

from collections.abc import Sequence

from ingestion.parsing.refusals import BadRow
from ingestion.reports import cells
from ingestion.reports.kind import Column, Kind, Parse, Setting, column_name, order_id
from metrics.rules.facts import ReturnFact

REPORT_TYPE = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
LONGEST_SKU = 38  # with a blank and a moment it makes a reference of 64
COLUMNS = (
    Column(name="return-date", meaning="when the unit was returned, ISO 8601 with an offset", needed=True),
    Column(name="order-id", meaning="Amazon's order ID", needed=True),
    Column(name="license-plate-number", meaning="identifies the unit; without it, units are identified by SKU and time"),
    Column(name="sku", meaning="the SKU"),
    Column(name="status", meaning="what happened to the unit"),
)
EXAMPLE = (
    "return-date\torder-id\tsku\tasin\tfnsku\tproduct-name\tquantity\tfulfillment-center-id\tdetailed-disposition\treason\tstatus\t"
    "license-plate-number\tcustomer-comments\n"
    '2025-06-05T15:31:40+00:00\t114-1234567-1234567\tPAD-12\tB000000001\tX000000001\tPad, 12" x 18"\t1\tLEX1\tSELLABLE\t'
    "UNWANTED_ITEM\tUnit returned to inventory\tLPNNC5N000001\t\n"
)


def begin(header: Sequence[str], setting: Setting) -> Parse:
    read = cells.reader(header, COLUMNS, report_type=REPORT_TYPE)

    def parse(row: list[str]) -> ReturnFact:
        texts = read(row)
        order = order_id(texts["order-id"])
        try:
            returned = cells.when(texts["return-date"], setting=setting, latest=setting.latest)
        except BadRow as bad:
            raise BadRow(f"return-date {bad.reason}") from None
        at = returned.moment.replace(microsecond=0) if returned.moment else returned.day
        unit = f"{texts.get('sku', '')[:LONGEST_SKU]} {at.isoformat()}"
        return ReturnFact(
            order_id=order,
            reference=cells.reference_of(texts.get("license-plate-number") or unit, column="license-plate-number"),
            requested_on=returned.day,
            state=cells.state_of(texts.get("status", "")),
            is_return=True,
            is_dissatisfied=None,
            reason="",
            stated_at=None,
        )

    return parse


def recognises(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return {"return-date", "order-id", "fulfillment-center-id"} <= {column_name(cell) for cell in header}


KIND = Kind(
    report_types=(REPORT_TYPE,),
    title="FBA customer returns",
    facts=(ReturnFact,),
    dialect="tsv_or_csv",
    recognises=recognises,
    begin=begin,
    about="Returned units of orders that Amazon fulfilled. Buyers' comments are not stored.",
    columns=COLUMNS,
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/fba-customer-concessions-reports-attributes",
)
