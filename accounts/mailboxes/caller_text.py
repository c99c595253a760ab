"""Prepare text that a caller chose, such as a name, for messages that others read. Pure.

A name may look like a line of the product's own text or like a URL, which programs turn into a link: "Your account was
closed, see http://evil.example". Messages show it on one line, cut, and with its links broken up.
"""

import re

MAX_NAME_LENGTH = 60
# Line breaks could add headers to an e-mail or lines to a chat message. Invisible characters and those that
# change the direction of text could make a message read differently.
UNPRINTABLE = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    r"\U000e0000-\U000e007f]+"
)
# A dot before a letter makes a domain. Programs read the three others as dots of a domain too.
DOMAIN_DOT = re.compile(r"(?<=[^\W_])[.\uff0e\uff61](?=[^\W\d_])|(?<=[A-Za-z0-9])\u3002(?=[A-Za-z])")
SCHEME = re.compile(r":(?=//|\\\\)|(?<=\bmailto):|(?<=\btel):|(?<=\bsms):", re.IGNORECASE)
# Phones offer to call a number of seven digits or more.
PHONE_NUMBER = re.compile(r"\d(?:[ ()./-]{0,2}\d){6,}")


def one_line(text: str) -> str:
    """Return the text on one line, without invisible characters and those that change the direction of text."""
    return UNPRINTABLE.sub(" ", text).strip()


def without_links(text: str) -> str:
    """Return the text on one line, with what programs would turn into a link broken up: `http[:]//shop[.]example`."""
    return SCHEME.sub("[:]", DOMAIN_DOT.sub("[.]", one_line(text)))


def name_for_strangers(text: str) -> str:
    """Return a name for a mail that its reader did not ask for: without links and phone numbers, and cut."""
    return without_links(PHONE_NUMBER.sub("…", one_line(text)[:MAX_NAME_LENGTH])) or "…"
