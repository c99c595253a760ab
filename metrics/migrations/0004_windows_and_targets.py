"""Insert Amazon's rules for every metric: window, target, enforcement, name and source."""

from datetime import date

from django.db import migrations

POLICY = "https://sellercentral.amazon.com/gp/help/external/G200285170"
HELP = "https://sellercentral.amazon.{}/gp/help/external/help.html?itemID={}"
EXAMPLE = "https://github.com/amzn/selling-partner-api-models/blob/main/schemas/reports/accountHealthReport-2020-11-18.json"
ALWAYS = date(2000, 1, 1)
BUSINESS_INVOICES = ("GB", "DE", "FR", "IT", "ES")

# Each rule has: metric, marketplace ("*" for all), first day, window, (comparator, target, default warning), enforced, name, source.
# The default warning is at three quarters of what the target allows.
RULES = (
    (
        *("order_defect_rate", "*", ALWAYS, (60, 15), ("lt", (1, 100), (3, 400)), True),
        *("Order Defect Rate", f"{POLICY} (under 1 %), {EXAMPLE} (60 days, 15 days back)"),
    ),
    *(
        (code, "*", ALWAYS, (60, 15), ("", None, None), False, name, EXAMPLE)
        for code, name in (
            ("negative_feedback_rate", "Negative Feedback Rate"),
            ("a_to_z_claim_rate", "A-to-z Guarantee Claim Rate"),
            ("chargeback_rate", "Chargeback Rate"),
        )
    ),
    (
        "late_shipment_rate_10d",
        "*",
        ALWAYS,
        (10, 0),
        ("lt", (4, 100), (3, 100)),
        True,
        "Late Shipment Rate (10 days)",
        HELP.format("com.au", 200285190),
    ),
    (
        "late_shipment_rate_30d",
        "*",
        ALWAYS,
        (30, 0),
        ("lt", (4, 100), (3, 100)),
        True,
        "Late Shipment Rate (30 days)",
        HELP.format("com.au", 200285190),
    ),
    (
        *("pre_fulfillment_cancel_rate", "*", ALWAYS, (7, 1), ("lt", (25, 1000), (3, 160)), True),
        *(
            "Pre-fulfillment Cancellation Rate",
            f"{HELP.format('co.uk', 200285210)} (under 2.5 % in 7 days), {EXAMPLE} (1 day back)",
        ),
    ),
    (
        *("valid_tracking_rate", "*", ALWAYS, (30, 10), ("gte", (95, 100), (77, 80)), True),
        *(
            "Valid Tracking Rate",
            f"{HELP.format('com', 201817070)} (at least 95 %), {EXAMPLE} (30 days, 10 days back)",
        ),
    ),
    (
        *("on_time_delivery_rate", "*", ALWAYS, (30, 10), ("gt", (97, 100), (391, 400)), False),
        *(
            "On-Time Delivery Rate",
            f"{HELP.format('co.uk', 200847280)} (over 97 %), {EXAMPLE} (30 days, 10 days back)",
        ),
    ),
    (
        *("on_time_delivery_rate", "US", date(2024, 9, 25), (14, 7), ("gte", (90, 100), (37, 40)), True),
        *(
            "On-Time Delivery Rate without promise extension",
            "https://sellerclass.com/p/13750 (at least 90 % of units, 14 days that end 7 days ago, since 2024-09-25)",
        ),
    ),
    *(
        (
            *("invoice_defect_rate", marketplace, ALWAYS, (7, 7), ("lt", (5, 100), (3, 80)), True),
            *(
                "Invoice Defect Rate",
                f"{HELP.format('fr', '44QSYRCU27EW4UK')} (under 5 %; 7 days that end 7 days ago)",
            ),
        )
        for marketplace in BUSINESS_INVOICES
    ),
    (
        *("message_response_rate_24h", "*", ALWAYS, (30, 0), ("gte", (90, 100), (37, 40)), False),
        *(
            "Messages answered within 24 hours",
            f"{HELP.format('com', 200549770)} (24 hours, weekends included; 90 % is a recommendation)",
        ),
    ),
    (
        *("return_dissatisfaction_rate", "*", ALWAYS, (30, 0), ("lt", (10, 100), (3, 40)), False),
        *("Return Dissatisfaction Rate", "https://amazowl.com/?p=8493 (under 10 %; 30 days are our choice)"),
    ),
    (
        "return_rate",
        "*",
        ALWAYS,
        (60, 15),
        ("", None, None),
        False,
        "Return Rate",
        "Underone's own, over the orders of the order defect rate",
    ),
    (
        *("account_health_rating", "*", ALWAYS, (181, 0), ("gte", (200, 1), None), True),
        *(
            "Account Health Rating",
            f"https://www.sipranshecommgrowth.com (200 to 1000 is healthy), {EXAMPLE} (181 days)",
        ),
    ),
    *(
        (code, "*", ALWAYS, (180, offset), ("eq", (0, 1), None), True, name, EXAMPLE)
        for code, offset, name in (
            ("listing_policy_violations", 0, "Listing Policy Violations"),
            ("product_authenticity_customer_complaints", 2, "Product Authenticity Customer Complaints"),
            ("product_condition_customer_complaints", 2, "Product Condition Customer Complaints"),
            ("product_safety_customer_complaints", 2, "Product Safety Customer Complaints"),
            ("received_intellectual_property_complaints", 0, "Received Intellectual Property Complaints"),
            ("restricted_product_policy_violations", 0, "Restricted Product Policy Violations"),
            ("suspected_intellectual_property_violations", 0, "Suspected Intellectual Property Violations"),
            ("food_and_product_safety_issues", 0, "Food and Product Safety Issues"),
            ("other_policy_violations", 0, "Other Policy Violations"),
            ("document_requests", 0, "Regulatory Compliance Document Requests"),
            ("customer_product_reviews_policy_violations", 0, "Customer Product Reviews Policy Violations"),
            ("policy_violation_warnings", 0, "Policy Violation Warnings"),
        )
    ),
)


def write(apps, schema_editor):
    rule = apps.get_model("metrics", "MetricRule")
    for metric, marketplace, since, (days, offset), (
        comparator,
        target,
        warning,
    ), enforced, name, source in RULES:
        rule.objects.create(
            metric=metric,
            marketplace=marketplace,
            effective_from=since,
            window_days=days,
            window_offset=offset,
            counts_units=metric == "on_time_delivery_rate" and marketplace == "US",
            comparator=comparator,
            limit_numerator=target and target[0],
            limit_denominator=target and target[1],
            warning_numerator=warning and warning[0],
            warning_denominator=warning and warning[1],
            enforced=enforced,
            name=name,
            source=source,
        )


def delete(apps, schema_editor):
    apps.get_model("metrics", "MetricRule").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("metrics", "0003_history")]

    operations = [migrations.RunPython(write, delete)]
