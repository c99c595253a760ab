"""Restrict each agency to its own rows, and a principal with an account limit to the rows of those accounts."""

from django.db import migrations

from accounts.tenancy import row_level_security

OF_ACCOUNT = (
    *("metrics_order", "metrics_defect", "metrics_shipment", "metrics_return", "metrics_message"),
    *(
        "metrics_pastorder",
        "metrics_pastdefect",
        "metrics_pastshipment",
        "metrics_pastreturn",
        "metrics_pastmessage",
    ),
    *("metrics_sourceload", "metrics_feedbackcoverage", "metrics_snapshot", "metrics_reportedfigure"),
    *("metrics_denominatorrule", "metrics_appliedthresholds"),
    *("metrics_dailycounts", "metrics_currentvalue", "metrics_breach", "metrics_breachaction"),
)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_initial"), ("accounts", "0002_row_level_security")]

    operations = [
        *(row_level_security.isolate(table) for table in (*OF_ACCOUNT, "metrics_threshold")),
        *(row_level_security.limit_to_accounts(table) for table in OF_ACCOUNT),
        row_level_security.limit_to_accounts("metrics_threshold", also="account_id IS NULL"),
        row_level_security.read_only("metrics_metricrule"),
    ]
