"""Operators see how the whole installation is: sums and ages, and of nobody in particular."""

from django.db import migrations

OVER_THE_WALL = "(SELECT current_setting('underone.over_the_wall', true)) = 'figures'"
TABLES = ("accounts_selleraccount", "ingestion_report", "webhooks_delivery", "webhooks_endpoint")

POLICIES = "-- Of the tables' owner alone, and inside the function below alone, which sets what is asked for here.\n" + "\n".join(
    f"CREATE POLICY operators_sum_up ON {table} FOR SELECT TO CURRENT_USER USING ({OVER_THE_WALL});" for table in TABLES
)
NO_POLICIES = "\n".join(f"DROP POLICY operators_sum_up ON {table};" for table in TABLES)

FIGURES = """
CREATE FUNCTION operational_figures(moment timestamptz) RETURNS TABLE (
    reports_queued float8, reports_processing float8, queued_report_age float8,
    deliveries_pending float8, deliveries_due float8, due_delivery_age float8,
    endpoints_failing float8, endpoints_disabled float8,
    accounts float8, accounts_stale float8, breaches_open float8, warnings_open float8
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET jit = off AS $$
BEGIN
    PERFORM set_config('underone.over_the_wall', 'figures', true);
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
    PERFORM set_config('underone.over_the_wall', '', true);
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0005_accounts_that_a_bearer_sees"),
        ("webhooks", "0006_finding_by_moment"),
        ("accounts", "0007_what_a_bearer_may_do"),
    ]

    operations = [
        migrations.RunSQL(POLICIES, NO_POLICIES),
        migrations.RunSQL(FIGURES, "DROP FUNCTION operational_figures(timestamptz);"),
    ]
