"""Build the texts for which a regular expression takes longest, and measure its CPU time on them."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, product
from types import FrameType
from typing import Any

# The parser of `re` itself: nothing public tells the parts of a pattern.
from re import _constants as ops, _parser as parser  # isort: skip

Attack = Callable[[int], Any]
"""Build a text of about so many characters, or as many bytes."""

METHODS: dict[str, Callable[[Any, Any], object]] = {
    "match": lambda pattern, text: pattern.match(text),
    "fullmatch": lambda pattern, text: pattern.fullmatch(text),
    "search": lambda pattern, text: pattern.search(text),
    "split": lambda pattern, text: pattern.split(text),
    "sub": lambda pattern, text: pattern.sub("x" if isinstance(text, str) else b"x", text),
    "findall": lambda pattern, text: pattern.findall(text),
    "finditer": lambda pattern, text: sum(1 for _ in pattern.finditer(text)),
}
# What ends a text that nearly matches.
ENDINGS = ("", "\0", "!", "\n", "a", "0", " ", "@", '"', ">")
CATEGORIES = {
    ops.CATEGORY_DIGIT: "0",
    ops.CATEGORY_NOT_DIGIT: "x",
    ops.CATEGORY_SPACE: " ",
    ops.CATEGORY_NOT_SPACE: "x",
    ops.CATEGORY_WORD: "x",
    ops.CATEGORY_NOT_WORD: "-",
}
MAX_SAMPLES, MAX_SHAPES = 4, 60


class TooSlow(Exception):
    """Raise when a call used more CPU time than it was allowed."""


def attacks(pattern: "re.Pattern[Any]") -> list[Attack]:
    """Return the texts to try: each part of the pattern repeated, alone, in pairs, after what comes before it and
    before what does not match."""
    nodes = list(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    tokens = [token for token in dict.fromkeys((*_tokens(nodes), "a", " ", "0")) if token]
    prefixes = [
        text for text in dict.fromkeys(_sample(nodes[:at]) for at in range(1, len(nodes) + 1)) if text
    ]
    pairs = list(product(tokens, tokens))
    shapes = [("", token) for token in (*tokens, *prefixes)]
    shapes += _some([(prefix, token) for prefix in prefixes for token in tokens])
    # The beginning of a match again and again, each of which is tried to the end.
    shapes += _some([("", prefix + token) for prefix in prefixes for token in tokens])
    shapes += _some([("", one + other) for one, other in pairs])
    texts = [(prefix, token, "", ending) for prefix, token in shapes for ending in ENDINGS[:3]]
    texts += [("", token, "", ending) for token in tokens for ending in ENDINGS[3:]]
    texts += [("", one, other, "\0") for one, other in _some(pairs) if one != other]
    return [_attack(pattern, *text) for text in texts]


def _some(shapes: list[Any]) -> list[Any]:
    """Return at most MAX_SHAPES of them, spread over all."""
    return shapes[:: max(1, len(shapes) // MAX_SHAPES)]


def _attack(pattern: "re.Pattern[Any]", prefix: str, token: str, other: str, ending: str) -> Attack:
    def build(size: int) -> Any:
        length = size // (2 if other else 1)
        text = (
            prefix
            + token * (length // len(token))
            + (other * (length // len(other)) if other else "")
            + ending
        )
        return text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")

    return build


def _tokens(nodes: Any) -> Iterator[str]:
    """Yield what each part of a pattern matches: each alternative, and characters of each kind of a class."""
    literals = ""
    for op, value in (*nodes, (None, None)):
        if op is ops.LITERAL:
            literals += chr(value)
            continue
        yield literals
        literals = ""
        for inner in _inner(op, value):
            yield _sample(inner)
            yield from _tokens(inner)
        yield from islice(_characters(op, value), MAX_SAMPLES)


def _inner(op: Any, value: Any) -> list[Any]:
    """Return the patterns within a part of a pattern."""
    if op is ops.BRANCH:
        return list(value[1])
    if op in {ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT}:
        return [value[2]]
    if op is ops.SUBPATTERN:
        return [value[3]]
    if op in {ops.ASSERT, ops.ASSERT_NOT}:
        return [value[1]]
    return [value] if op is ops.ATOMIC_GROUP else []


def _sample(nodes: Any) -> str:
    """Return one text that the parts match, as far as that is found without trying."""
    text = ""
    for op, value in nodes:
        if op is ops.BRANCH:
            text += _sample(value[1][0])
        elif op in {ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT}:
            text += _sample(value[2]) * max(1, value[0])
        elif op is ops.SUBPATTERN:
            text += _sample(value[3])
        elif op is ops.ATOMIC_GROUP:
            text += _sample(value)
        elif op not in {ops.ASSERT, ops.ASSERT_NOT, ops.AT}:
            text += next(_characters(op, value), "")
    return text


def _characters(op: Any, value: Any) -> Iterator[str]:
    if op is ops.LITERAL:
        yield chr(value)
    elif op is ops.NOT_LITERAL:
        yield from (each for each in "x0 -" if ord(each) != value)
    elif op is ops.ANY:
        yield from "x 0"
    elif op is ops.CATEGORY:
        yield CATEGORIES[value]
    elif op is ops.IN:
        yield from _members(value)


def _members(items: Any) -> Iterator[str]:
    if items[0][0] is ops.NEGATE:
        excluded = re.compile(f"[{''.join(_class(item) for item in items[1:])}]")
        yield from (each for each in "x0 -.@\"'é\t" if not excluded.match(each))
        return
    for op, value in items:
        if op is ops.RANGE:
            yield chr(value[0])
        else:
            yield from _characters(op, value)


def _class(item: Any) -> str:
    op, value = item
    if op is ops.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    if op is ops.LITERAL:
        return re.escape(chr(value))
    names = {
        "DIGIT": r"\d",
        "NOT_DIGIT": r"\D",
        "SPACE": r"\s",
        "NOT_SPACE": r"\S",
        "WORD": r"\w",
        "NOT_WORD": r"\W",
    }
    return names[str(value).removeprefix("CATEGORY_")]


def cpu_seconds(
    call: Callable[[], object], *, limit: float, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the CPU time of a call, or its time by another clock. Raises TooSlow after `limit` CPU seconds."""
    with _limited(limit):
        began = clock()
        call()
        return clock() - began


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    # `re` looks for signals while it searches, so that even an exponential pattern ends.
    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
