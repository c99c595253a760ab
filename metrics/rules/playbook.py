"""Say which entries of the playbook a cause points to. Pure.

The rules are dated rows of metrics/rules/playbook_codes.toml.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from metrics.rules.return_reasons import GROUP

FILE = Path(__file__).with_name("playbook_codes.toml")
CODES = (
    "QUALITY",
    "LISTING_ACCURACY",
    "PACKAGING",
    "CARRIER_DELAY",
    "COMMUNICATION",
    "CHARGEBACK_PREVENTION",
    "STOCK_CONTROL",
)
LISTS = ("codes", "metrics", "keys")
"""The fields of a rule that are lists."""
SIZES = ("TOO-LARGE", "TOO-SMALL", "STYLE", "COLOR", "FABRIC")
"""What is left of the codes of a product group: the listing did not show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookRule:
    """Describe a rule: from which day it applies to which causes, and the codes. Without metrics or keys, to all."""

    effective_from: date
    by: str
    codes: tuple[str, ...]
    source: str
    metrics: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def applies(self, *, metric: str, by: str, key: str, on: date) -> bool:
        """Return whether the rule applies to a group of causes on a day."""
        is_of_metric = not self.metrics or metric in self.metrics
        is_of_key = not self.keys or key in self.keys
        return by == self.by and is_of_metric and is_of_key and on >= self.effective_from


@cache
def rules() -> tuple[PlaybookRule, ...]:
    """Return the rules, the newest first."""
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["rule"]
    parsed: list[PlaybookRule] = []
    for row in rows:
        fields: dict[str, Any] = {
            name: tuple(value) if name in LISTS else value for name, value in row.items()
        }
        parsed.append(PlaybookRule(**fields))
    return tuple(sorted(parsed, key=lambda rule: rule.effective_from, reverse=True))


def codes(*, metric: str, by: str, key: str, on: date) -> tuple[str, ...]:
    """Return the codes of the playbook entries for a group of causes, the most probable first."""
    # A product group has codes of its own for what all others call alike.
    plain = "NOT_AS_DESCRIBED" if GROUP.sub("", key) in SIZES else key
    fitting = (rule.codes for rule in rules() if rule.applies(metric=metric, by=by, key=plain, on=on))
    return next(fitting, ()) if key else ()
