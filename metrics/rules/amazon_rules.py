"""List Amazon's rules for every metric as dated rows, each with its source and the day of its last check.

A rule that changes gets a new row with its first day; a row of the past stays as it is, so that a past day is
judged by the rule of then. `checked_on` is the day on which somebody last compared the row with its source;
`make rules-check` fails when that is more than 90 days ago. A migration that runs `write_rules`
(metrics/models/metric_rules.py) writes these rows into the database. Pure.
"""

from datetime import date
from functools import partial

from metrics.rules import dated_rules
from metrics.rules.dated_rules import Source, Tier

CHECKED = date(2026, 11, 29)
BUSINESS_INVOICES = ("GB", "DE", "FR", "IT", "ES")
AmazonRule = partial(dated_rules.AmazonRule, checked_on=CHECKED)

HELP = "https://sellercentral.amazon.{}/gp/help/external/help.html?itemID={}"
EXAMPLE = Source(
    "Amazon's example of the account health report (windows)",
    "https://github.com/amzn/selling-partner-api-models/blob/main/schemas/reports/accountHealthReport-2020-11-18.json",
)
POLICY = Source(
    "Seller Central help: Order Defect Rate", "https://sellercentral.amazon.com/gp/help/external/G200285170"
)
LATE = Source("Seller Central help: Late Shipment Rate", HELP.format("com.au", 200285190))
CANCELLATION = Source("Seller Central help: Cancellation Rate", HELP.format("co.uk", 200285210))
TRACKING = Source("Seller Central help: Valid Tracking Rate", HELP.format("com", 201817070))
TRACKING_2025 = Source(
    "Seller forums: Valid Tracking Rate from January 15, 2025",
    "https://sellercentral.amazon.com/seller-forums/discussions/t/427b2246-9e04-41a9-8d5d-3a7f3e3d7ff2",
)
DELIVERY = Source("Seller Central help: On-Time Delivery Rate", HELP.format("co.uk", 200847280))
DELIVERY_US = Source(
    "Amazon's on-time delivery requirement from September 25, 2024", "https://sellerclass.com/p/13750"
)
DELIVERY_US_2026 = Source(
    "On-time delivery: enforcement by listing from February 28, 2026 (trade press on Amazon's announcement)",
    "https://ppc.land/amazon-narrows-otdr-enforcement-only-worst-listings-face-deactivation-from-feb-28",
)
DELIVERY_GB = Source(
    "Seller forums: On-Time Delivery Rate policy, United Kingdom",
    "https://sellercentral-europe.amazon.com/seller-forums/discussions/t/3b3da25c-e8e0-4178-a7d0-415704097047",
)
DELIVERY_DE = Source(
    "Amazon tightens seller shipping (trade press)", "https://marketmaze.me/p/amazon-tightens-seller-shipping"
)
INVOICES = Source("Seller Central help: Invoice Defect Rate", HELP.format("fr", "44QSYRCU27EW4UK"))
RESPONSES = Source("Seller Central help: Contact Response Time", HELP.format("com", 200549770))
RETURNS = Source("Return Dissatisfaction Rate (trade press)", "https://amazowl.com/?p=8493")
RATING = Source("Account Health Rating (trade press)", "https://www.sipranshecommgrowth.com")
OWN = Source("Underone's own, over the orders of the order defect rate", "")

DEACTIVATION = "Amazon may deactivate the account's seller-fulfilled offers."
LISTINGS = "Amazon deactivates the listings that cause the miss."
GB_TIERS = (
    Tier(0.8, 0.9, "Listings are deactivated and can be reactivated immediately."),
    Tier(0.6, 0.8, "Listings are deactivated until a plan of action is accepted."),
    Tier(0.0, 0.6, "The account loses seller fulfillment."),
)
DELIVERY_LIMITATION = (
    "Attempts while the buyer was absent, rescheduled deliveries and delays that Amazon's protection excuses are "
    "not in any report, so they count as late."
)

BUSINESS_LIMITATION = (
    "A delivery outside business hours counts as on time if its day is right. The window is that of the on-time "
    "delivery rate."
)

COUNTERS = (
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

RULES: tuple[dated_rules.AmazonRule, ...] = (
    AmazonRule(
        metric="order_defect_rate",
        name="Order Defect Rate",
        window=(60, 15),
        comparator="lt",
        target=(1, 100),
        enforced=True,
        consequence=DEACTIVATION,
        limitation="Amazon's page does not state the offset of the window; 15 days are those of its example.",
        source=POLICY,
    ),
    *(
        AmazonRule(metric=metric, name=name, window=(60, 15), source=EXAMPLE)
        for metric, name in (
            ("negative_feedback_rate", "Negative Feedback Rate"),
            ("a_to_z_claim_rate", "A-to-z Guarantee Claim Rate"),
            ("chargeback_rate", "Chargeback Rate"),
        )
    ),
    *(
        AmazonRule(
            metric=f"late_shipment_rate_{days}d",
            name=f"Late Shipment Rate ({days} days)",
            window=(days, 0),
            comparator="lt",
            target=(4, 100),
            enforced=True,
            consequence=DEACTIVATION,
            source=LATE,
        )
        for days in (10, 30)
    ),
    AmazonRule(
        metric="pre_fulfillment_cancel_rate",
        name="Pre-fulfillment Cancellation Rate",
        window=(7, 1),
        comparator="lt",
        target=(25, 1000),
        enforced=True,
        consequence=DEACTIVATION,
        source=CANCELLATION,
    ),
    AmazonRule(
        metric="valid_tracking_rate",
        name="Valid Tracking Rate",
        window=(30, 10),
        comparator="gte",
        target=(95, 100),
        enforced=True,
        consequence="Amazon may restrict seller-fulfilled offers in the category.",
        source=TRACKING,
    ),
    AmazonRule(
        metric="valid_tracking_rate",
        name="Valid Tracking Rate",
        effective_from=date(2025, 1, 15),
        window=(30, 10),
        comparator="gte",
        target=(95, 100),
        enforced=True,
        consequence="Amazon may restrict seller-fulfilled offers in the category.",
        limitation="Amazon judges each product category, with all carriers. Computed here: all packages of the "
        "account with at least one scan. Not computed: categories, the exemptions by value (GB and EU domestic "
        "up to 15 EUR, cross-border letters below 20 EUR, imports to the US below 5 USD), and the second scan "
        "that imports to the US from CN and CA (from 5 USD) and from IN and GB (from 15 USD) need.",
        source=TRACKING_2025,
    ),
    AmazonRule(
        metric="on_time_delivery_rate",
        name="On-Time Delivery Rate",
        window=(30, 10),
        comparator="gt",
        target=(97, 100),
        consequence="Amazon recommends more than 97 % and does not enforce it.",
        verified=False,
        source=DELIVERY,
    ),
    AmazonRule(
        metric="on_time_delivery_rate",
        marketplace="US",
        name="On-Time Delivery Rate without promise extension",
        effective_from=date(2024, 9, 25),
        window=(14, 7),
        comparator="gte",
        target=(90, 100),
        counts_units=True,
        enforced=True,
        consequence="Amazon may deactivate the account's seller-fulfilled offers.",
        limitation=DELIVERY_LIMITATION,
        source=DELIVERY_US,
    ),
    AmazonRule(
        metric="on_time_delivery_rate",
        marketplace="US",
        name="On-Time Delivery Rate without promise extension",
        effective_from=date(2026, 2, 28),
        window=(14, 7),
        comparator="gte",
        target=(90, 100),
        counts_units=True,
        enforced=True,
        consequence=LISTINGS,
        limitation=DELIVERY_LIMITATION,
        source=DELIVERY_US_2026,
    ),
    AmazonRule(
        metric="on_time_delivery_rate",
        marketplace="GB",
        name="On-Time Delivery Rate without promise extension",
        effective_from=date(2025, 9, 16),
        window=(14, 7),
        comparator="gte",
        target=(90, 100),
        counts_units=True,
        minimum_denominator=20,
        consequence="Not enforced before 2026-02-02; warnings since 2025-10-16.",
        limitation=DELIVERY_LIMITATION,
        source=DELIVERY_GB,
    ),
    AmazonRule(
        metric="on_time_delivery_rate",
        marketplace="GB",
        name="On-Time Delivery Rate without promise extension",
        effective_from=date(2026, 2, 2),
        window=(14, 7),
        comparator="gte",
        target=(90, 100),
        counts_units=True,
        minimum_denominator=20,
        enforced=True,
        tiers=GB_TIERS,
        consequence=LISTINGS,
        limitation=DELIVERY_LIMITATION,
        source=DELIVERY_GB,
    ),
    AmazonRule(
        metric="on_time_delivery_rate",
        marketplace="DE",
        name="On-Time Delivery Rate without promise extension",
        effective_from=date(2026, 9, 1),
        window=(14, 7),
        comparator="gte",
        target=(90, 100),
        counts_units=True,
        enforced=True,
        consequence=LISTINGS,
        limitation=f"The window is taken from the US and GB. {DELIVERY_LIMITATION}",
        verified=False,
        source=DELIVERY_DE,
    ),
    *(
        AmazonRule(
            metric="business_on_time_delivery_rate",
            marketplace="DE",
            name="On-Time Delivery Rate of Amazon Business orders",
            effective_from=first,
            window=(14, 7),
            comparator="gte",
            target=(90, 100),
            counts_units=True,
            enforced=enforced,
            consequence=consequence,
            limitation=BUSINESS_LIMITATION,
            verified=False,
            source=DELIVERY_DE,
        )
        for first, enforced, consequence in (
            (date(2026, 9, 30), False, "Not enforced before 2026-10-30."),
            (date(2026, 10, 30), True, LISTINGS),
        )
    ),
    *(
        AmazonRule(
            metric="invoice_defect_rate",
            marketplace=marketplace,
            name="Invoice Defect Rate",
            window=(7, 7),
            comparator="lt",
            target=(5, 100),
            enforced=True,
            consequence="Amazon may restrict the account's offers to Amazon Business customers.",
            source=INVOICES,
        )
        for marketplace in BUSINESS_INVOICES
    ),
    AmazonRule(
        metric="message_response_rate_24h",
        name="Messages answered within 24 hours",
        window=(30, 0),
        comparator="gte",
        target=(90, 100),
        consequence="Amazon recommends 90 % and does not enforce it.",
        source=RESPONSES,
    ),
    AmazonRule(
        metric="return_dissatisfaction_rate",
        name="Return Dissatisfaction Rate",
        window=(30, 0),
        comparator="lt",
        target=(10, 100),
        consequence="Amazon does not enforce it.",
        limitation="Amazon states no window; 30 days are our choice.",
        verified=False,
        source=RETURNS,
    ),
    AmazonRule(metric="return_rate", name="Return Rate", window=(60, 15), source=OWN),
    AmazonRule(
        metric="account_health_rating",
        name="Account Health Rating",
        window=(181, 0),
        comparator="gte",
        target=(200, 1),
        enforced=True,
        warns=False,
        tiers=(
            Tier(100, 200, "The account is at risk of deactivation."),
            Tier(0, 100, "The account may be deactivated."),
        ),
        consequence="Below 200 the account is at risk of deactivation.",
        source=RATING,
    ),
    *(
        AmazonRule(
            metric=metric,
            name=name,
            window=(180, offset),
            comparator="eq",
            target=(0, 1),
            enforced=True,
            warns=False,
            consequence="Amazon judges open violations by the account health rating.",
            source=EXAMPLE,
        )
        for metric, offset, name in COUNTERS
    ),
)
