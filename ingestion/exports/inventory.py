"""Every table that holds something of an agency: what of it is handed over, and what goes when an account or the agency goes.

Parents come before what names them: read forwards to hand over, backwards to erase. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

OF_ACCOUNT = "account_id = ANY (%(accounts)s::uuid[])"
OF_EVENT = f"({OF_ACCOUNT} OR %(whole)s AND account_id IS NULL)"
OF_DELIVERY = f"event_id IN (SELECT id FROM webhooks_event WHERE agency_id = %(agency)s AND {OF_EVENT})"
OF_ATTEMPT = f"delivery_id IN (SELECT id FROM webhooks_delivery WHERE agency_id = %(agency)s AND {OF_DELIVERY})"
OF_THRESHOLD = f"({OF_ACCOUNT} OR %(telling)s AND account_id IS NULL)"
HOST = "substring(url FROM '^[Hh][Tt][Tt][Pp][Ss]?://(?:[^/?#]*@)?([^/?#]+)')"
SHOWN_ADDRESS = f"CASE kind WHEN 'slack' THEN 'https://' || {HOST} || '/…' ELSE url END"
ID_OF_KEY = "CASE kind WHEN 'token' THEN 'tok_' ELSE 'key_' END || replace(id::text, '-', '')"
OF_PERSON = "(SELECT {} FROM accounts_person WHERE accounts_person.id = person_id)"

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
"""What the API calls the things that columns name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table and its place in an archive: the file, or why there is none.

    `of_account` tells the rows of some accounts, with `whole` also what happened to the agency itself, and when `telling` also
    what is asked of every account; empty: the rows are the agency's. `lists_accounts`: its column `accounts` names some.
    `told` are columns that are told otherwise than they are kept, `more` what is told besides.
    """

    name: str
    holds: str
    file: str = ""
    why_not: str = ""
    prefix: str = ""
    within: str = "agency_id = %(agency)s"
    of_account: str = ""
    lists_accounts: bool = False
    without: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    stays: str = ""
    """Why it outlives an agency that is erased."""


def facts(name: str, file: str, holds: str) -> Table:
    """A table of what is known of an account's orders and numbers."""
    return Table(name=f"metrics_{name}", file=file, holds=holds, of_account=OF_ACCOUNT)


TABLES: tuple[Table, ...] = (
    Table(
        name="accounts_apikey",
        file="api-keys",
        prefix="key",
        holds="The agency's keys and tokens, without what opens anything.",
        lists_accounts=True,
        without=("digest",),
        told={"id": ID_OF_KEY},
    ),
    Table(
        name="accounts_apikeyprefix",
        holds="Of which agency a key's prefix is.",
        why_not="Each key tells its prefix itself.",
    ),
    Table(
        name="accounts_member",
        file="members",
        prefix="mem",
        holds="The people who act for the agency.",
        lists_accounts=True,
        more={name: OF_PERSON.format(name) for name in ("name", "email")},
    ),
    Table(
        name="accounts_invitation",
        file="invitations",
        prefix="inv",
        holds="Who is invited to act for the agency.",
        lists_accounts=True,
        without=("digest", "invited_by_id", "invited_by_name"),
        more={"invited_by": "concat_ws(' ', invited_by_id, nullif(invited_by_name, ''))"},
    ),
    Table(
        name="accounts_invitationdigest",
        holds="Of which agency an invitation's token is.",
        why_not="It would tell nothing but a digest.",
    ),
    Table(name="accounts_idempotencyrecord", holds="Answers to writes.", why_not="They are kept for a day, for who asks twice."),
    Table(
        name="accounts_auditentry",
        file="audit-log",
        prefix="note",
        holds="Who did what.",
        without=("actor_id", "actor_name"),
        more={"who": "concat_ws(' ', actor_id, nullif(actor_name, ''))"},
        stays="That what happened can be shown; its entries are cut down to ids.",
    ),
    Table(
        name="accounts_selleraccount",
        file="accounts",
        prefix="acct",
        holds="The accounts that the agency looks after, and where each stands.",
        of_account="id = ANY (%(accounts)s::uuid[])",
        without=("deleted_at", "ordered_distance"),
    ),
    Table(
        name="ingestion_report",
        file="reports",
        prefix="rpt",
        holds="The documents received and what became of them.",
        of_account=OF_ACCOUNT,
        without=("document", "attempts", "handed_out_at"),
    ),
    Table(
        name="ingestion_rejectedrow",
        file="rejected-rows",
        holds="Rows of documents that could not be used, and why.",
        of_account=OF_ACCOUNT,
    ),
    Table(
        name="ingestion_export",
        holds="Archives like this one.",
        why_not="It tells of archives and of nothing else.",
        prefix="exp",
        of_account=OF_ACCOUNT,
    ),
    facts("order", "orders", "The newest known state of each order."),
    facts("pastorder", "past-orders", "States that orders had until `superseded_at`."),
    facts("defect", "defects", "The newest known state of each feedback, claim and chargeback."),
    facts("pastdefect", "past-defects", "States that defects had until `superseded_at`."),
    facts("shipment", "shipments", "The newest known state of each package."),
    facts("pastshipment", "past-shipments", "States that packages had until `superseded_at`."),
    facts("return", "returns", "The newest known state of each return request."),
    facts("pastreturn", "past-returns", "States that return requests had until `superseded_at`."),
    facts("message", "messages", "The newest known state of each buyer message; never what it says."),
    facts("pastmessage", "past-messages", "States that buyer messages had until `superseded_at`."),
    facts("feedbackcoverage", "feedback-coverage", "Days of which a report named all feedback."),
    facts("sourceload", "source-loads", "When each source of facts was brought up to date, and by which report."),
    facts("denominatorrule", "denominator-rules", "Whether Pending and Cancelled orders are in denominators, from when on."),
    facts("dailycounts", "daily-counts", "What was counted of each day, in every version: the newest is the present."),
    facts("currentvalue", "current-values", "Where each series stands."),
    Table(
        name="metrics_snapshot",
        file="snapshots",
        prefix="snap",
        holds="What Amazon itself reported, whole.",
        of_account=OF_ACCOUNT,
    ),
    facts("reportedfigure", "reported-figures", "Each figure of Amazon's own reports."),
    Table(
        name="metrics_threshold",
        file="thresholds",
        holds="The lines that the agency draws, in every version.",
        of_account=OF_THRESHOLD,
        without=("id",),
    ),
    facts("appliedthresholds", "followed-thresholds", "Which versions of thresholds an account was judged by, from when on."),
    Table(
        name="metrics_breach",
        file="breaches",
        prefix="brch",
        holds="Episodes in which a series missed a limit.",
        of_account=OF_ACCOUNT,
    ),
    Table(
        name="metrics_breachaction",
        file="breach-actions",
        holds="What people did about breaches, with their notes.",
        of_account=OF_ACCOUNT,
        without=("id",),
    ),
    Table(
        name="webhooks_endpoint",
        file="webhook-endpoints",
        prefix="ep",
        holds="Where the agency is told of events; of chats the host alone, for the rest is a secret.",
        lists_accounts=True,
        told={"url": SHOWN_ADDRESS},
    ),
    Table(name="webhooks_endpointsecret", holds="What signs deliveries.", why_not="Secrets are shown once, when they are made."),
    Table(
        name="webhooks_event",
        file="events",
        prefix="evt",
        holds="What happened.",
        of_account=OF_EVENT,
    ),
    Table(
        name="webhooks_delivery",
        file="deliveries",
        prefix="dlv",
        holds="Events on their way to endpoints; the newest, as long as deliveries are kept.",
        of_account=OF_DELIVERY,
        without=("leased_until", "order_key"),
    ),
    Table(
        name="webhooks_attempt",
        file="delivery-attempts",
        holds="Each try to deliver, and what was answered.",
        of_account=OF_ATTEMPT,
        without=("id",),
    ),
)
RULES = Table(
    name="metrics_metricrule",
    file="rules",
    holds="Amazon's windows and targets by metric, marketplace and day, the same for every agency.",
    within="true",
    of_account="true",
    without=("id",),
)
AGENCY = Table(
    name="accounts_agency",
    file="agency",
    prefix="agcy",
    holds="The agency and its choices.",
    within="id = %(agency)s",
    of_account="true",
    without=("closed_at", "closed_by", "erased_from", "erased_at"),
)
