"""Build the files of the smoke test. Their figures can be checked by reading them."""

import json
from datetime import UTC, datetime, time, timedelta

ORDER_HEADER = (
    "amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tfulfillment-channel\tsales-channel"
)
# Number of orders, then their age in days, status, fulfillment and store. The window is 15 to 74 days old.
ORDERS = (
    (200, 40, "Shipped", "Merchant", "Amazon.com"),
    (46, 60, "Unshipped", "Merchant", "Amazon.com"),
    # The window's last day and its first, then a day too young and a day too old.
    (1, 15, "Shipped", "Merchant", "Amazon.com"),
    (3, 74, "Shipped", "Merchant", "Amazon.com"),
    (7, 14, "Shipped", "Merchant", "Amazon.com"),
    (5, 75, "Shipped", "Merchant", "Amazon.com"),
    (9, 30, "Pending", "Merchant", "Amazon.com"),
    (8, 30, "Cancelled", "Merchant", "Amazon.com"),
    (50, 30, "Shipped", "Amazon", "Amazon.com"),
    (4, 30, "Shipped", "Amazon", "Non-Amazon"),
    # In the seven days of the cancellation rate. The seller cancels the last one.
    (40, 5, "Shipped", "Merchant", "Amazon.com"),
    (1, 5, "Cancelled", "Merchant", "Amazon.com"),
)
CANCELLED_BY_SELLER = sum(number for number, *_ in ORDERS) - 1
# The orders that are shipped, two items each. They were to be shipped 20 days ago.
SHIPPED = range(100, 150)
SHIPPED_LATE, UNSCANNED, DELIVERED_LATE = (100, 101), (102, 103, 104), (105,)
# The orders with feedback, a claim or a chargeback.
ONE_STAR, TWO_STARS, NEUTRAL, CLAIMED, DENIED, CHARGED, FRAUD = range(7)


def orders(today: datetime) -> str:
    rows, index = [ORDER_HEADER], 0
    for number, age, status, fulfilment, store in ORDERS:
        at = f"{day(today, age)}T12:00:00+00:00"
        rows += [f"{order_id(index + i)}\t{at}\t{at}\t{status}\t{fulfilment}\t{store}" for i in range(number)]
        index += number
    return "\n".join(rows)


def feedback(today: datetime) -> str:
    on = (today - timedelta(days=20)).strftime("%m/%d/%y")
    rows = [
        f"{on}\t{stars}\tSome words\t\t{order_id(order)}\tx@example.com"
        for order, stars in ((ONE_STAR, 1), (TWO_STARS, 2), (NEUTRAL, 3))
    ]
    return "\n".join(["Date\tRating\tComments\tYour Response\tOrder ID\tRater Email", *rows])


def claims(today: datetime) -> str:
    defects = (
        (TWO_STARS, "a_to_z_claim", "granted"),
        (CLAIMED, "a_to_z_claim", "pending"),
        (DENIED, "a_to_z_claim", "denied"),
        (CHARGED, "chargeback", "service"),
        (FRAUD, "chargeback", "fraud"),
    )
    return _claims_file(today, defects, hours_ago=2)


def decisions(today: datetime) -> str:
    defects = ((CLAIMED, "a_to_z_claim", "denied"), (CHARGED, "chargeback", "reversed"))
    return _claims_file(today, defects, hours_ago=1)


def _claims_file(today: datetime, defects: tuple[tuple[int, str, str], ...], *, hours_ago: int) -> str:
    stamp = (today - timedelta(hours=hours_ago)).isoformat()
    rows = [
        f"{order_id(order)},{kind},{state},{day(today, 18)},R{order},{stamp}"
        for order, kind, state in defects
    ]
    return "\n".join(["order_id,kind,state,occurred_on,reference,updated_at", *rows])


def shipments(today: datetime) -> str:
    by, until = day(today, 20), day(today, 15)
    rows = ["order_id,units,ship_by,shipped_at,first_scan_at,deliver_by,delivered_at,cancelled_by"]
    for order in SHIPPED:
        shipped = day(today, 19) if order in SHIPPED_LATE else by
        scanned = "" if order in UNSCANNED else shipped
        delivered = "" if order in UNSCANNED else day(today, 14 if order in DELIVERED_LATE else 16)
        rows.append(f"{order_id(order)},2,{by},{shipped},{scanned},{until},{delivered},")
    return "\n".join([*rows, f"{order_id(CANCELLED_BY_SELLER)},1,,,,,,seller"])


def messages(today: datetime) -> str:
    """Build eight messages answered after two hours, one after 25 hours, and one that needs no answer."""
    received = datetime.combine(today - timedelta(days=5), time(12), UTC)
    answers = [*((received + timedelta(hours=hours)).isoformat() for hours in (*[2] * 8, 25)), ""]
    rows = [
        f"M-{n},{received.isoformat()},{answer},{'no' if answer else 'yes'}"
        for n, answer in enumerate(answers)
    ]
    return "\n".join(["message_id,received_at,answered_at,no_response_needed", *rows])


def account_health(today: datetime) -> str:
    late = {
        "reportingDateRange": {
            "reportingDateFrom": f"{day(today, 29)}T00:00Z",
            "reportingDateTo": f"{day(today, 0)}T23:59Z",
        },
        "orderCount": 50,
        "lateShipmentCount": 2,
        "rate": 0.04,
        "status": "GOOD",
        "targetValue": 0.05,
        "targetCondition": "LESS_THAN",
    }
    figures = {
        "marketplaceId": "ATVPDKIKX0DER",
        "lateShipmentRate": late,
        "listingPolicyViolations": {
            "defectsCount": 2,
            "status": "BAD",
            "targetValue": 0,
            "targetCondition": "EQUALS",
        },
        "accountHealthRating": {"ahrStatus": "GREAT", "ahrScore": 340},
    }
    statuses = [{"marketplaceId": "ATVPDKIKX0DER", "status": "AT_RISK"}]
    return json.dumps({"accountStatuses": statuses, "performanceMetrics": [figures]})


def order_id(index: int) -> str:
    return f"111-0000000-{index:07d}"


def day(today: datetime, age: int) -> str:
    return (today - timedelta(days=age)).date().isoformat()
