"""Test that a planted common cause is found, and that without one hardly any is."""

from collections import defaultdict
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from metrics.drilldown.portfolio_causes import MAX_Q, Stratum, find_common
from metrics.rules.association import Share

CARRIERS = ("DHL", "DPD", "UPS", "GLS", "HERMES")
ACCOUNTS = 6


def strata(chance: Random, *, rates: dict[str, float], usual: float = 0.03) -> dict[str, list[Stratum]]:
    """Build accounts of 100 to 400 packages, whose carriers have their own or the usual rate of defects."""
    groups: defaultdict[str, list[Stratum]] = defaultdict(list)
    for number in range(ACCOUNTS):
        packages = [chance.choice(CARRIERS) for _ in range(chance.randint(100, 400))]
        # Each account has a rate of its own as well, which says nothing about a carrier.
        own = chance.uniform(0.5, 3)
        late = [own * rates.get(carrier, usual) > chance.random() for carrier in packages]
        total = Share(sum(late), len(packages))
        for carrier in CARRIERS:
            own_late = [is_late for each, is_late in zip(packages, late, strict=True) if each == carrier]
            account: Any = SimpleNamespace(pk=number)
            groups[carrier].append(Stratum(account, "DE", "mfn", Share(sum(own_late), len(own_late)), total))
    return groups


@pytest.mark.parametrize("seed", range(10))
def test_planted_carrier_is_found_first(seed: int) -> None:
    found = find_common(strata(Random(seed), rates={"DPD": 0.12})).found

    assert found[0][0] == "DPD"
    assert found[0][2] < 0.001


def test_chance_alone_is_rarely_found() -> None:
    false_finds = sum(bool(find_common(strata(Random(seed), rates={})).found) for seed in range(200))

    assert 0 < false_finds <= MAX_Q * 200


def test_group_of_one_account_is_not_tried() -> None:
    account: Any = SimpleNamespace(pk=1)
    alone = [
        Stratum(account, marketplace, "mfn", Share(9, 10), Share(10, 100)) for marketplace in ("DE", "FR")
    ]

    assert find_common({"DPD": alone}).tried == 0
    another: Any = SimpleNamespace(pk=2)
    # A second account without too many defects: the cause is not common.
    good = Stratum(another, "DE", "mfn", Share(0, 10), Share(2, 100))
    assert (find_common({"DPD": [*alone, good]}).tried, find_common({"DPD": [*alone, good]}).found) == (1, ())
