"""Test cursors: encoding, decoding, and malformed ones."""

import base64

import pytest

from api import cursors


def test_cursor_decodes_to_its_position() -> None:
    assert cursors.decode(cursors.encode(["2026-10-01", "101-1"]), length=2) == ["2026-10-01", "101-1"]


def _cursor(text: str) -> str:
    return "cur_" + base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "cur_",
        "cur_x",
        "cur_🙂",
        "🙂",
        "%%%",
        _cursor("{}"),
        _cursor('["a"]'),
        _cursor("[1,2]"),
        _cursor("[" * 3000),
    ],
)
def test_cursor_that_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(cursors.BadCursor):
        cursors.decode(text, length=2)
