"""Test that the OpenAPI document, the documentation and README use the terms of docs/glossary.md."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = ROOT / "docs" / "openapi.json"
REPLACED = {
    r"hand\w*[ -]back|part with|be told no more|no more for now": "delete, remove, disable",
    r"\bmint\w*|\bgive out\b|take back|\bwithdraw(?!n)\w*": "create, revoke, delete",
    r"opens? nothing|opens? something|\bstill opens\b|let anybody in": "is invalid, is valid",
    r"\btold\b|whoever|\bwho asks|nobody asks|somebody asks": (
        "name the subject: the endpoint, the caller, a member"
    ),
    r"the wall\b|one door|the doors?\b|by the door|\bentrance\b": "row-level security, report types",
    r"\blook\w* after": "has, manages",
    r"\bKeptAnswer\w*|kept answer|asked twice": "idempotency",
    r"\b(un)?sealed\b|\bsealing\b": "encrypted, encryption at rest",
    r"draw\w* (a|the) line|\bthe lines? that|line of (your|its|their) own|own line\b|NotALine": "threshold",
    r"\bhearsay\b|\boverruled\b": "unconfirmed, superseded",
    r"\bcouriers?\b|\bparcels?\b|\blanes?\b": "delivery worker, job, endpoint queue",
    r"\begress\b|letter by letter|\bbyte by byte\b|\bfor ever\b|for good\b": (
        "HTTP client, exactly, permanently"
    ),
    r"(?-i:\w+Wish|\w+Asked|OursOnTheirDays|ByKey|WhatEnum|MayEnum|BlankEnum|NullEnum)": (
        "CreateEndpoint, BulkCreateAccounts, OwnCountsInAmazonWindow, PerformedBy, Permission"
    ),
    r"this cannot be|nothing is here|it is being done|we made a mistake|\bnot now\b": (
        "the titles of /problems"
    ),
    r"manners of the API|^notices$|^records$": "API conventions, notifications, audit log",
}
"""Words that were replaced, and what stands for them."""
NOT_FOR_READING = {"value", "pattern", "$ref", "const", "enum", "default", "required", "example", "schema"}
GLOSSARY = "glossary.md"
"""The glossary names the replaced words itself."""


def texts(part: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of the document that is shown: descriptions, titles and names, with its place."""

    if isinstance(part, dict):
        for name, inner in part.items():
            if at.endswith(("/schemas", "/properties")):
                yield f"{at}/{name}", name
            if name not in NOT_FOR_READING or at.endswith("/properties"):
                yield from texts(inner, f"{at}/{name}")
    elif isinstance(part, list):
        for place, inner in enumerate(part):
            yield from texts(inner, f"{at}/{place}")
    elif isinstance(part, str):
        yield at, part


def lines() -> Iterator[tuple[str, str]]:
    """Yield every line of the documentation with its place."""
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        if file.name != GLOSSARY and "adr" not in file.parts:
            for number, line in enumerate(file.read_text().splitlines(), 1):
                yield f"{file.relative_to(ROOT)}:{number}", line


def find_words(read: Iterator[tuple[str, str]]) -> list[str]:
    """Return every replaced word in the texts, with its place and replacement."""
    patterns = [(re.compile(words, re.IGNORECASE), better) for words, better in REPLACED.items()]
    return [
        f"{place}: {match[0]!r}, say: {better}"
        for place, text in read
        for pattern, better in patterns
        if (match := pattern.search(text))
    ]


def test_openapi_document_uses_the_glossary() -> None:
    assert find_words(texts(json.loads(DOCUMENT.read_text()))) == []


def test_documentation_uses_the_glossary() -> None:
    assert find_words(lines()) == []


@pytest.mark.parametrize(
    "text",
    ["The account is handed back.", "EndpointWish", "Who asks for it is told.", "A key that opens nothing"],
)
def test_replaced_words_are_found(text: str) -> None:
    assert find_words(iter([("here", text)])) != []
