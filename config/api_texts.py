"""Define the texts of the OpenAPI document: its introduction, and the meaning of its enumerations and common
fields."""

DESCRIPTION = """
Underone helps agencies keep the order defect rate of Amazon seller accounts below one percent. Upload the
reports that Amazon provides, and read the current value of every metric, the orders behind it, its value on
any past day, and the limits that it missed.

**Authentication.** Send an API key with every request: `Authorization: Bearer uo_live_…`. Requests for
resources of other agencies return 404. `POST /v1/tokens` creates short-lived, read-only tokens for browsers.

**Roles.** A key has the role admin, manager or viewer. It can be limited to reading, and to some accounts.
Each operation states the role that it requires. `GET /v1/me` returns what the current key is allowed to do.

**Formats.** IDs are opaque strings with a prefix. Times are RFC 3339 in UTC, and days are `YYYY-MM-DD`. A
`rate` is for display only. Targets are compared with the numerator and the denominator next to it. Absent
values are `null`.

**Time.** `as_of` is the day of the figures. `known_at` returns exactly what the API would have returned at
that moment.

**Lists** are `{"data": [...], "next_cursor": "…"}`. Pass `next_cursor` as `cursor` to get the next page. It
is `null` on the last page. Use `fields` to return only some fields of each row. Some lists are also available as
CSV; their descriptions say so.

**Languages.** Texts for people, such as `name`, `reason` and the `detail` of a problem, are in English (`en`) or
Simplified Chinese (`zh-hans`). Choose the language with `Accept-Language`. `Content-Language` states the
language of the response.

**Idempotency.** Send an `Idempotency-Key` with a write to repeat it safely. For 24 hours, the same request
with the same key returns the first response and is not performed again.

**Conditional requests.** The response to every read has an `ETag`. Send it as `If-None-Match` to get 304 if nothing has
changed, or as `If-Match` with a write to get 412 if the resource has changed.

**Errors** are problems (RFC 9457). `type` is stable, and its URL explains the cause and the solution;
`/problems` lists all types. `errors` lists the invalid fields. A request that does not match this document
returns 400. A request that refers to an object that does not exist returns 404, and one that contradicts
itself or existing data returns 409. Every response has an `X-Request-Id`.

**Limits.** `RateLimit` headers state the remaining quota. Over the limit, the API returns 429 with
`Retry-After`.
"""
"""The introduction of the document."""

ENUMERATIONS = {
    "Basis": "On whose figure a value stands. `own`: the counts of the loaded reports. `amazon_report`: "
    "Amazon's own figure. `none`: neither exists.",
    "BreachEventType": "The type of a timeline entry.",
    "BreachLevel": "`breach`: Amazon's target is missed. `warning`: only the warning threshold is missed.",
    "BreachStatus": "Whether the breach is still open.",
    "BulkRowStatus": "The result of a row of a bulk request.",
    "CauseDimension": "What the orders behind a metric are grouped by.",
    "CommonCauseDimension": "What the orders of several accounts are grouped by.",
    "Channel": "The fulfillment channel. `mfn`: the merchant ships. `afn`: Amazon ships. `all`: Amazon "
    "does not separate the channels.",
    "CancelledBy": "The party that cancelled an order. `unconfirmed`: Amazon cancelled, because the shipment was not "
    "confirmed in time.",
    "Comparator": (
        "How a rate is compared with a target: less than, at most, greater than, at least, or equal to it."
    ),
    "DefectKind": "The kind of a defect, package, return request or message.",
    "DeliveryState": "The state of a delivery.",
    "ConfirmationStatus": (
        "Whether the owner of a mailbox agreed. `pending`: nothing is sent before the owner opens the link. "
        "`expired`: the link must be sent again. `confirmed`: events are sent."
    ),
    "DisabledReason": (
        "Why an endpoint is disabled. `by_hand`: a user or key disabled it. `gone`: it responded with "
        "410. `failing`: all attempts failed for five days. `unsubscribed`: the mailbox's owner wants no more "
        "e-mails."
    ),
    "EndpointKind": "How events are sent: to a webhook, by e-mail, or to a chat.",
    "EventPattern": "An event type, a prefix such as `breach.*`, or `*` for all event types.",
    "EventType": "The type of an event.",
    "ExportStatus": "The progress of an export.",
    "FulfillmentChannel": "The fulfillment channel of an order. `mfn`: the merchant ships. `afn`: Amazon ships.",
    "FundedBy": "The party that paid a claim.",
    "InvitationStatus": "Whether an invitation can still be accepted.",
    "Language": "A language of texts for people, by BCP 47 code.",
    "Marketplace": "An Amazon store, by ISO 3166-1 country code.",
    "Metric": "A metric of account health.",
    "MissingFact": "What an unmatched defect waits for: its order, or a package of the order.",
    "OrderDefectKind": "The kind of a defect of an order.",
    "OrderStatus": "The status of an order or of an item of it.",
    "Permission": (
        "A permission. `read` allows reading, `write` allows the changes that managers may make, and "
        "`administer` allows the changes that only admins may make."
    ),
    "PlaybookCode": "A group of measures that help against a cause.",
    "PostedDefectKind": "A kind of defect that can be posted.",
    "PostedDefectState": "The state of a posted defect. Each kind has its own states.",
    "PrincipalKind": "The kind of principal that sent the request: an API key, a token, or a signed-in "
    "member.",
    "ReportSource": "How a report was received.",
    "ReportStatus": (
        "The progress of a report. `rejected` reports changed nothing; `failed` reports can be uploaded "
        "again."
    ),
    "ReportType": "A type of report. Amazon's reports have Amazon's name.",
    "ResolutionReason": "Why a breach ended. `kept`: the limit is met again. `line_changed`: another "
    "limit applies. `line_removed`: the threshold was deleted.",
    "Role": "The role of a key or member. Viewers read, managers also change data, and admins also "
    "manage the agency.",
    "Status": "The status of a series, or of an account by its worst series or by its status at Amazon.",
    "StatusDecidedBy": "What decides the status of an account: its worst series, or its status at Amazon.",
    "TargetSource": (
        "Where a target comes from. `default`: Amazon's rules. `amazon_report`: Amazon's report about "
        "this series. `custom`: a threshold of the agency."
    ),
    "Unit": "What the denominator of a metric counts.",
    "SecondFactorKind": "The kind of a second factor: an authenticator app, a passkey, or recovery codes.",
    "UploadableReportType": "A type of report that can be uploaded.",
}
"""Every enumeration of the document, by the name of its component."""

FIELDS = {
    "a_to_z_claims": "Orders with a counted A-to-z claim.",
    "about": "The content of the report.",
    "account": "The account's ID (`acct_…`). Null if it does not concern a single account.",
    "accounts": "The IDs of the accounts.",
    "acknowledged_at": "When the breach was acknowledged. Null if it was not.",
    "after": "The value after the change.",
    "agency": "The agency.",
    "agency_name": "The name of the new agency.",
    "allowed": "The largest number of defective orders that still meets the target.",
    "amazon": "The figure that Amazon reported for the series. Null if Amazon reported none.",
    "as_of": "The day of the figures.",
    "assignee": "The assignee of the breach. Null if the breach is not assigned.",
    "at": "When it happened.",
    "at_risk": "How many are at risk.",
    "attempts": "Every attempt to send the event, newest first.",
    "because": "Why it ended.",
    "bearer": "The principal that sent the request.",
    "before": "The value before the change.",
    "breach": "The ID of the breach or warning.",
    "breached": "How many miss their target.",
    "broker": "`ok`, or why the broker cannot be used.",
    "budget": "How many defective orders the target allows. Null if the metric has no such target.",
    "by": "The actor. Null if no key or user caused it.",
    "changed": "Rows that changed existing facts.",
    "changed_at": "When it was last changed.",
    "channel": "The fulfillment channel.",
    "chargebacks": "Orders with a counted chargeback.",
    "clear_at": "The value at which a warning ends.",
    "closed_at": "When the agency was closed.",
    "code": "The code from the e-mail.",
    "columns": "The columns of the document.",
    "comparator": "How the rate is compared with the value.",
    "created_at": "When it was created.",
    "current": "Amazon's current status of the account.",
    "data": "The rows of this page.",
    "database": "`ok`, or why the database cannot be used.",
    "days": "How many days the window has.",
    "days_changed": "How many days changed.",
    "defects": "The defects.",
    "denominator": "The denominator, such as the number of orders in the window.",
    "description": "A description for people.",
    "detail": "A description of the problem.",
    "disabled_at": "When the endpoint was disabled. Null if it is enabled.",
    "disabled_reason": "Why the endpoint is disabled. Null if it is enabled.",
    "documents": "Whether documents are included.",
    "duration_ms": "How long the attempt took, in milliseconds.",
    "email": "The e-mail address.",
    "enabled": "Whether events are sent to the endpoint.",
    "endpoint": "The ID of the endpoint (`ep_…`).",
    "errors": "One entry per invalid field.",
    "escalated_from": "The ID of the warning that became a breach.",
    "event_types": "The event types that are sent to the endpoint.",
    "expires_at": "When it expires. Null if it never does.",
    "external_id": "Your own ID for the account.",
    "failed_at": "When the connection failed.",
    "failing_since": "The first failure since the last success.",
    "figures": "What Amazon reported, by metric and channel.",
    "file": "The document, as it was downloaded. It may be compressed with gzip.",
    "finished_at": "When the delivery ended. Null while it is pending.",
    "for_days": "For how many days in a row the threshold must be missed before a warning opens.",
    "from": "The first day, included.",
    "funded_by": "The party that paid. It does not affect whether the defect counts.",
    "healthy": "How many meet their target.",
    "id": "The ID. Treat it as an opaque string.",
    "keep_days": "For how many days in a row the threshold must be met before a warning or breach ends.",
    "key": "The ID of the API key (`key_…`).",
    "kind": "The kind.",
    "known_at": "The response uses only data that was known at this moment.",
    "confirmation": "Whether the mailbox's owner agreed to receive events. Null for webhooks and chats.",
    "last_attempt": "The latest attempt. Null if none was made yet.",
    "last_used_at": "When the key was last used, to the minute. Null if it never was.",
    "left": "How many more defective orders the target allows. Negative if it is missed.",
    "level": "Whether Amazon's target or a warning threshold is missed.",
    "line": "The line of the row in the document, from 1.",
    "loaded_at": "When the report was loaded. Null if it was not.",
    "marketplace": "The Amazon store.",
    "meaning": "What the column contains.",
    "meets_target": "Whether the target is met. Null if there is no target or nothing to count.",
    "membership": "The new membership.",
    "memberships": "The agencies that the person is a member of.",
    "metric": "The metric.",
    "metrics": "The metrics.",
    "min_denominator": "With fewer orders than this, the threshold is not applied.",
    "name": "The name, for people.",
    "negative_feedback": "Orders with counted negative feedback.",
    "new": "Rows that reported something new.",
    "next_attempt_at": "When the next attempt is due. Null if none is.",
    "next_cursor": "Pass it as `cursor` to get the next page. Null on the last page.",
    "no_data": "How many have no data.",
    "note": "A note for people.",
    "numerator": "The numerator, such as the number of defective orders.",
    "occurred_at": "When it happened.",
    "occurred_on": "The day on which it happened.",
    "offset_days": "How many days lie between the end of the window and `as_of`.",
    "open_breaches": "How many breaches are open.",
    "open_warnings": "How many warnings are open.",
    "opened_at": "When the breach or warning opened.",
    "ordered_on": "The day of the order.",
    "ours": "Our own figures for the days of Amazon's figure. Null if we have none.",
    "parts": "The numerator by kind of defect. Null for metrics other than the order defect rate.",
    "password": "The password.",
    "person": "The person.",
    "points": "One point for each day.",
    "prefix": "The first characters of the key, by which people recognize it.",
    "previous": "Amazon's status of the account before. Null if it was unknown.",
    "problem": "The problem. Null if there is none.",
    "rate": "Numerator divided by denominator, for people and charts. Null if there is nothing to count.",
    "rating": "The stars of the feedback, from 1 to 5.",
    "read": "Rows that were read.",
    "read_only": "Whether it may only read, whatever its role.",
    "ready_at": "When the archive was ready. Null if it is not.",
    "reason": "The reason, for people.",
    "received_at": "When the document was received.",
    "rejected": "Rows that could not be used.",
    "report": "The ID of the report (`rpt_…`).",
    "report_type": "The report type. Null if it is not known.",
    "reported_at": "When Amazon reported it.",
    "resolved_at": "When it ended. Null while it is open.",
    "revoked_at": "When the key was revoked. Null if it was not.",
    "role": "The role.",
    "rows": "How many rows the document has.",
    "selling_partner_id": "Amazon's ID of the selling partner.",
    "sent_at": "When the invitation was last sent.",
    "sha256": "The SHA-256 digest of the document, in hexadecimal digits.",
    "set_apart": "Rows of multi-channel orders, which count in no metric.",
    "since": "The time from which events are sent again.",
    "snoozed_until": "The end of the snooze. Null if the breach is not snoozed.",
    "source": "Where it comes from.",
    "stale": "Whether a source was not updated within its maximum age.",
    "state": "The state.",
    "status": "The status.",
    "target": "The target. Null if there is none.",
    "test": "Whether the event is a test.",
    "text": "The text of the note.",
    "threshold": "The ID of the agency's own threshold (`thr_…`). Null for the default.",
    "title": "A short title, for people.",
    "to": "The last day, included.",
    "total": "How many there are.",
    "type": "The type.",
    "unchanged": "Rows that reported nothing new.",
    "url": "The address that events are sent to.",
    "value": "The value that the rate is compared with.",
    "verdict_changed_on": ("The days on which the target was met before and is missed now, or the reverse."),
    "warn_at": "The value at which a series is at risk.",
    "warning": "The warning threshold before the target. Null if there is none.",
    "warnings": "Warnings about the document that did not prevent loading.",
    "what": "The type of the entry.",
    "window": "The days over which orders are counted.",
    "worst_series": "The series that is closest to its target or furthest beyond it. Null if none has data.",
}
"""The meaning of a field by name. Serializers can override it."""

PARAMETERS = {
    "account_id": "The account's ID (`acct_…`).",
    "acknowledged": "`true` returns only acknowledged breaches. `false` returns only the others.",
    "breach_id": "The ID of the breach or warning (`brch_…`).",
    "channel": "Return only rows for this channel.",
    "delivery_id": "The delivery's ID (`dlv_…`).",
    "endpoint_id": "The endpoint's ID (`ep_…`).",
    "export_id": "The export's ID (`exp_…`).",
    "invitation_id": "The invitation's ID (`inv_…`).",
    "key_id": "The API key's ID (`key_…`).",
    "level": "Return only breaches, or only warnings.",
    "marketplace": "Return only rows for this marketplace.",
    "member_id": "The member's ID (`mem_…`).",
    "metric": "The metric.",
    "passkey_id": "The ID of the passkey (`fac_…`).",
    "report_id": "The report's ID (`rpt_…`).",
    "snoozed": "`true` returns only breaches that are snoozed now. `false` returns only the others.",
    "stale": "`true` returns only open breaches whose source is stale. `false` returns only the others.",
    "state": "Return only deliveries in this state.",
    "status": "Return only breaches with this status.",
    "threshold_id": "The threshold's ID (`thr_…`).",
}
"""The meaning of a parameter by name. Views can override it."""

EXAMPLES = {
    "email": "mei@agency.example",
    "external_id": "crm-4711",
    "known_at": "2026-11-22T09:00:00Z",
    "as_of": "2026-11-22",
    "order_id": "302-1234567-1234567",
    "selling_partner_id": "A2NORDWIND7XYZ",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
"""Examples of fields, by name."""

LENGTHS = {
    "about": 1000,
    "account": 64,
    "account_status": 40,
    "assignee": 200,
    "breach": 64,
    "current": 40,
    "description": 1000,
    "encoding": 20,
    "encoding_reason": 200,
    "endpoint": 64,
    "error": 200,
    "escalated_from": 64,
    "event": 64,
    "example": 20_000,
    "external_id": 200,
    "id": 64,
    "invited_by": 400,
    "key": 200,
    "name": 200,
    "next_cursor": 1300,
    "order_id": 40,
    "payload": 65_536,
    "pointer": 500,
    "prefix": 40,
    "previous": 40,
    "problem": 200,
    "reason": 1000,
    "reference": 200,
    "replaces": 64,
    "report": 64,
    "request_id": 200,
    "secret": 200,
    "sha256": 64,
    "state": 40,
    "status": 40,
    "threshold": 64,
    "title": 200,
    "token": 1000,
    "type": 200,
    "url": 2000,
    "what": 100,
    "who": 400,
}
"""The maximum length of a text in responses by name. Serializers can override it."""

# The names of the components of enumerations, and the definitions of their values.
ENUM_NAMES = {
    "Metric": "metrics.rules.catalogue.definitions.CATALOGUE",
    "Marketplace": "accounts.marketplaces.CODES",
    "Channel": "metrics.api.value_serializers.CHANNELS",
    # An account and a series have the same statuses: the shorter name is kept.
    "Status": "accounts.models.AccountStatus",
    "SeriesStatus": "metrics.api.value_serializers.STATUSES",
    "Comparator": "metrics.api.value_serializers.COMPARATORS",
    "Basis": "metrics.api.value_serializers.BASES",
    "Unit": "metrics.rules.catalogue.definitions.UNITS",
    "StatusDecidedBy": "accounts.agencies.account_serializers.DECIDED_BY",
    "TargetSource": "metrics.rules.series.LIMIT_SOURCES",
    "BreachLevel": "metrics.models.Breach.Level",
    "BreachStatus": "metrics.models.Breach.State",
    "BreachEventType": "metrics.api.breach_serializers.BREACH_EVENT_TYPES",
    "ResolutionReason": "metrics.models.Breach.Because",
    "CauseDimension": "metrics.drilldown.dimensions.DIMENSIONS",
    "CommonCauseDimension": "metrics.api.analysis.portfolio_cause_serializers.PORTFOLIO_DIMENSIONS",
    "PlaybookCode": "metrics.rules.playbook.CODES",
    "DefectKind": "metrics.drilldown.reasons.KINDS",
    "PostedDefectKind": "ingestion.api.defect_serializers.DEFECT_KINDS",
    "PostedDefectState": "ingestion.api.defect_serializers.STATES",
    "FundedBy": "metrics.api.order_serializers.FUNDERS",
    "OrderDefectKind": "metrics.api.query_params.DEFECT_KINDS",
    "OrderStatus": "ingestion.reports.posted_facts.STATUSES",
    "FulfillmentChannel": "ingestion.reports.posted_facts.CHANNELS",
    "CancelledBy": "ingestion.reports.shipments_csv.CANCELLERS",
    "MissingFact": ("order", "package"),
    "ReportType": "ingestion.reports.REPORT_TYPE_BY_NAME",
    "UploadableReportType": "ingestion.reports.UPLOADABLE_NAMES",
    "ReportSource": "ingestion.models.Report.Source",
    "ReportStatus": "ingestion.models.Report.Status",
    "ExportStatus": "ingestion.models.Export.Status",
    "EventType": "webhooks.events.catalogue.NAMES",
    "EventPattern": "webhooks.events.catalogue.PATTERNS",
    "EndpointKind": "webhooks.models.Endpoint.Kind",
    "ConfirmationStatus": "webhooks.api.endpoint_serializers.CONFIRMATION_STATUSES",
    "DisabledReason": "webhooks.models.Endpoint.Reason",
    "DeliveryState": "webhooks.models.Delivery.State",
    "Role": "accounts.models.Role",
    "Permission": "accounts.people.api.me_serializers.PERMISSIONS",
    "PrincipalKind": ("key", "token", "member"),
    "SecondFactorKind": ("totp", "passkey", "recovery_codes"),
    "InvitationStatus": ("open", "expired"),
    "BulkRowStatus": ("created", "exists", "invalid"),
}
