"""Redact secrets in logs, error reports and traces. Pure.

This is a second safeguard, because code must not log secrets at all.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

BLANK = "[blanked]"
CUT = "… [cut]"
# Characters of a text that are searched: a client chooses how long a path is.
MAX_LENGTH = 24_000
# Of those, the characters at the end that are dropped: a secret, at most a whole header, may have been cut in
# two there.
MAX_MATCH_LENGTH = 8_200
# Known values that are shorter are not redacted: they would match ordinary words.
SHORTEST = 8
NAMES = "authorization|cookies?|password|passwd|passphrase|secrets?|tokens?|api[_-]?key|private[_-]?key|secrets?[_-]keys?"
CALLED = rf"(?<![a-z])(?:{NAMES})[\"']?\s?"
PLACE = r"(?:bearer\s|basic\s)?\w*"
SECRET_NAME = re.compile(rf"(?i)(?<![a-z])(?:{NAMES})(?![a-z])")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Each pattern of a secret with its replacement. Each takes time linear in the length of the text.
SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(uo_[a-z]+_)[A-Za-z0-9][\w-]*"), rf"\1{BLANK}"),
    (re.compile(r"\b(whs(?:ec|k)_)[\w+/=-]+"), rf"\1{BLANK}"),
    # Amazon's access and refresh tokens, then its client secrets.
    (re.compile(r"\b(At[a-z]{2}\|)[\w./+=-]+"), rf"\1{BLANK}"),
    (re.compile(r"\b(amzn1\.oa2-cs\.)[\w.]+"), rf"\1{BLANK}"),
    # JSON web tokens. Only the first `eyJ` of a run is tried, once: trying each would take the square of the
    # run's length.
    (re.compile(r"(?<![\w-])((?>(?:[\w-]*?-)??(?=eyJ)))eyJ[\w-]{5,}+\.[\w-]++\.[\w-]*+"), rf"\1{BLANK}"),
    (re.compile(r"(?i)\b(bearer\s+|basic\s+)[\w.~+/=|-]{12,}"), rf"\1{BLANK}"),
    (re.compile(r"://([^/\s:@]*):(?!\*+@)[^@\s/]+@"), rf"://\1:{BLANK}@"),
    # The path of a chat's incoming webhook is its secret, and an agency's own may be one as well.
    (re.compile(r"(https?://[^\s/\"'<>?#\\]+)[/?#][^\s\"'<>)\\]+"), rf"\1/{BLANK}"),
    (re.compile(rf"(?i)({CALLED}=\s?[\"']?(?:bearer\s|basic\s)?)[^\s\"',;&}})\\]+"), rf"\1{BLANK}"),
    # After a colon people also write words: `a secret: mail has none`.
    (
        re.compile(rf"(?i)({CALLED}:\s?[\"']?(?!{PLACE}…)(?:bearer\s|basic\s)?)[^\s\"',;&}})\\]{{8,}}"),
        rf"\1{BLANK}",
    ),
)


class Redactor:
    """Redact text that looks like a secret, values under a secret's name, and known secret values."""

    def __init__(self, *, known: Iterable[str] = ()) -> None:
        values = {
            form for value in known if len(value) >= SHORTEST for form in (value, quote(value, safe=""))
        }
        # An alternation takes the first that matches: a value that contains another one must come before it.
        longest_first = sorted(values, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if values else None

    def text(self, text: str) -> str:
        """Return the text without secrets, truncated if it is very long."""
        return (
            self._redact(text)
            if len(text) <= MAX_LENGTH
            else self._redact(text[:MAX_LENGTH])[:-MAX_MATCH_LENGTH] + CUT
        )

    def _redact(self, text: str) -> str:
        if self._known:
            text = self._known.sub(BLANK, text)
        for shape, left in SHAPES:
            text = shape.sub(left, text)
        return text

    def value(self, value: Any) -> Any:
        """Return a JSON value without secrets, at any depth. A text under a secret's name is redacted as a
        whole."""

        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self._named(str(name), inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(inner) for inner in value]
        return value if value is None or isinstance(value, (bool, int, float)) else self.text(str(value))

    def _named(self, name: str, value: Any) -> Any:
        may_be_secret = value is not None and not isinstance(value, (bool, int, float))
        return BLANK if may_be_secret and SECRET_NAME.search(CAMEL.sub("_", name)) else self.value(value)
