"""Write a large all-orders file without holding it in memory."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.build import ORDER_COLUMNS

DAYS = 730
PRODUCTS = 500


def orders(path: Path, *, rows: int, seed: int = 1, with_items: bool = True) -> None:
    """Write `rows` orders of one item over two years in Amazon's format: newest first, 32 columns.

    Without items, the column of the SKU has another name, so that the file is as long.
    """
    columns = [name if with_items or name != "sku" else "own-id" for name in ORDER_COLUMNS]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(columns) + "\r\n")
        for row in _rows(rows, random.Random(seed)):
            file.write(row)


def _rows(rows: int, chance: random.Random) -> Iterator[str]:
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for n in range(rows):
        ordered = now - timedelta(seconds=n * DAYS * 86400 // rows)
        # The last part counts, so that no order ID occurs twice.
        order = f"{chance.randrange(100, 1000)}-{chance.randrange(10**7):07d}-{n:07d}"
        status = chance.choices(("Shipped", "Cancelled", "Pending"), (94, 4, 2))[0]
        channel = chance.choice(("Merchant", "Amazon"))
        updated, product = ordered + timedelta(hours=20), n % PRODUCTS
        yield (
            f"{order}\t{order}\t{ordered.isoformat()}\t{updated.isoformat()}\t{status}\t{channel}\tAmazon.com\t\t\tExpedited\t"
            'Trendy Home 12" x 18" Premium Hypoallergenic Stuffer Pillow Insert, Standard/White\t'
            f"th{product:03d}\tB07K1FN{product:03d}\t{status}\t1\tUSD\t7.49\t0.42\t\t\t\t\t\t\tMEMPHIS\tTN\t38117-3311\tUS\t\t"
            "false\t\t\r\n"
        )
