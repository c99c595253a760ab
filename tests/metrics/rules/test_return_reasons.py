"""Test the codes of reasons, and their words."""

import pytest

from metrics.rules import return_reasons
from metrics.rules.return_reasons import WORDS, describe, parse_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DEFECTIVE", "DEFECTIVE"),
        (" never_arrived\t", "NEVER_ARRIVED"),
        ("CR-DEFECTIVE", "DEFECTIVE"),
        ("cr-no_reason_given", "NO_REASON_GIVEN"),
        ("CR-CR-DEFECTIVE", "CR-DEFECTIVE"),
        ("AMZ-PG-WJ-TOO-SMALL", "AMZ-PG-WJ-TOO-SMALL"),
        ("7", "7"),
        ("X" * 40, "X" * 40),
        ("CR-" + "X" * 40, "X" * 40),
        ("X" * 41, ""),
        # Grows to 42 letters in upper case.
        ("ß" * 21, ""),
        *(
            (text, "")
            for text in ("", " ", "-", "_A", "CR-", "A--B", "A_-B", "not as described", "It's broken")
        ),
        *((text, "") for text in ("A\nB", "A\0", "\ud800", "ÄRGER", "退货", "１２", "a@b.example")),
    ],
)
def test_code_of_a_reason_is_in_upper_case_without_prefix(text: str, code: str) -> None:
    assert parse_code(text) == code


def test_words_are_sentences_and_their_codes_are_codes() -> None:
    assert [code for code in WORDS if parse_code(code) != code] == []
    assert [text for text in WORDS.values() if not (text[0].isupper() and text.endswith("."))] == []
    assert max(map(len, WORDS)) <= return_reasons.MAX_LENGTH


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("NEVER_ARRIVED", "The item never arrived."),
        ("AMZ-PG-BAD-DESC", "The item is not as described."),
        ("AMZ-PG-APP-TOO-SMALL", "The item was too small."),
        ("AMZ-PG-WJ-STYLE", "The buyer did not like the style."),
        ("AMZ-PG-XX-STYLE", "AMZ-PG-XX-STYLE"),
        ("NEW_CODE_OF_AMAZON", "NEW_CODE_OF_AMAZON"),
        ("", ""),
    ],
)
def test_code_is_described_in_words_or_by_itself(code: str, words: str) -> None:
    assert describe(code) == words
