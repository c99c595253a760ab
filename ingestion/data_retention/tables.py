"""Say for every table with rows of an agency when its rows end. Pure.

- A fact, a version of a fact, a rejected row, a snapshot, a figure and a report end by the source of the report
  that stated them last: with the day they are about (of a fact of a stored order: the order's day), or with the day
  on which the report was received, whichever comes first.
- What was derived from facts of several reports (daily counts, values, breaches, events, deliveries) ends with the
  days before the account's `data_from`.
- Entries of the audit log about reports and breaches end with these.
- Everything else is not data of Amazon's and says why it stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# A row whose report is unknown ends like one of Amazon's API.
EDGE = "CASE WHEN report.source IN ('upload', 'json') THEN %(own)s::date ELSE %(sp_api)s::date END"
RECEIVED_ON = "(report.received_at AT TIME ZONE 'UTC')::date + %(receipt_days)s"
OF_ACCOUNT = "it.agency_id = %(agency)s AND it.account_id = %(account)s"
REPORT = (
    "LEFT JOIN ingestion_report AS report ON report.agency_id = {}.agency_id AND report.id = {}.report_id"
)
# An open breach is about the present. It ends some time after it is resolved.
ENDED_BREACH = (
    "breach.status = 'resolved' AND (breach.opened_at AT TIME ZONE 'UTC')::date < %(data_from)s::date"
)
ENDED_EVENT = "(event.occurred_at AT TIME ZONE 'UTC')::date < %(data_from)s::date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Describe which rows of a table have ended: the rows of an account as `it`, and an SQL condition."""

    rows: str
    ended: str
    of_account: str = OF_ACCOUNT
    is_of_order: bool = False
    """Whether the rows are facts of an order. All facts of an order end in one transaction."""
    cascades: bool = False
    """Whether the database deletes the rows with those they refer to."""

    def query(self, columns: str) -> str:
        """Return the SELECT of the ended rows of an account."""
        return f"SELECT {columns} FROM {self.rows} WHERE {self.of_account} AND {self.ended}"


def _stated(table: str, *days: str) -> Ending:
    """Return the ending of rows that a report states."""
    ended = f"LEAST({', '.join((*days, RECEIVED_ON))}) < {EDGE}"
    return Ending(rows=f"{table} AS it {REPORT.format('it', 'it')}", ended=ended)


def _of_order(table: str, *days: str, own_day: str = "") -> Ending:
    """Return the ending of facts of orders, which counts depend on as long as their order is stored.

    `own_day` is the SQL of the day of a fact without an order, if it has no column of it.
    """
    ordered_on = "it.ordered_on" if days == ("ordered_on",) else "placed.ordered_on"
    own_day = own_day or f"LEAST({', '.join(f'it.{day}' for day in days)})"
    return Ending(
        rows=f"{table} AS it {REPORT.format('it', 'it')} LEFT JOIN metrics_order AS placed "
        "ON placed.agency_id = it.agency_id AND placed.account_id = it.account_id AND placed.order_id = it.order_id",
        ended=f"LEAST(coalesce({ordered_on}, {own_day}), {RECEIVED_ON}) < {EDGE}",
        is_of_order=True,
    )


def _derived(table: str, moment: str) -> Ending:
    """Return the ending of rows derived from facts of several reports."""
    return Ending(rows=f"{table} AS it", ended=f"{moment} < %(data_from)s::date")


def _utc_day(column: str) -> str:
    return f"(it.{column} AT TIME ZONE 'UTC')::date"


SHIPMENT_DAYS = ("ship_by_on", "shipped_on", "deliver_by_on")
ENDINGS: Mapping[str, Ending] = {
    "metrics_order": _of_order("metrics_order", "ordered_on"),
    "metrics_pastorder": _of_order("metrics_pastorder", "ordered_on"),
    "metrics_orderitem": _of_order("metrics_orderitem", own_day=_utc_day("stated_at")),
    "metrics_pastorderitem": _of_order("metrics_pastorderitem", own_day=_utc_day("stated_at")),
    "metrics_defect": _of_order("metrics_defect", "occurred_on"),
    "metrics_pastdefect": _of_order("metrics_pastdefect", "occurred_on"),
    "metrics_shipment": _of_order("metrics_shipment", *SHIPMENT_DAYS),
    "metrics_pastshipment": _of_order("metrics_pastshipment", *SHIPMENT_DAYS),
    "metrics_return": _of_order("metrics_return", "requested_on"),
    "metrics_pastreturn": _of_order("metrics_pastreturn", "requested_on"),
    "metrics_returnitem": _of_order("metrics_returnitem", own_day=_utc_day("stated_at")),
    "metrics_pastreturnitem": _of_order("metrics_pastreturnitem", own_day=_utc_day("stated_at")),
    "metrics_message": _stated("metrics_message", "it.sent_on"),
    "metrics_pastmessage": _stated("metrics_pastmessage", "it.sent_on"),
    "metrics_listing": _stated("metrics_listing", _utc_day("stated_at")),
    "metrics_pastlisting": _stated("metrics_pastlisting", _utc_day("stated_at")),
    "metrics_feedbackcoverage": _stated("metrics_feedbackcoverage", "it.last_on"),
    "metrics_sourceload": _stated("metrics_sourceload"),
    # Before their snapshots, which name the report.
    "metrics_reportedfigure": Ending(
        rows="metrics_reportedfigure AS it LEFT JOIN metrics_snapshot AS snapshot "
        "ON snapshot.agency_id = it.agency_id AND snapshot.id = it.snapshot_id "
        + REPORT.format(*["snapshot"] * 2),
        ended=f"LEAST({_utc_day('reported_at')}, {RECEIVED_ON}) < {EDGE}",
    ),
    "metrics_snapshot": Ending(
        rows="metrics_snapshot AS it " + REPORT.format("it", "it"),
        ended=f"LEAST({_utc_day('reported_at')}, {RECEIVED_ON}) < {EDGE}",
    ),
    "ingestion_rejectedrow": _stated("ingestion_rejectedrow"),
    # Last of those that a report states: without it, their source is unknown.
    "ingestion_report": Ending(
        rows="ingestion_report AS report",
        ended=f"{RECEIVED_ON} < {EDGE}",
        of_account="report.agency_id = %(agency)s AND report.account_id = %(account)s",
    ),
    "metrics_dailycounts": _derived("metrics_dailycounts", "it.day"),
    "metrics_carriedcounts": _derived("metrics_carriedcounts", "it.day"),
    "metrics_currentvalue": _derived("metrics_currentvalue", _utc_day("computed_at")),
    "metrics_breachaction": Ending(
        rows="metrics_breachaction AS it JOIN metrics_breach AS breach "
        "ON breach.agency_id = it.agency_id AND breach.id = it.breach_id",
        ended=ENDED_BREACH,
        cascades=True,
    ),
    "metrics_breach": Ending(
        rows="metrics_breach AS breach",
        ended=ENDED_BREACH,
        of_account="breach.agency_id = %(agency)s AND breach.account_id = %(account)s",
    ),
    "webhooks_attempt": Ending(
        rows="webhooks_attempt AS it JOIN webhooks_delivery AS delivery "
        "ON delivery.agency_id = it.agency_id AND delivery.id = it.delivery_id "
        "JOIN webhooks_event AS event ON event.agency_id = delivery.agency_id AND event.id = delivery.event_id",
        ended=ENDED_EVENT,
        of_account="event.agency_id = %(agency)s AND event.account_id = %(account)s",
        cascades=True,
    ),
    "webhooks_delivery": Ending(
        rows="webhooks_delivery AS it JOIN webhooks_event AS event "
        "ON event.agency_id = it.agency_id AND event.id = it.event_id",
        ended=ENDED_EVENT,
        of_account="event.agency_id = %(agency)s AND event.account_id = %(account)s",
        cascades=True,
    ),
    "webhooks_event": Ending(
        rows="webhooks_event AS event",
        ended=ENDED_EVENT,
        of_account="event.agency_id = %(agency)s AND event.account_id = %(account)s",
    ),
}
"""The tables whose rows end, children before parents."""

ORDER_FACTS = {table: ending for table, ending in ENDINGS.items() if ending.is_of_order}
MESSAGES = ("metrics_message", "metrics_pastmessage")

AUDIT_LOG = "accounts_auditentry"
# The entry about a report names its source. A breach that is gone has ended, or its account was erased.
ENDED_AUDIT_ENTRIES = f"""
SELECT {{columns}} FROM {AUDIT_LOG} AS it
WHERE it.agency_id = %(agency)s AND (
    it.what LIKE 'report.%%' AND (it.at AT TIME ZONE 'UTC')::date
        < CASE it.detail ->> 'source' WHEN 'sp_api' THEN %(sp_api)s::date WHEN 'upload' THEN %(own)s::date
            WHEN 'json' THEN %(own)s::date END
    OR it.what LIKE 'breach.%%' AND (it.at AT TIME ZONE 'UTC')::date < %(sp_api)s::date AND NOT EXISTS (
        SELECT FROM metrics_breach AS breach WHERE breach.agency_id = it.agency_id
            AND 'brch_' || replace(breach.id::text, '-', '') = it.about))
"""

ACCESS = "Who may do what in the agency. It contains no data of Amazon's, and its owner deletes it."
SETTINGS = "What the agency chose. It contains no data of Amazon's, and the agency deletes it."
KEPT: Mapping[str, str] = {
    "accounts_apikey": ACCESS,
    "accounts_apikeyprefix": ACCESS,
    "accounts_member": ACCESS,
    "accounts_invitation": ACCESS,
    "accounts_invitationdigest": ACCESS,
    "accounts_idempotencyrecord": "Deleted after a day.",
    "accounts_selleraccount": "The account itself: its name and its current status, until it is deleted.",
    "ingestion_export": "Deleted after a week.",
    "metrics_denominatorrule": SETTINGS,
    "metrics_threshold": SETTINGS,
    "metrics_appliedthresholds": SETTINGS,
    "webhooks_endpoint": SETTINGS,
    "webhooks_endpointsecret": SETTINGS,
}
"""The tables whose rows do not end, each with the reason."""
