"""Create a function that returns sums and ages over all agencies, for operators."""

from django.db import migrations

from accounts.tenancy import row_level_security

TABLES = ("accounts_selleraccount", "ingestion_report", "webhooks_delivery", "webhooks_endpoint")
FIGURES = """
CREATE FUNCTION operational_figures(moment timestamptz) RETURNS TABLE (
    reports_queued float8, reports_processing float8, queued_report_age float8,
    deliveries_pending float8, deliveries_due float8, due_delivery_age float8,
    endpoints_failing float8, endpoints_disabled float8,
    accounts float8, accounts_stale float8, breaches_open float8, warnings_open float8
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET jit = off AS $$
BEGIN
    SET LOCAL underone.all_agencies = 'operational_figures';
    RETURN QUERY
    SELECT report.queued, report.processing, report.age, delivery.pending, delivery.due, delivery.age,
        endpoint.failing, endpoint.disabled, account.number, account.stale, account.breaches, account.warnings
    FROM (
        SELECT count(*) FILTER (WHERE status = 'queued')::float8 AS queued,
            count(*) FILTER (WHERE status = 'processing')::float8 AS processing,
            extract(epoch FROM moment - min(received_at) FILTER (WHERE status = 'queued'))::float8 AS age
        FROM ingestion_report WHERE status IN ('queued', 'processing')
    ) AS report,
    (
        SELECT count(*)::float8 AS pending, count(*) FILTER (WHERE next_attempt_at <= moment)::float8 AS due,
            extract(epoch FROM moment - min(next_attempt_at) FILTER (WHERE next_attempt_at <= moment))::float8 AS age
        FROM webhooks_delivery WHERE state = 'pending'
    ) AS delivery,
    (
        SELECT count(*) FILTER (WHERE disabled_at IS NULL AND failing_since IS NOT NULL)::float8 AS failing,
            count(*) FILTER (WHERE disabled_at IS NOT NULL AND disabled_reason <> 'by_hand')::float8 AS disabled
        FROM webhooks_endpoint
    ) AS endpoint,
    (
        SELECT count(*)::float8 AS number, count(*) FILTER (WHERE stale_from < moment)::float8 AS stale,
            coalesce(sum(open_breaches), 0)::float8 AS breaches, coalesce(sum(open_warnings), 0)::float8 AS warnings
        FROM accounts_selleraccount WHERE deleted_at IS NULL
    ) AS account;
    SET LOCAL underone.all_agencies = '';
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0002_row_level_security"),
        ("webhooks", "0003_functions"),
    ]

    operations = [
        *(row_level_security.show_to_job(table, job="operational_figures") for table in TABLES),
        migrations.RunSQL(FIGURES, "DROP FUNCTION operational_figures(timestamptz);"),
    ]
