"""Who is limited to some accounts sees the facts, numbers and breaches of those, and of thresholds also what holds for all."""

from django.db import migrations

from accounts.tenancy import row_level_security

TABLES = (
    *("metrics_order", "metrics_defect", "metrics_shipment", "metrics_return", "metrics_message"),
    *("metrics_pastorder", "metrics_pastdefect", "metrics_pastshipment", "metrics_pastreturn", "metrics_pastmessage"),
    *("metrics_sourceload", "metrics_feedbackcoverage", "metrics_snapshot", "metrics_reportedfigure"),
    *("metrics_denominatorrule", "metrics_followedthresholds"),
    *("metrics_dailycounts", "metrics_currentvalue", "metrics_breach", "metrics_breachaction"),
)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0012_values_by_metric"), ("accounts", "0008_what_a_bearer_sees_and_from_where")]

    operations = [
        *[row_level_security.limit_to_accounts(table) for table in TABLES],
        row_level_security.limit_to_accounts("metrics_threshold", also="account_id IS NULL"),
    ]
