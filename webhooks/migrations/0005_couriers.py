"""Couriers take what is due, over all agencies, and are told nothing but ids."""

import django.db.models
from django.db import migrations, models

OVER_THE_WALL = "(SELECT current_setting('underone.over_the_wall', true)) = 'couriers'"

POLICIES = f"""
-- Of the tables' owner alone, and inside the two functions below alone, which set what is asked for here.
CREATE POLICY couriers_find_what_is_due ON webhooks_delivery FOR SELECT TO CURRENT_USER USING ({OVER_THE_WALL});
CREATE POLICY couriers_take_what_is_due ON webhooks_delivery FOR UPDATE TO CURRENT_USER USING ({OVER_THE_WALL});
CREATE POLICY couriers_know_who_fails ON webhooks_endpoint FOR SELECT TO CURRENT_USER USING ({OVER_THE_WALL});
"""

NO_POLICIES = """
DROP POLICY couriers_find_what_is_due ON webhooks_delivery;
DROP POLICY couriers_take_what_is_due ON webhooks_delivery;
DROP POLICY couriers_know_who_fails ON webhooks_endpoint;
"""

NEXT = """
CREATE FUNCTION next_delivery_at() RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    found timestamptz;
BEGIN
    PERFORM set_config('underone.over_the_wall', 'couriers', true);
    SELECT min(next_attempt_at) INTO found FROM webhooks_delivery WHERE state = 'pending';
    PERFORM set_config('underone.over_the_wall', '', true);
    RETURN found;
END
$$;
"""

LEASE = """
-- Of every endpoint that has something due its oldest deliveries, one endpoint after the other, up to `most` series in all and
-- `most_of_one` deliveries in hand of one endpoint; of endpoints that fail, one at a time and `most_failing` in all.
-- Only the oldest pending delivery of a series is taken, with those right behind it; the rest of the series steps aside until
-- that one is due, so that it need not be passed over at every look.
-- How many rows are pending changes faster than the server counts them. Taken for few, an endpoint's would all be read and sorted;
-- so a series is looked up by a range and an order that of all indexes `deliveries_in_order` alone gives without sorting.
CREATE FUNCTION lease_deliveries(
    moment timestamptz, until timestamptz, most integer, most_failing integer, most_of_one integer
) RETURNS TABLE (agency uuid, endpoint uuid, delivery uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off AS $$
DECLARE
    receivers uuid[];
    rooms integer[];
    series integer[];  -- that may be taken: as many as are under way and about to be, so that a slow endpoint holds few
    looked_at uuid[];
    heads uuid[];
    taken uuid[];
BEGIN
    PERFORM set_config('underone.over_the_wall', 'couriers', true);
    PERFORM pg_advisory_xact_lock(hashtextextended('lease_deliveries', 0));  -- couriers look one after the other

    WITH RECURSIVE waiting AS (
        (SELECT endpoint_id FROM webhooks_delivery WHERE state = 'pending' ORDER BY endpoint_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT behind.endpoint_id FROM webhooks_delivery AS behind
            WHERE behind.state = 'pending' AND behind.endpoint_id > waiting.endpoint_id
            ORDER BY behind.endpoint_id LIMIT 1
        ) FROM waiting WHERE waiting.endpoint_id IS NOT NULL
    ),
    due AS (
        SELECT waiting.endpoint_id, oldest.next_attempt_at,
            receiver.failing_since IS NOT NULL AS fails,
            CASE WHEN receiver.failing_since IS NULL THEN most_of_one ELSE 1 END - in_hand.deliveries AS room,
            in_hand.deliveries AS in_hand, 16 - in_hand.series AS places
        FROM waiting
        CROSS JOIN LATERAL (
            SELECT first.next_attempt_at FROM webhooks_delivery AS first
            WHERE first.endpoint_id = waiting.endpoint_id AND first.state = 'pending' AND first.next_attempt_at <= moment
            ORDER BY first.next_attempt_at LIMIT 1
        ) AS oldest
        JOIN webhooks_endpoint AS receiver ON receiver.id = waiting.endpoint_id
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS deliveries, count(DISTINCT held.order_key)::integer AS series FROM webhooks_delivery AS held
            WHERE held.endpoint_id = waiting.endpoint_id AND held.leased_until > moment
        ) AS in_hand
    ),
    chosen AS (
        (SELECT * FROM due WHERE NOT fails AND room > 0 AND places > 0 ORDER BY in_hand, next_attempt_at LIMIT most)
        UNION ALL
        (SELECT * FROM due WHERE fails AND room > 0 ORDER BY random() LIMIT least(most, most_failing))
    )
    SELECT array_agg(endpoint_id), array_agg(room), array_agg(places) INTO receivers, rooms, series FROM chosen;

    SELECT array_agg(candidate.id) INTO looked_at
    FROM unnest(receivers, rooms) AS place (id, room)
    CROSS JOIN LATERAL (
        SELECT one.id FROM webhooks_delivery AS one
        WHERE one.endpoint_id = place.id AND one.state = 'pending' AND one.next_attempt_at <= moment
        ORDER BY one.next_attempt_at LIMIT greatest(place.room, 16)
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS candidate;

    -- Statements of their own: what others did until the candidates were locked is seen here.
    SELECT array_agg(DISTINCT oldest.id) INTO heads
    FROM (SELECT DISTINCT agency_id, endpoint_id, order_key FROM webhooks_delivery WHERE id = ANY (looked_at)) AS one
    CROSS JOIN LATERAL (
        SELECT first.id, first.next_attempt_at FROM webhooks_delivery AS first
        WHERE first.agency_id = one.agency_id AND first.endpoint_id = one.endpoint_id AND first.state = 'pending'
            AND first.order_key BETWEEN one.order_key AND one.order_key
        ORDER BY first.order_key, first.id LIMIT 1
    ) AS oldest
    WHERE oldest.next_attempt_at <= moment AND NOT EXISTS (
        SELECT FROM webhooks_delivery AS held
        WHERE held.endpoint_id = one.endpoint_id AND held.order_key = one.order_key AND held.leased_until > moment
    );

    WITH free AS MATERIALIZED (SELECT * FROM webhooks_delivery WHERE id = ANY (heads) FOR NO KEY UPDATE SKIP LOCKED),
    turns AS (
        SELECT free.id, free.next_attempt_at, least(place.room, place.series) AS room,
            row_number() OVER (PARTITION BY free.endpoint_id ORDER BY free.next_attempt_at, free.id) AS turn
        FROM free JOIN unnest(receivers, rooms, series) AS place (id, room, series) ON place.id = free.endpoint_id
        WHERE free.state = 'pending' AND free.next_attempt_at <= moment
    )
    SELECT array_agg(id ORDER BY turn, next_attempt_at) INTO heads FROM turns WHERE turn <= room;
    heads := heads[:most];

    WITH shares AS (
        SELECT head.*, greatest(place.room / count(*) OVER (PARTITION BY head.endpoint_id), 1) AS share
        FROM webhooks_delivery AS head
        JOIN unnest(receivers, rooms) AS place (id, room) ON place.id = head.endpoint_id
        WHERE head.id = ANY (heads)
    ),
    runs AS (
        SELECT shares.id AS head, follower.id, row_number() OVER (PARTITION BY shares.id ORDER BY follower.id) AS turn
        FROM shares
        CROSS JOIN LATERAL (
            SELECT next.id FROM webhooks_delivery AS next
            WHERE next.agency_id = shares.agency_id AND next.endpoint_id = shares.endpoint_id AND next.state = 'pending'
                AND next.order_key BETWEEN shares.order_key AND shares.order_key AND next.id > shares.id
            ORDER BY next.order_key, next.id LIMIT shares.share - 1
        ) AS follower
    ),
    ours AS (
        SELECT id FROM webhooks_delivery WHERE id IN (SELECT runs.id FROM runs) FOR NO KEY UPDATE SKIP LOCKED
    ),
    unbroken AS (
        SELECT runs.id, bool_and(ours.id IS NOT NULL) OVER (PARTITION BY runs.head ORDER BY runs.turn) AS whole
        FROM runs LEFT JOIN ours ON ours.id = runs.id
    )
    SELECT heads || coalesce(array_agg(id) FILTER (WHERE whole), '{}') INTO taken FROM unbroken;

    WITH rest AS MATERIALIZED (SELECT * FROM webhooks_delivery WHERE id = ANY (looked_at) AND id <> ALL (taken)),
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
    WHERE aside.id = ANY (looked_at) AND aside.id = rest.id AND rest.id > line.head;

    RETURN QUERY
    UPDATE webhooks_delivery AS one SET leased_until = until, next_attempt_at = until
    WHERE one.id = ANY (taken) RETURNING one.agency_id, one.endpoint_id, one.id;
    PERFORM set_config('underone.over_the_wall', '', true);
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0004_wall_of_endpoints_and_deliveries")]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                "endpoint",
                "next_attempt_at",
                name="deliveries_due_by_endpoint",
                condition=django.db.models.Q(state="pending"),
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                "endpoint",
                "order_key",
                name="deliveries_in_hand",
                condition=django.db.models.Q(leased_until__isnull=False),
            ),
        ),
        migrations.RunSQL(POLICIES, NO_POLICIES),
        migrations.RunSQL(NEXT, "DROP FUNCTION next_delivery_at();"),
        migrations.RunSQL(LEASE, "DROP FUNCTION lease_deliveries(timestamptz, timestamptz, integer, integer, integer);"),
    ]
