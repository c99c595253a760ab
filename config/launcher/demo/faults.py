"""Choose the orders, packages, messages and returns that have a fault. Pure.

The faults are spread evenly, so that no window has more than its share.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from random import Random
from typing import NamedTuple

# How far back there are shipments, messages and returns.
RECENT = timedelta(days=100)
# No window reaches so far back.
OLD = timedelta(days=46)
MIN_ALLOWED_FAULTS = 2


class Candidate(NamedTuple):
    """Describe something that can have a fault: an order, package, message or return."""

    marketplace: str
    at: datetime
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Describe a fault that a share of the candidates has. A larger share than `allowed` in a window is a risk."""

    share: float
    window: int
    allowed: float


def choose_faulty(
    candidates: Sequence[Candidate],
    *,
    fault: Fault,
    now: datetime,
    random: Random,
    among: Sequence[Candidate] = (),
) -> set[str]:
    """Return the keys of the candidates that have the fault.

    In a series so small that a single fault could exceed `allowed`, only candidates that have left the
    window have it. The size of a series is the number of the candidates, or of `among` if given.
    """

    sizes = {name: len(members) for name, members in _by_marketplace(among or candidates)}
    keys = set[str]()
    for marketplace, members in _by_marketplace(candidates):
        in_window = sizes[marketplace] * fault.window / RECENT.days
        is_large = in_window * fault.allowed >= MIN_ALLOWED_FAULTS
        eligible = members if is_large else [member for member in members if member.at < now - OLD]
        keys.update(_spread(eligible, fault.share, random))
    return keys


def _by_marketplace(candidates: Iterable[Candidate]) -> Iterator[tuple[str, list[Candidate]]]:
    for marketplace, members in groupby(sorted(candidates), key=lambda candidate: candidate.marketplace):
        yield marketplace, list(members)


def _spread(members: Sequence[Candidate], share: float, random: Random) -> Iterator[str]:
    """Yield one of every 1 / share candidates."""
    phase = random.random()
    return (
        member.key
        for index, member in enumerate(members)
        if int((index + 1) * share + phase) > int(index * share + phase)
    )
