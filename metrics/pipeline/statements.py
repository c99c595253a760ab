"""Define the SQL that records staged facts: one statement for each type of fact.

The order in which reports are loaded does not matter. Of two facts about the same order, the one with the
later `last-updated-date` takes precedence. Of two other facts with the same key, it is the one stated later,
then the one received later, then the later row. If the same bytes were sent for two marketplaces, the later
reading replaces the earlier one (ADR 17). When the content of a fact changes, a trigger copies the
replaced row to its past table.

Each statement returns the number of new and of changed facts (for facts with lines: of lines), every day
whose counts can change (all days of an order that changed), and, if requested, the lines.
"""

from dataclasses import dataclass

from metrics.rules.catalogue.reading import ACCOUNT_ROWS, SOLD_BY_AMAZON
from metrics.rules.facts import (
    DefectFact,
    Fact,
    ListingFact,
    MessageFact,
    OrderFact,
    ReportedFact,
    ReturnFact,
    ShipmentFact,
    SnapshotFact,
)

DAYS_OF_MOVED_ORDERS = f"""
    SELECT ordered_on AS day FROM metrics_order JOIN moved USING (order_id) WHERE {ACCOUNT_ROWS}
    UNION SELECT unnest(ARRAY[ship_by_on, shipped_on, deliver_by_on])
        FROM metrics_shipment JOIN moved USING (order_id) WHERE {ACCOUNT_ROWS}
    UNION SELECT requested_on FROM metrics_return JOIN moved USING (order_id) WHERE {ACCOUNT_ROWS}
"""
LINES = "CASE WHEN %(with_lines)s THEN array_agg(DISTINCT line) FILTER (WHERE {}) END"
TOUCHED_DAYS = "(SELECT coalesce(array_agg(DISTINCT day) FILTER (WHERE day IS NOT NULL), '{}') FROM touched)"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactTable:
    """Describe a table of facts: its key, its content, what it carries along, and the days that counts depend
    on.

    A fact with other `carried` columns and the same content did not change.

    The days of all rows with the same `moves` as a changed fact are counted again too. Without `days` and `moves`, no
    count depends on the facts.

    `item_of` is the table whose facts these are items of: a staged row states both. `where` selects the rows that state
    an item. A line counts as changed if its items are new or changed and the fact itself is not.
    """

    table: str
    key: tuple[str, ...]
    content: tuple[str, ...]
    carried: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    moves: str = "order_id"
    where: str = "true"
    item_of: "FactTable | None" = None

    def record_sql(self, staged: str) -> str:
        """Return the statement that records the rows of a staging table."""
        # DISTINCT ON: ON CONFLICT cannot update a row twice. The row comparison decides alike in every table,
        # in any order of loading (ADR 3). `recorded_at` moves only if the content differs: it fires the trigger.
        key, content = ", ".join(self.key), ", ".join((*self.content, *self.carried))
        return f"""
WITH newest AS (
    SELECT DISTINCT ON ({key}) {key}, {content}, line, coalesce(stated_at, %(received_at)s) AS stated_at
    FROM {staged}
    WHERE {self.where}
    ORDER BY {key}, coalesce(stated_at, %(received_at)s) DESC, line DESC{self._tie_sql()}
), fresh AS (
    SELECT newest.*, stored.{self.key[0]} IS NULL AS is_new,
        ({_columns("stored", self.content)}) IS DISTINCT FROM ({_columns("newest", self.content)}) AS differs
    FROM newest LEFT JOIN {self.table} AS stored
        ON stored.agency_id = %(agency)s AND stored.account_id = %(account)s
        AND ({_columns("stored", self.key)}) = ({_columns("newest", self.key)})
    WHERE stored.{self.key[0]} IS NULL OR stored.report_id <> ALL(%(later_readings)s) AND (
        stored.report_id = ANY(%(earlier_readings)s) OR
        (newest.stated_at, %(received_at)s, %(report)s, newest.line) >
        (stored.stated_at, stored.received_at, stored.report_id, stored.line))
), written AS (
    INSERT INTO {self.table} AS stored (
        agency_id, account_id, {key}, {content}, stated_at, received_at, line, recorded_at, report_id)
    SELECT %(agency)s, %(account)s, {key}, {content}, stated_at, %(received_at)s, line, %(recorded_at)s,
        %(report)s
    FROM fresh
    ON CONFLICT (agency_id, account_id, {key}) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in (*self.content, *self.carried))},
        stated_at = excluded.stated_at, received_at = excluded.received_at, line = excluded.line,
        recorded_at = CASE WHEN ({_columns("stored", self.content)}) IS DISTINCT FROM ({_columns("excluded", self.content)})
            THEN excluded.recorded_at ELSE stored.recorded_at END,
        report_id = excluded.report_id
){self._result_sql()}
"""

    def _tie_sql(self) -> str:
        # An element of XML is one line, whatever the number of its items.
        return f", {', '.join(f'{name} DESC' for name in self.content)}" if self.item_of else ""

    def _result_sql(self) -> str:
        if self.item_of:
            known = f"({_columns('parent', self.item_of.key)}) = ({_columns('fresh', self.item_of.key)})"
            return f"""
SELECT 0, count(DISTINCT line), '{{}}'::date[], NULL, {LINES.format("true")}
FROM fresh WHERE (differs OR is_new) AND NOT EXISTS (
    SELECT FROM {self.item_of.table} AS parent WHERE {ACCOUNT_ROWS} AND {known} AND recorded_at = %(recorded_at)s)"""
        moved = (
            f", moved AS (SELECT DISTINCT {self.moves} FROM fresh WHERE differs OR is_new)"
            if self.moves
            else ""
        )
        touched = f", touched AS ({self._touched_sql()})" if self.moves else ""
        return f"""{moved}{touched}
SELECT count(DISTINCT line) FILTER (WHERE is_new), count(DISTINCT line) FILTER (WHERE differs AND NOT is_new),
    {TOUCHED_DAYS if self.moves else "'{}'::date[]"},
    {LINES.format("is_new")}, {LINES.format("differs AND NOT is_new")}
FROM fresh"""

    def _touched_sql(self) -> str:
        select_days = f"SELECT unnest(ARRAY[{', '.join(self.days)}]::date[]) AS day FROM"
        newly = f"{select_days} fresh WHERE differs OR is_new"
        if self.moves == "order_id":
            return f"{DAYS_OF_MOVED_ORDERS} UNION {newly}"
        return (
            f"{select_days} {self.table} JOIN moved USING ({self.moves}) WHERE {ACCOUNT_ROWS} UNION {newly}"
        )


DEFECTS = FactTable(
    table="metrics_defect",
    key=("order_id", "kind", "reference"),
    content=("state", "rating", "occurred_on", "funded_by", "counts", "reason_code"),
    carried=("month_first_on", "day_first_on", "date_order"),
)
SHIPMENTS = FactTable(
    table="metrics_shipment",
    key=("order_id", "package"),
    content=(
        *(
            "units",
            "ship_by_on",
            "shipped_on",
            "is_late",
            "is_scanned",
            "deliver_by_on",
            "delivered_on",
            "is_on_time",
        ),
        *("is_invoiced_in_time", "cancelled_by", "is_business", "carrier", "service"),
    ),
    days=("ship_by_on", "shipped_on", "deliver_by_on"),
)
RETURNS = FactTable(
    table="metrics_return",
    key=("order_id", "reference"),
    content=("requested_on", "state", "is_return", "is_dissatisfied", "reason"),
    days=("requested_on",),
)
RETURN_ITEMS = FactTable(
    table="metrics_returnitem",
    key=("order_id", "reference", "sku"),
    content=("asin", "quantity", "reason_code"),
    moves="",
    where="sku <> '' OR reason_code <> ''",
    item_of=RETURNS,
)
LISTINGS = FactTable(
    table="metrics_listing",
    key=("marketplace", "sku", "source"),
    content=("channel", "asin", "title", "quantity", "price", "status"),
    moves="",
)
MESSAGES = FactTable(
    table="metrics_message",
    key=("message_id",),
    content=("marketplace", "order_id", "sent_on", "needs_answer", "answered_on", "is_answered_in_time"),
    days=("sent_on",),
    moves="message_id",
)


def _columns(row: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{row}.{name}" for name in columns)


INSERT_ORDERS = """
    INSERT INTO metrics_order AS stored (
        agency_id, account_id, order_id, marketplace, channel, status,
        ordered_at, ordered_on, last_updated_at, recorded_at, report_id)
    SELECT %(agency)s, %(account)s, order_id, marketplace, channel, status,
        ordered_at, ordered_on, last_updated_at, %(recorded_at)s, %(report)s
    FROM fresh
"""
INSERT_ITEMS = """
    INSERT INTO metrics_orderitem AS stored (
        agency_id, account_id, order_id, sku, asin, quantity, item_status, price, currency, stated_at, recorded_at,
        report_id)
    SELECT %(agency)s, %(account)s, order_id, sku, asin, quantity, item_status, price, currency, stated_at,
        %(recorded_at)s, %(report)s
    FROM fresh_items
"""
ITEM_CONTENT = ("asin", "quantity", "item_status", "price", "currency")
# An item may have several rows, such as one for each warehouse. Those of the newest time are added up. A row without a
# quantity (reports of shipments list an item again with each of them) counts as older than every row with one, whatever
# its time. Of two states with the same time, any fixed order decides, whatever the order of loading.
ITEMS = f"""items AS (
    SELECT DISTINCT ON (order_id, sku) order_id, sku, max(asin) AS asin,
        CASE WHEN count(quantity) > 0 THEN least(sum(quantity), 2147483647)::int4 END AS quantity,
        min(item_status) AS item_status,
        sum(price::numeric(20, 2)) AS price, max(currency) AS currency,
        CASE WHEN quantity IS NULL THEN ordered_at ELSE last_updated_at END AS stated_at
    FROM staged_orders WHERE sku <> ''
    GROUP BY order_id, sku, quantity IS NULL, CASE WHEN quantity IS NULL THEN ordered_at ELSE last_updated_at END
    ORDER BY order_id, sku, quantity IS NULL, stated_at DESC
), fresh_items AS (
    SELECT items.*, stored.order_id IS NULL AS is_new,
        ({_columns("stored", ITEM_CONTENT)}) IS DISTINCT FROM ({_columns("items", ITEM_CONTENT)}) AS differs
    FROM items LEFT JOIN metrics_orderitem AS stored
        ON stored.agency_id = %(agency)s AND stored.account_id = %(account)s
            AND stored.order_id = items.order_id AND stored.sku = items.sku
    WHERE stored.order_id IS NULL
        OR (items.quantity IS NOT NULL, items.stated_at, ROW({_columns("items", ITEM_CONTENT)})::text) >
        (stored.quantity IS NOT NULL, stored.stated_at, ROW({_columns("stored", ITEM_CONTENT)})::text)
), first_seen_items AS (
    {INSERT_ITEMS} WHERE is_new
), updated_items AS (
    {INSERT_ITEMS} WHERE NOT is_new
    ON CONFLICT (agency_id, account_id, order_id, sku) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in (*ITEM_CONTENT, "stated_at"))},
        recorded_at = CASE WHEN ({_columns("stored", ITEM_CONTENT)}) IS DISTINCT FROM ({_columns("excluded", ITEM_CONTENT)})
            THEN excluded.recorded_at ELSE stored.recorded_at END,
        report_id = excluded.report_id
)"""
# The account is locked, so an order that is new when the statement starts is still new when it writes.
# Inserting new orders without ON CONFLICT saves a tenth of the time of a load. Stored orders are updated
# through ON CONFLICT, which uses their key even if the planner misjudges the size of the table.
RECORD_ORDERS = f"""
WITH newest AS (
    SELECT DISTINCT ON (order_id)
        order_id, marketplace, channel, status, ordered_at, last_updated_at, line,
        (ordered_at AT TIME ZONE coalesce(%(zones)s::jsonb ->> marketplace, 'UTC'))::date AS ordered_on
    FROM staged_orders
    ORDER BY order_id, last_updated_at DESC, status DESC, ordered_at DESC, marketplace DESC, channel DESC
), fresh AS (
    SELECT newest.*, stored.order_id IS NULL AS is_new,
        (stored.marketplace, stored.channel, stored.status, stored.ordered_at,
            stored.ordered_on) IS DISTINCT FROM
        (newest.marketplace, newest.channel, newest.status, newest.ordered_at, newest.ordered_on) AS differs
    FROM newest LEFT JOIN metrics_order AS stored
        ON stored.agency_id = %(agency)s AND stored.account_id = %(account)s
            AND stored.order_id = newest.order_id
    WHERE stored.order_id IS NULL OR stored.report_id <> ALL(%(later_readings)s) AND (
        stored.report_id = ANY(%(earlier_readings)s) AND newest.last_updated_at = stored.last_updated_at OR
        (newest.last_updated_at, newest.status, newest.ordered_at, newest.marketplace, newest.channel) >
        (stored.last_updated_at, stored.status, stored.ordered_at, stored.marketplace, stored.channel))
), first_seen AS (
    {INSERT_ORDERS} WHERE is_new
), updated AS (
    {INSERT_ORDERS} WHERE NOT is_new
    ON CONFLICT (agency_id, account_id, order_id) DO UPDATE SET
        marketplace = excluded.marketplace, channel = excluded.channel, status = excluded.status,
        ordered_at = excluded.ordered_at, ordered_on = excluded.ordered_on,
        last_updated_at = excluded.last_updated_at,
        recorded_at = CASE WHEN
            (stored.marketplace, stored.channel, stored.status, stored.ordered_at,
                stored.ordered_on) IS DISTINCT FROM
            (excluded.marketplace, excluded.channel, excluded.status, excluded.ordered_at,
                excluded.ordered_on)
            THEN excluded.recorded_at ELSE stored.recorded_at END,
        report_id = excluded.report_id
), moved AS (
    SELECT order_id FROM fresh WHERE differs
), touched AS (
    {DAYS_OF_MOVED_ORDERS} UNION SELECT ordered_on FROM fresh WHERE differs
), {ITEMS}, changed_by_items AS (
    SELECT order_id FROM fresh_items WHERE is_new OR differs EXCEPT SELECT order_id FROM moved
)
SELECT count(*) FILTER (WHERE is_new AND {SOLD_BY_AMAZON}),
    count(*) FILTER (WHERE differs AND NOT is_new AND {SOLD_BY_AMAZON})
        + (SELECT count(*) FROM changed_by_items),
    {TOUCHED_DAYS},
    CASE WHEN %(with_lines)s THEN ARRAY(SELECT line FROM fresh WHERE is_new AND {SOLD_BY_AMAZON}) END,
    CASE WHEN %(with_lines)s THEN ARRAY(
        SELECT line FROM fresh WHERE differs AND NOT is_new AND {SOLD_BY_AMAZON}
        UNION SELECT max(line) FROM staged_orders JOIN changed_by_items USING (order_id) GROUP BY order_id) END
FROM fresh
"""

RECORD_SNAPSHOTS = """
WITH written AS (
    INSERT INTO metrics_snapshot (
        id, agency_id, account_id, report_id, marketplace, account_status, reported_at, recorded_at, document)
    SELECT gen_random_uuid(), %(agency)s, %(account)s, %(report)s, marketplace, account_status, reported_at,
        %(recorded_at)s, document::jsonb
    FROM staged_snapshots
    ON CONFLICT (agency_id, account_id, report_id, marketplace) DO NOTHING
    RETURNING marketplace
)
SELECT count(*), 0, '{}'::date[], array_agg(line), NULL FROM written JOIN staged_snapshots USING (marketplace)
"""

RECORD_REPORTED = f"""
WITH written AS (
    INSERT INTO metrics_reportedfigure (
        agency_id, account_id, snapshot_id, line, metric, marketplace, channel, first_on, last_on, numerator,
            denominator, rate,
        status, comparator, limit_numerator, limit_denominator, flags, reported_at, recorded_at)
    SELECT %(agency)s, %(account)s, snapshot.id, line, metric, marketplace, channel, first_on, last_on,
        numerator, denominator,
        rate, status, comparator, limit_numerator, limit_denominator, flags::jsonb, staged.reported_at,
        %(recorded_at)s
    FROM staged_reported AS staged JOIN metrics_snapshot AS snapshot USING (marketplace)
    WHERE {ACCOUNT_ROWS} AND report_id = %(report)s
    ON CONFLICT DO NOTHING
    RETURNING line
)
SELECT count(DISTINCT line), 0, '{{}}'::date[], array_agg(DISTINCT line), NULL FROM written
"""

RECORD: dict[type[Fact], tuple[str, tuple[str, ...]]] = {
    OrderFact: ("orders", (RECORD_ORDERS,)),
    DefectFact: ("defects", (DEFECTS.record_sql("staged_defects"),)),
    ShipmentFact: ("shipments", (SHIPMENTS.record_sql("staged_shipments"),)),
    ReturnFact: (
        "returns",
        (RETURNS.record_sql("staged_returns"), RETURN_ITEMS.record_sql("staged_returns")),
    ),
    MessageFact: ("messages", (MESSAGES.record_sql("staged_messages"),)),
    ListingFact: ("listings", (LISTINGS.record_sql("staged_listings"),)),
    SnapshotFact: ("reported", (RECORD_SNAPSHOTS,)),
    ReportedFact: ("reported", (RECORD_REPORTED,)),
}
"""Map a type of fact to its source and to the statements that record it. Their counts add up."""
