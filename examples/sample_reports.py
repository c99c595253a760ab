"""Write three small reports of an invented shop into the current folder: orders.txt, feedback.txt, claims.csv.

`python3 examples/sample_reports.py` needs Python only. The shop sold 120 orders in the last weeks. One got a
rating of one star, and one an A-to-z claim.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

ORDERS = 120
BAD_FEEDBACK, CLAIM = "112-0000041-4700041", "112-0000087-4700087"
ORDER_COLUMNS = (
    *("amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status"),
    *("fulfillment-channel", "sales-channel"),
)
FEEDBACK_COLUMNS = ("Date", "Rating", "Comments", "Your Response", "Order ID", "Rater Email")


def main() -> None:
    """Write the files, and print what they are."""
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    orders = [_order(number, today) for number in range(1, ORDERS + 1)]
    recently = today - timedelta(days=2)
    feedback = [recently.strftime("%m/%d/%y"), "1", "", "", BAD_FEEDBACK, ""]
    files = {
        "orders.txt": [ORDER_COLUMNS, *orders],
        "feedback.txt": [FEEDBACK_COLUMNS, feedback],
    }
    for name, rows in files.items():
        Path(name).write_text("".join("\t".join(row) + "\n" for row in rows))
    Path("claims.csv").write_text(
        f"order_id,kind,state,occurred_on\n{CLAIM},a_to_z_claim,granted,{recently.date().isoformat()}\n"
    )
    print(f"orders.txt    {ORDERS} orders of the last ten weeks")
    print("feedback.txt  one rating of one star")
    print("claims.csv    one A-to-z claim, granted against the seller")


def _order(number: int, today: datetime) -> list[str]:
    """Return the row of an order between 20 and 70 days ago, inside the window of 60 days."""
    ordered = today - timedelta(days=20 + number % 50, minutes=number)
    shipped = ordered + timedelta(days=1)
    times = [moment.isoformat() for moment in (ordered, shipped)]
    return [f"112-{number:07d}-{4700000 + number}", "", *times, "Shipped", "Merchant", "Amazon.com"]


if __name__ == "__main__":
    main()
