"""Lease reports and exports to workers. Agencies get their turn of loading one after the other."""

from django.db import migrations, models

from accounts.tenancy import row_level_security

LOADING_TURN = """
-- The agency whose report was leased last, in one row. Only functions of the owner can read it.
CREATE TABLE ingestion_loadingturn (is_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_only_row), last_agency uuid);
INSERT INTO ingestion_loadingturn DEFAULT VALUES;
ALTER TABLE ingestion_loadingturn ENABLE ROW LEVEL SECURITY;
"""

LEASE_REPORT = """
-- Lease the next report and return it with the number of its attempts, or no row if no report can be leased now.
--
-- Agencies are served in the order of their IDs, beginning behind the one that was served last, and at most `most` reports of one
-- agency are leased at the same time. Of an agency, the report that has waited longest is leased, but none whose account has a
-- leased report: it would only wait for the account's lock.
--
-- `held` is how long the report was leased before, if that lease ended without a result. A worker that records a report has locked
-- its row: such a report is skipped, even if its lease has ended.
--
-- Rows are read in the order of the index `report_in_progress`, which no other index provides. Without sorts, the planner takes no
-- other index, whatever it knows of the table: another one would read all reports of an agency.
CREATE FUNCTION lease_report(most integer, length interval)
RETURNS TABLE (agency uuid, report uuid, attempt integer, held interval)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    last_served uuid;
    is_second_round boolean := false;
    busy_accounts uuid[];
BEGIN
    SET LOCAL underone.all_agencies = 'loading';
    INSERT INTO ingestion_loadingturn DEFAULT VALUES ON CONFLICT DO NOTHING;
    -- Workers lease one after the other.
    SELECT last_agency INTO last_served FROM ingestion_loadingturn FOR UPDATE;
    agency := last_served;
    LOOP
        SELECT waiting.agency_id INTO agency FROM ingestion_report AS waiting
        WHERE waiting.status IN ('queued', 'processing') AND (agency IS NULL OR waiting.agency_id > agency)
        ORDER BY waiting.agency_id, waiting.handed_out_at, waiting.id LIMIT 1;
        IF agency IS NULL AND NOT is_second_round AND last_served IS NOT NULL THEN
            is_second_round := true;
            CONTINUE;
        END IF;
        EXIT WHEN agency IS NULL OR (is_second_round AND agency > last_served);

        SELECT coalesce(array_agg(leased.account_id), '{}') INTO busy_accounts FROM (
            SELECT one.account_id FROM ingestion_report AS one
            WHERE one.agency_id = agency AND one.status IN ('queued', 'processing')
                AND one.status = 'processing' AND one.leased_until >= moment
            ORDER BY one.agency_id, one.handed_out_at, one.id
        ) AS leased;
        CONTINUE WHEN cardinality(busy_accounts) >= most;

        SELECT one.id, one.attempts + 1, one.leased_until - one.claimed_at INTO report, attempt, held
        FROM ingestion_report AS one
        JOIN accounts_agency AS its_agency ON its_agency.id = one.agency_id
        JOIN accounts_selleraccount AS its_account
            ON its_account.agency_id = one.agency_id AND its_account.id = one.account_id
        WHERE one.agency_id = agency AND one.status IN ('queued', 'processing')
            AND (one.status = 'queued' OR one.leased_until IS NULL OR one.leased_until < moment)
            AND one.account_id <> ALL (busy_accounts)
            AND its_agency.closed_at IS NULL AND its_account.deleted_at IS NULL
        ORDER BY one.agency_id, one.handed_out_at, one.id LIMIT 1
        FOR NO KEY UPDATE OF one SKIP LOCKED;
        IF FOUND THEN
            UPDATE ingestion_report AS one
            SET status = 'processing', attempts = attempt, claimed_at = moment, leased_until = moment + length
            WHERE one.agency_id = agency AND one.id = report;
            UPDATE ingestion_loadingturn SET last_agency = agency;
            RETURN NEXT;
            EXIT;
        END IF;
    END LOOP;
    SET LOCAL underone.all_agencies = '';
END
$$;
"""

REPORT_IS_WAITING = """
CREATE FUNCTION report_is_waiting() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    is_waiting boolean;
BEGIN
    SET LOCAL underone.all_agencies = 'loading';
    SELECT EXISTS (
        SELECT FROM ingestion_report
        WHERE status IN ('queued', 'processing')
            AND (status = 'queued' OR leased_until IS NULL OR leased_until < clock_timestamp())
    ) INTO is_waiting;
    SET LOCAL underone.all_agencies = '';
    RETURN is_waiting;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0006_readings_by_marketplace"),
        ("accounts", "0007_languages"),
    ]

    operations = [
        migrations.RemoveIndex("report", "report_in_progress"),
        migrations.AddField("report", "claimed_at", models.DateTimeField(null=True)),
        migrations.AddField("report", "leased_until", models.DateTimeField(null=True)),
        migrations.AddField("export", "leased_until", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "report",
            models.Index(
                "agency",
                "handed_out_at",
                "id",
                condition=models.Q(status__in=("queued", "processing")),
                name="report_in_progress",
            ),
        ),
        *(
            row_level_security.show_to_job(table, job="loading")
            for table in ("ingestion_report", "accounts_selleraccount")
        ),
        row_level_security.show_to_job("ingestion_report", job="loading", command="UPDATE"),
        migrations.RunSQL(LOADING_TURN, "DROP TABLE ingestion_loadingturn;"),
        migrations.RunSQL(LEASE_REPORT, "DROP FUNCTION lease_report(integer, interval);"),
        migrations.RunSQL(REPORT_IS_WAITING, "DROP FUNCTION report_is_waiting();"),
    ]
