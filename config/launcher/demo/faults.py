"""Choose the things that have a fault. Pure.

The faults are spread evenly, so that no window has more than its share.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from random import Random
from typing import NamedTuple

RECENT = timedelta(days=100)  # how far back there are shipments, messages and returns
HISTORY = timedelta(days=46)  # older things are in no window
ENOUGH = 2


class Thing(NamedTuple):
    """Describe something that can have a fault: an order, package, message or return."""

    marketplace: str
    at: datetime
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Describe a fault that a share of things has. A larger share than `allowed` in a window is a risk."""

    share: float
    window: int
    allowed: float


def struck(
    things: Sequence[Thing], *, fault: Fault, now: datetime, random: Random, among: Sequence[Thing] = ()
) -> set[str]:
    """Return the keys of the things that have the fault.

    In a series so small that a single fault could exceed `allowed`, only things that have left the window
    have it. The size of a series is the number of the things, or of `among` if given.
    """

    sizes = {name: len(members) for name, members in _by_marketplace(among or things)}
    keys = set[str]()
    for marketplace, members in _by_marketplace(things):
        in_window = sizes[marketplace] * fault.window / RECENT.days
        is_large = in_window * fault.allowed >= ENOUGH
        liable = members if is_large else [member for member in members if member.at < now - HISTORY]
        keys.update(_spread(liable, fault.share, random))
    return keys


def _by_marketplace(things: Iterable[Thing]) -> Iterator[tuple[str, list[Thing]]]:
    for marketplace, members in groupby(sorted(things), key=lambda thing: thing.marketplace):
        yield marketplace, list(members)


def _spread(members: Sequence[Thing], share: float, random: Random) -> Iterator[str]:
    """Yield one of every 1 / share things."""
    phase = random.random()
    return (
        member.key
        for index, member in enumerate(members)
        if int((index + 1) * share + phase) > int(index * share + phase)
    )
