"""What must not be read in logs and reports of mistakes is blanked there. Pure.

It is the second line: nobody is to log a secret in the first place.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

BLANK = "[blanked]"
CUT = "… [cut]"
LONGEST = 24_000  # characters of a text that are looked at: strangers choose how long a path is
REACH = 8_200  # of those, how many at the end are dropped: a secret, at most a whole header, may have been cut in two there
SHORTEST = 8  # a value that is shorter says nothing, and would blank words that mean something else
NAMES = "authorization|cookies?|password|passwd|passphrase|secrets?|tokens?|api[_-]?key|private[_-]?key|secrets?[_-]keys?"
CALLED = rf"(?<![a-z])(?:{NAMES})[\"']?\s?"
PLACE = r"(?:bearer\s|basic\s)?\w*"
SECRET_NAME = re.compile(rf"(?i)(?<![a-z])(?:{NAMES})(?![a-z])")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(uo_[a-z]+_)[A-Za-z0-9][\w-]*"), rf"\1{BLANK}"),
    (re.compile(r"\b(whs(?:ec|k)_)[\w+/=-]+"), rf"\1{BLANK}"),
    (re.compile(r"\b(At[a-z]{2}\|)[\w./+=-]+"), rf"\1{BLANK}"),  # Amazon's access and refresh tokens
    (re.compile(r"\b(amzn1\.oa2-cs\.)[\w.]+"), rf"\1{BLANK}"),  # Amazon's client secrets
    # JSON web tokens. Only the first `eyJ` of a run is tried, once: trying each would take the square of the run's length.
    (re.compile(r"(?<![\w-])((?>(?:[\w-]*?-)??(?=eyJ)))eyJ[\w-]{5,}+\.[\w-]++\.[\w-]*+"), rf"\1{BLANK}"),
    (re.compile(r"(?i)\b(bearer\s+|basic\s+)[\w.~+/=|-]{12,}"), rf"\1{BLANK}"),
    (re.compile(r"://([^/\s:@]*):(?!\*+@)[^@\s/]+@"), rf"://\1:{BLANK}@"),
    # The path of a chat's incoming webhook is its secret, and an agency's own may be one as well.
    (re.compile(r"(https?://[^\s/\"'<>?#\\]+)[/?#][^\s\"'<>)\\]+"), rf"\1/{BLANK}"),
    (re.compile(rf"(?i)({CALLED}=\s?[\"']?(?:bearer\s|basic\s)?)[^\s\"',;&}})\\]+"), rf"\1{BLANK}"),
    # After a colon people also write words: `a secret: mail has none`.
    (re.compile(rf"(?i)({CALLED}:\s?[\"']?(?!{PLACE}…)(?:bearer\s|basic\s)?)[^\s\"',;&}})\\]{{8,}}"), rf"\1{BLANK}"),
)
"""What secrets look like, and what is left of each. Each is found in time that grows with the text and no faster."""


class Redactor:
    """Blanks what looks like a secret, what is called like one, and the very values that are known to be secret."""

    def __init__(self, *, known: Iterable[str] = ()) -> None:
        values = {form for value in known if len(value) >= SHORTEST for form in (value, quote(value, safe=""))}
        longest_first = sorted(values, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if values else None

    def text(self, text: str) -> str:
        """The text without secrets, cut where it is endless."""
        return self._blanked(text) if len(text) <= LONGEST else self._blanked(text[:LONGEST])[:-REACH] + CUT

    def _blanked(self, text: str) -> str:
        if self._known:
            text = self._known.sub(BLANK, text)
        for shape, left in SHAPES:
            text = shape.sub(left, text)
        return text

    def value(self, value: Any) -> Any:
        """The same for whatever JSON holds, to any depth; text under a secret's name is blanked whole."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self._named(str(name), inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(inner) for inner in value]
        return value if value is None or isinstance(value, (bool, int, float)) else self.text(str(value))

    def _named(self, name: str, value: Any) -> Any:
        says_something = value is not None and not isinstance(value, (bool, int, float))
        return BLANK if says_something and SECRET_NAME.search(CAMEL.sub("_", name)) else self.value(value)


def found_in(text: str, *, known: Iterable[str] = ()) -> list[str]:
    """What of the text would be blanked but is there: for those who look whether anything was told."""
    shown = [value for value in known if len(value) >= SHORTEST and value in text]
    return shown + [match[0] for shape, _ in SHAPES for match in shape.finditer(text) if BLANK not in match[0]]
