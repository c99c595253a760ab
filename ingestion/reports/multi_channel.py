"""Recognize multi-channel orders: orders of other shops that Amazon ships (Multi-Channel Fulfillment).

They count in no metric of an Amazon store, so their rows are set apart before anything can reject them. Pure.
Stores named `SI … Prod Marketplace` are Amazon's internal names of the same program; they stand beside
Non-Amazon in the code of others who read these reports.
"""

import re

from ingestion.parsing.rejections import InvalidRow
from metrics.rules.facts import Fact

ORDER_ID = re.compile(r"S[0-9]{2}-[0-9]{7}-[0-9]{7}")
INTERNAL_STORE = re.compile(r"si (?:[a-z]{2} )?prod (?:[a-z]{2} )?marketplace")
# An order ID of Amazon, even a damaged one, or a day in the wrong column. Amazon allows 40 characters for the seller's ID.
NOT_OWN_ID = re.compile(r"[0-9]+-[0-9]+-[0-9]+.*|[0-9]{17}")
OWN_ID = re.compile(r"(?=.*[0-9])[\w#./-]{1,40}")


class SetApart(InvalidRow):
    """Raise when a row belongs to a multi-channel order.

    `facts` are recorded all the same: an order that another report listed under a store moves out of it.
    """

    def __init__(self, order_id: str = "", facts: tuple[Fact, ...] = ()) -> None:
        super().__init__("`order_id`: a multi-channel order counts in no metric.", field="order_id")
        self.order_id = order_id
        self.facts = facts


def is_store(text: str) -> bool:
    """Return whether the sales channel is one of multi-channel orders."""
    name = " ".join(text.lower().split())
    return name.startswith("non-amazon") or INTERNAL_STORE.fullmatch(name) is not None


def is_order_id(text: str) -> bool:
    """Return whether Amazon gave the ID to a multi-channel order."""
    return ORDER_ID.fullmatch(text) is not None


def is_own_id(text: str) -> bool:
    """Return whether the ID may be the seller's own, which FBA reports have instead of Amazon's."""
    is_of_amazon = is_order_id(text) or NOT_OWN_ID.fullmatch(text) is not None
    return not is_of_amazon and OWN_ID.fullmatch(text) is not None
