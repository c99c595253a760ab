"""List every table with rows of an agency, with the rows that an export contains and an erasure deletes.
Pure.

Parents come before their children. Exports read the list forwards, and erasures read it backwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

OF_ACCOUNT = "account_id = ANY (%(accounts)s::uuid[])"
# Events about the agency itself have no account. An export of the whole agency contains them, and
# erasing one account leaves them.
OF_EVENT = f"({OF_ACCOUNT} OR %(whole_agency)s AND account_id IS NULL)"
OF_DELIVERY = f"event_id IN (SELECT id FROM webhooks_event WHERE agency_id = %(agency)s AND {OF_EVENT})"
OF_ATTEMPT = (
    f"delivery_id IN (SELECT id FROM webhooks_delivery WHERE agency_id = %(agency)s AND {OF_DELIVERY})"
)
OF_THRESHOLD = f"({OF_ACCOUNT} OR %(with_agency_thresholds)s AND account_id IS NULL)"
# In the URL of a chat's incoming webhook the path is the secret, and a user name before the host may be one.
HOST = "substring(url FROM '^[Hh][Tt][Tt][Pp][Ss]?://(?:[^/?#]*@)?([^/?#]+)')"
PUBLIC_URL = f"CASE kind WHEN 'slack' THEN 'https://' || {HOST} || '/…' ELSE url END"
# API keys and tokens share a table, but their public IDs have different prefixes.
API_KEY_ID = "CASE kind WHEN 'token' THEN 'tok_' ELSE 'key_' END || replace(id::text, '-', '')"
# Users belong to no agency, so their names are in another table than their memberships (ADR 11).
FROM_PERSON = "(SELECT {} FROM accounts_person WHERE accounts_person.id = person_id)"

PREFIXES: Mapping[str, str] = {
    "agency_id": "agcy",
    "account_id": "acct",
    "report_id": "rpt",
    "snapshot_id": "snap",
    "breach_id": "brch",
    "escalated_from_id": "brch",
    "threshold_id": "thr",
    "endpoint_id": "ep",
    "event_id": "evt",
    "delivery_id": "dlv",
    "key_id": "key",
    "person_id": "pers",
    "parent_id": "key",
    "replaces_id": "key",
    "accounts": "acct",
}
"""The public ID prefix of the rows that each column refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Describe a table: its file in an archive or why it has none, and the SQL conditions that select its
    rows.

    - `account_condition`: SQL for the rows of the accounts in `%(accounts)s`. With `%(whole_agency)s` it
      includes rows about the agency itself, with `%(with_agency_thresholds)s` rows that apply to every
      account. Empty if the rows belong to the agency only.
    - `lists_accounts`: whether the column `accounts` lists account IDs.
    - `excluded`: columns left out of the export.
    - `expressions`: SQL for columns that are exported in another form than they are stored.
    - `extra_columns`: SQL for columns that the table does not have.
    """

    name: str
    description: str
    file: str = ""
    omitted_because: str = ""
    prefix: str = ""
    agency_condition: str = "agency_id = %(agency)s"
    account_condition: str = ""
    lists_accounts: bool = False
    excluded: tuple[str, ...] = ()
    expressions: Mapping[str, str] = field(default_factory=dict)
    extra_columns: Mapping[str, str] = field(default_factory=dict)
    kept_because: str = ""
    """The reason why the rows stay after the agency is erased. If it is empty, they are deleted."""


def metrics_table(name: str, file: str, description: str) -> Table:
    """Return a table of facts or figures of accounts."""
    return Table(name=f"metrics_{name}", file=file, description=description, account_condition=OF_ACCOUNT)


TABLES: tuple[Table, ...] = (
    Table(
        name="accounts_apikey",
        file="api-keys",
        prefix="key",
        description="API keys and tokens, without their secrets.",
        lists_accounts=True,
        excluded=("digest",),
        expressions={"id": API_KEY_ID},
    ),
    Table(
        name="accounts_apikeyprefix",
        description="The agency of each API key prefix.",
        omitted_because="The prefix is exported with its API key.",
    ),
    Table(
        name="accounts_member",
        file="members",
        prefix="mem",
        description="The members of the agency.",
        lists_accounts=True,
        extra_columns={name: FROM_PERSON.format(name) for name in ("name", "email")},
    ),
    Table(
        name="accounts_invitation",
        file="invitations",
        prefix="inv",
        description="Invitations to the agency.",
        lists_accounts=True,
        excluded=("digest", "invited_by_id", "invited_by_name"),
        extra_columns={"invited_by": "concat_ws(' ', invited_by_id, nullif(invited_by_name, ''))"},
    ),
    Table(
        name="accounts_invitationdigest",
        description="The agency of each invitation's token.",
        omitted_because="It contains only digests of tokens.",
    ),
    Table(
        name="accounts_idempotencyrecord",
        description="Idempotency records.",
        omitted_because="They are stored for one day, to replay responses.",
    ),
    Table(
        name="accounts_auditentry",
        file="audit-log",
        prefix="note",
        description="The audit log.",
        excluded=("actor_id", "actor_name"),
        extra_columns={"who": "concat_ws(' ', actor_id, nullif(actor_name, ''))"},
        kept_because="It shows what happened; its entries are reduced to IDs.",
    ),
    Table(
        name="accounts_selleraccount",
        file="accounts",
        prefix="acct",
        description="The seller accounts of the agency and their status.",
        account_condition="id = ANY (%(accounts)s::uuid[])",
        # Means of the server: they say when an account is erased, and the distance only orders lists.
        excluded=("deleted_at", "erased_from", "erasure_started_at", "ordered_distance"),
    ),
    Table(
        name="ingestion_report",
        file="reports",
        prefix="rpt",
        description="Reports received, with their status and counts.",
        account_condition=OF_ACCOUNT,
        # The name in the storage tells how files are stored, and the others how a worker got the report.
        excluded=("document", "original", "attempts", "handed_out_at", "claimed_at", "leased_until"),
        # An archive of one account does not name the others.
        expressions={"missing_orders": "missing_orders - 'found_in'"},
    ),
    Table(
        name="ingestion_rejectedrow",
        file="rejected-rows",
        description="Rejected rows of reports, with reasons.",
        account_condition=OF_ACCOUNT,
    ),
    Table(
        name="ingestion_export",
        description="Exports.",
        omitted_because="It describes exports only.",
        prefix="exp",
        account_condition=OF_ACCOUNT,
    ),
    metrics_table("order", "orders", "The latest known state of each order."),
    metrics_table("pastorder", "past-orders", "Earlier states of orders, valid until `superseded_at`."),
    metrics_table("orderitem", "order-items", "The latest known state of each item of an order."),
    metrics_table(
        "pastorderitem", "past-order-items", "Earlier states of items of orders, valid until `superseded_at`."
    ),
    metrics_table("defect", "defects", "The latest known state of each feedback, claim and chargeback."),
    metrics_table("pastdefect", "past-defects", "Earlier states of defects, valid until `superseded_at`."),
    metrics_table("shipment", "shipments", "The latest known state of each package."),
    metrics_table(
        "pastshipment", "past-shipments", "Earlier states of packages, valid until `superseded_at`."
    ),
    metrics_table("return", "returns", "The latest known state of each return request."),
    metrics_table(
        "pastreturn", "past-returns", "Earlier states of return requests, valid until `superseded_at`."
    ),
    metrics_table("returnitem", "return-items", "The latest known state of each item of a return request."),
    metrics_table(
        "pastreturnitem",
        "past-return-items",
        "Earlier states of items of return requests, valid until `superseded_at`.",
    ),
    metrics_table("listing", "listings", "The latest known state of each listing."),
    metrics_table("pastlisting", "past-listings", "Earlier states of listings, valid until `superseded_at`."),
    metrics_table("message", "messages", "The latest known state of each buyer message, without its text."),
    metrics_table(
        "pastmessage", "past-messages", "Earlier states of buyer messages, valid until `superseded_at`."
    ),
    metrics_table("feedbackcoverage", "feedback-coverage", "Periods for which a report listed all feedback."),
    metrics_table("sourceload", "source-loads", "When each source was last updated, and by which report."),
    metrics_table(
        "denominatorrule",
        "denominator-rules",
        "Whether denominators include Pending and Cancelled orders, and since when.",
    ),
    metrics_table(
        "dailycounts", "daily-counts", "Daily counts in every version; the latest version is current."
    ),
    metrics_table(
        "carriedcounts",
        "carried-counts",
        "What facts that have ended contributed to days whose data is complete.",
    ),
    metrics_table("currentvalue", "current-values", "The current value of each series."),
    Table(
        name="metrics_snapshot",
        file="snapshots",
        prefix="snap",
        description="Amazon's account health reports, complete.",
        account_condition=OF_ACCOUNT,
    ),
    metrics_table("reportedfigure", "reported-figures", "Each figure of Amazon's account health reports."),
    Table(
        name="metrics_threshold",
        file="thresholds",
        description="The agency's thresholds, in every version.",
        account_condition=OF_THRESHOLD,
        excluded=("id",),
    ),
    metrics_table(
        "appliedthresholds",
        "followed-thresholds",
        "Which threshold versions applied to an account, and since when.",
    ),
    Table(
        name="metrics_breach",
        file="breaches",
        prefix="brch",
        description="Breaches: periods in which a series missed a limit.",
        account_condition=OF_ACCOUNT,
    ),
    Table(
        name="metrics_breachaction",
        file="breach-actions",
        description="Actions of users on breaches, with their notes.",
        account_condition=OF_ACCOUNT,
        excluded=("id",),
    ),
    Table(
        name="webhooks_endpoint",
        file="webhook-endpoints",
        prefix="ep",
        description=(
            "Endpoints for events. Chat endpoints show the host only, because the rest of the URL is "
            "a secret."
        ),
        lists_accounts=True,
        # What the delivery workers and the confirmation need.
        excluded=("mailbox", "confirmation_digest", "digest_at"),
        expressions={"url": PUBLIC_URL},
    ),
    Table(
        name="webhooks_endpointsecret",
        description="Signing secrets.",
        omitted_because="Secrets are shown once, when they are created.",
    ),
    Table(
        name="webhooks_event",
        file="events",
        prefix="evt",
        description="Events.",
        account_condition=OF_EVENT,
    ),
    Table(
        name="webhooks_delivery",
        file="deliveries",
        prefix="dlv",
        description="Deliveries of events to endpoints, within their retention period.",
        account_condition=OF_DELIVERY,
        # They steer the delivery workers and mean nothing outside them.
        excluded=("leased_until", "order_key"),
    ),
    Table(
        name="webhooks_attempt",
        file="delivery-attempts",
        description="Each attempt to deliver, with the response.",
        account_condition=OF_ATTEMPT,
        excluded=("id",),
    ),
)
RULES = Table(
    name="metrics_metricrule",
    file="rules",
    description=(
        "Amazon's windows and targets by metric, marketplace and day. They are the same for every agency."
    ),
    agency_condition="true",
    account_condition="true",
    excluded=("id",),
)
AGENCY = Table(
    name="accounts_agency",
    file="agency",
    prefix="agcy",
    description="The agency and its settings.",
    agency_condition="id = %(agency)s",
    account_condition="true",
    # An agency can export only while it is open, so they would always be empty.
    excluded=("closed_at", "closed_by", "erased_from", "erased_at"),
)
