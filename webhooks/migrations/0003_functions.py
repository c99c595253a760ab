"""Make events immutable, and create functions that lease the deliveries of all agencies and count rows by
encryption key."""

from django.db import migrations

from accounts.tenancy import row_level_security

IMMUTABLE_EVENTS = """
CREATE FUNCTION forbid_event_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an event is never changed: publish another one';
END $$;
CREATE TRIGGER forbid_update BEFORE UPDATE ON webhooks_event FOR EACH ROW EXECUTE FUNCTION forbid_event_update();
"""

NEXT_DELIVERY = """
CREATE FUNCTION next_delivery_at() RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    due_at timestamptz;
BEGIN
    SET LOCAL underone.all_agencies = 'delivery_worker';
    SELECT min(next_attempt_at) INTO due_at FROM webhooks_delivery WHERE state = 'pending';
    SET LOCAL underone.all_agencies = '';
    RETURN due_at;
END
$$;
"""

ROW_OF_PLACE = """SELECT stored.*, stored.ctid AS stored_at FROM webhooks_delivery AS stored
            WHERE stored.agency_id = place.agency_id AND stored.id BETWEEN place.id AND place.id ORDER BY stored.id LIMIT 1"""

LEASE_DELIVERIES = """
-- Lease the oldest due deliveries of every endpoint in turn: up to `most` series in all, and up to `most_of_one` deliveries of one
-- endpoint. An endpoint that fails gets one delivery, and all endpoints that fail get up to `most_failing`.
--
-- Of a series, the oldest pending delivery is leased together with those that directly follow it. The other due deliveries of the
-- series are postponed until that one is due, so that the next calls do not read them again.
--
-- The number of pending rows changes faster than the statistics of the server. If the planner assumed few rows, it would read and
-- sort all rows of an endpoint. So a series is looked up by a range and an order that only the index `delivery_pending_in_order`
-- provides without sorting.
--
-- Every row is looked up by its agency and its id, which are in two arrays with the same order. With two equalities, the planner
-- could take any index of the agency and read all its rows. Only the primary key provides a range of one id in the order of ids.
-- Leased rows are looked up in the order of the index `delivery_leased` for the same reason: plans are kept, and one that was made
-- while the table was empty takes any index.
-- A row that this transaction has locked is updated by its ctid.
CREATE OR REPLACE FUNCTION lease_deliveries(
    moment timestamptz, until timestamptz, most integer, most_failing integer, most_of_one integer
) RETURNS TABLE (agency uuid, endpoint uuid, delivery uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off AS $$
DECLARE
    receivers uuid[];
    receivers_of uuid[];
    rooms integer[];
    -- How many more series of each endpoint may be leased. Sixteen are leased at most, so that a slow endpoint occupies few.
    series integer[];
    looked_at uuid[];
    looked_at_of uuid[];
    heads uuid[];
    heads_of uuid[];
    taken uuid[];
    taken_of uuid[];
BEGIN
    SET LOCAL underone.all_agencies = 'delivery_worker';
    -- Workers lease one after the other.
    PERFORM pg_advisory_xact_lock(hashtextextended('lease_deliveries', 0));

    WITH RECURSIVE waiting AS (
        (SELECT agency_id, endpoint_id FROM webhooks_delivery WHERE state = 'pending' ORDER BY agency_id, endpoint_id LIMIT 1)
        UNION ALL
        SELECT following.agency_id, following.endpoint_id FROM waiting CROSS JOIN LATERAL (
            SELECT later.agency_id, later.endpoint_id FROM webhooks_delivery AS later
            WHERE later.state = 'pending' AND (later.agency_id, later.endpoint_id) > (waiting.agency_id, waiting.endpoint_id)
            ORDER BY later.agency_id, later.endpoint_id LIMIT 1
        ) AS following
    ),
    due AS (
        SELECT waiting.agency_id, waiting.endpoint_id, oldest.next_attempt_at,
            receiver.failing_since IS NOT NULL AS fails,
            CASE WHEN receiver.failing_since IS NULL THEN most_of_one ELSE 1 END - leased.deliveries AS room,
            leased.deliveries AS leased, 16 - leased.series AS places
        FROM waiting
        CROSS JOIN LATERAL (
            SELECT first.next_attempt_at FROM webhooks_delivery AS first
            WHERE first.agency_id = waiting.agency_id AND first.endpoint_id = waiting.endpoint_id
                AND first.state = 'pending' AND first.next_attempt_at <= moment
            ORDER BY first.next_attempt_at LIMIT 1
        ) AS oldest
        JOIN webhooks_endpoint AS receiver ON receiver.agency_id = waiting.agency_id AND receiver.id = waiting.endpoint_id
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS deliveries, count(DISTINCT held.order_key)::integer AS series
            FROM (
                SELECT other.order_key FROM webhooks_delivery AS other
                WHERE other.agency_id = waiting.agency_id AND other.endpoint_id = waiting.endpoint_id
                    AND other.leased_until > moment
                ORDER BY other.order_key
            ) AS held
        ) AS leased
    ),
    chosen AS (
        (SELECT * FROM due WHERE NOT fails AND room > 0 AND places > 0 ORDER BY leased, next_attempt_at LIMIT most)
        UNION ALL
        (SELECT * FROM due WHERE fails AND room > 0 ORDER BY random() LIMIT least(most, most_failing))
    )
    SELECT array_agg(endpoint_id), array_agg(agency_id), array_agg(room), array_agg(places)
    INTO receivers, receivers_of, rooms, series FROM chosen;

    SELECT array_agg(candidate.id), array_agg(candidate.agency_id) INTO looked_at, looked_at_of
    FROM unnest(receivers_of, receivers, rooms) AS place (agency_id, id, room)
    CROSS JOIN LATERAL (
        SELECT one.agency_id, one.id FROM webhooks_delivery AS one
        WHERE one.agency_id = place.agency_id AND one.endpoint_id = place.id
            AND one.state = 'pending' AND one.next_attempt_at <= moment
        ORDER BY one.next_attempt_at LIMIT greatest(place.room, 16)
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS candidate;

    -- The following statements are separate, so that they see the changes that others committed before the candidates were locked.
    SELECT array_agg(oldest.id), array_agg(oldest.agency_id) INTO heads, heads_of
    FROM (
        SELECT DISTINCT seen.agency_id, seen.endpoint_id, seen.order_key
        FROM unnest(looked_at_of, looked_at) AS place (agency_id, id)
        CROSS JOIN LATERAL (<row of place>) AS seen
    ) AS one
    CROSS JOIN LATERAL (
        SELECT first.agency_id, first.id, first.next_attempt_at FROM webhooks_delivery AS first
        WHERE first.agency_id = one.agency_id AND first.endpoint_id = one.endpoint_id AND first.state = 'pending'
            AND first.order_key BETWEEN one.order_key AND one.order_key
        ORDER BY first.order_key, first.id LIMIT 1
    ) AS oldest
    WHERE oldest.next_attempt_at <= moment AND (
        -- Not EXISTS, which drops the order.
        SELECT other.id FROM webhooks_delivery AS other
        WHERE other.agency_id = one.agency_id AND other.endpoint_id = one.endpoint_id
            AND other.order_key BETWEEN one.order_key AND one.order_key AND other.leased_until > moment
        ORDER BY other.order_key LIMIT 1
    ) IS NULL;

    WITH free AS MATERIALIZED (
        SELECT head.* FROM unnest(heads_of, heads) AS place (agency_id, id)
        CROSS JOIN LATERAL (<row of place> FOR NO KEY UPDATE SKIP LOCKED) AS head
    ),
    turns AS (
        SELECT free.agency_id, free.id, free.next_attempt_at, least(place.room, place.series) AS room,
            row_number() OVER (PARTITION BY free.agency_id, free.endpoint_id ORDER BY free.next_attempt_at, free.id) AS turn
        FROM free JOIN unnest(receivers_of, receivers, rooms, series) AS place (agency_id, id, room, series)
            ON place.agency_id = free.agency_id AND place.id = free.endpoint_id
        WHERE free.state = 'pending' AND free.next_attempt_at <= moment
    )
    SELECT array_agg(id ORDER BY turn, next_attempt_at, id), array_agg(agency_id ORDER BY turn, next_attempt_at, id)
    INTO heads, heads_of FROM turns WHERE turn <= room;
    heads := heads[:most];
    heads_of := heads_of[:most];

    WITH shares AS (
        SELECT head.*, greatest(receiver.room / count(*) OVER (PARTITION BY head.agency_id, head.endpoint_id), 1) AS share
        FROM unnest(heads_of, heads) AS place (agency_id, id)
        CROSS JOIN LATERAL (<row of place>) AS head
        JOIN unnest(receivers_of, receivers, rooms) AS receiver (agency_id, id, room)
            ON receiver.agency_id = head.agency_id AND receiver.id = head.endpoint_id
    ),
    runs AS (
        SELECT shares.agency_id, shares.id AS head, follower.id,
            row_number() OVER (PARTITION BY shares.id ORDER BY follower.id) AS turn
        FROM shares
        CROSS JOIN LATERAL (
            SELECT next.id FROM webhooks_delivery AS next
            WHERE next.agency_id = shares.agency_id AND next.endpoint_id = shares.endpoint_id AND next.state = 'pending'
                AND next.order_key BETWEEN shares.order_key AND shares.order_key AND next.id > shares.id
            ORDER BY next.order_key, next.id LIMIT shares.share - 1
        ) AS follower
    ),
    ours AS (
        SELECT one.agency_id, one.id FROM runs AS place
        CROSS JOIN LATERAL (<row of place> FOR NO KEY UPDATE SKIP LOCKED) AS one
    ),
    unbroken AS (
        SELECT runs.agency_id, runs.id, bool_and(ours.id IS NOT NULL) OVER (PARTITION BY runs.head ORDER BY runs.turn) AS whole
        FROM runs LEFT JOIN ours ON ours.agency_id = runs.agency_id AND ours.id = runs.id
    )
    SELECT heads || coalesce(array_agg(id ORDER BY id) FILTER (WHERE whole), '{}'),
        heads_of || coalesce(array_agg(agency_id ORDER BY id) FILTER (WHERE whole), '{}')
    INTO taken, taken_of FROM unbroken;

    WITH rest AS MATERIALIZED (
        SELECT seen.* FROM unnest(looked_at_of, looked_at) AS place (agency_id, id)
        CROSS JOIN LATERAL (<row of place>) AS seen
        WHERE seen.id <> ALL (taken)
    ),
    line AS MATERIALIZED (
        SELECT one.*, oldest.id AS head,
            CASE WHEN oldest.leased_until > moment OR oldest.id = ANY (taken) THEN moment + interval '5 seconds'
                ELSE least(greatest(oldest.next_attempt_at, moment + interval '1 second'), moment + interval '1 hour') END AS due_at
        FROM (SELECT DISTINCT agency_id, endpoint_id, order_key FROM rest) AS one
        CROSS JOIN LATERAL (
            SELECT first.id, first.next_attempt_at, first.leased_until FROM webhooks_delivery AS first
            WHERE first.agency_id = one.agency_id AND first.endpoint_id = one.endpoint_id AND first.state = 'pending'
                AND first.order_key BETWEEN one.order_key AND one.order_key
            ORDER BY first.order_key, first.id LIMIT 1
        ) AS oldest
    )
    UPDATE webhooks_delivery AS aside SET next_attempt_at = line.due_at
    FROM rest JOIN line USING (agency_id, endpoint_id, order_key)
    WHERE aside.ctid = rest.stored_at AND rest.id > line.head;

    RETURN QUERY
    UPDATE webhooks_delivery AS one SET leased_until = until, next_attempt_at = until
    FROM unnest(taken_of, taken) AS place (agency_id, id)
    CROSS JOIN LATERAL (<row of place>) AS leased
    WHERE one.ctid = leased.stored_at
    RETURNING one.agency_id, one.endpoint_id, one.id;
    SET LOCAL underone.all_agencies = '';
END
$$;
""".replace("<row of place>", ROW_OF_PLACE)

WITHDRAWN = """
CREATE FUNCTION deleted_accounts_and_closed_agencies() RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SET LOCAL underone.all_agencies = 'delivery_worker';
    RETURN QUERY
        SELECT id FROM accounts_selleraccount WHERE deleted_at IS NOT NULL
        UNION ALL SELECT id FROM accounts_agency WHERE closed_at IS NOT NULL AND erased_at IS NULL;
    SET LOCAL underone.all_agencies = '';
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0002_row_level_security"), ("accounts", "0003_functions")]

    operations = [
        migrations.RunSQL(
            IMMUTABLE_EVENTS,
            "DROP TRIGGER forbid_update ON webhooks_event; DROP FUNCTION forbid_event_update();",
        ),
        row_level_security.show_to_job("webhooks_delivery", job="delivery_worker"),
        row_level_security.show_to_job("webhooks_delivery", job="delivery_worker", command="UPDATE"),
        row_level_security.show_to_job("webhooks_endpoint", job="delivery_worker"),
        row_level_security.show_to_job(
            "accounts_selleraccount", job="delivery_worker", where="deleted_at IS NOT NULL"
        ),
        migrations.RunSQL(NEXT_DELIVERY, "DROP FUNCTION next_delivery_at();"),
        migrations.RunSQL(
            LEASE_DELIVERIES,
            "DROP FUNCTION lease_deliveries(timestamptz, timestamptz, integer, integer, integer);",
        ),
        migrations.RunSQL(WITHDRAWN, "DROP FUNCTION deleted_accounts_and_closed_agencies();"),
        *row_level_security.count_encryption_keys("webhooks_endpointsecret"),
    ]
