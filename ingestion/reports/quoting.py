"""Decide what a reason may quote of a document: never what may be the data of a person. Pure.

Reasons are stored for longer than documents, appear in answers, logs and events, and a shifted row has the name,
street, phone number or e-mail address of a buyer in any column. So a value is quoted only if it is a number, a day,
a time, an ID of Amazon, or a word that is known.
"""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches

from ingestion.parsing.rejections import MASK, mask_email_addresses

MAX_LENGTH = 40
# Of a longer value, at most this much is looked at.
MAX_SCANNED = 120
SEVERAL_WORDS, ONE_WORD, LONG_NUMBER = "a text of several words", "a text of one word", "a long number"
# Shorter words are close to too many others.
MIN_CLOSE_LENGTH, CLOSE = 5, 0.8
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
TIME = r"\d{1,2}:\d{2}[\d:.,]{0,16}(?:\s?[ap]m)?"
ZONE = r"(?:Z|UTC|GMT|[+-]\d{1,2}:?\d{2}(?::\d{2}(?:\.\d{1,6})?)?)"
DAY = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))\.?"
CURRENCY = r"(?:[$€£¥₹]|R\$|zł|kr|(?-i:USD|EUR|GBP|CAD|MXN|BRL|JPY|AUD|INR|SEK|PLN|TRY|AED|SAR|EGP|SGD))"
QUOTABLE = re.compile(
    # nothing, a small number, an amount, a share
    rf"|[+-]?(?:{CURRENCY}\s?)?(?:\d{{1,6}}(?:[.,]\d{{1,2}})?|[01]?[.,]\d{{1,12}}|\de[+-]?\d{{1,3}})\s?(?:%|{CURRENCY})?"
    # a day, a time, both
    rf"|{DAY}(?:[T ,]+{TIME}\s?{ZONE}?)?|{TIME}"
    r"|(?:19|20)\d{2}(?:(?:0\d|1[0-2])[0-3]\d|-W\d{2}-\d)"
    r"|\d{1,2}-[a-z]{3,9}-\d{2,4}"
    rf"|\d{{1,2}}[-. ]{{1,2}}{MONTH}[-, ]{{1,2}}\d{{2,4}}(?:[T ,]+{TIME}\s?{ZONE}?)?"
    rf"|{MONTH} \d{{1,2}},? \d{{2,4}}(?:[T ,]+{TIME}\s?{ZONE}?)?"
    # what was to be the ID of an order: fewer digits than a phone number has, or more
    r"|(?!(?:[^0-9]*[0-9]){7})[0-9][0-9-]{0,9}"
    r"|(?=(?:[^0-9]*[0-9]){16})[0-9A-Z]{1,4}-?[0-9A-Z]{5,9}-?[0-9A-Z]{5,9}"
    # the ID of a marketplace, a store, a single sign
    r"|(?-i:(?=[A-Z]*[0-9])A[0-9A-Z]{1,13})|(?:www\.)?(?:amazon|ebay|etsy|walmart|otto|kaufland)\.[a-z.]{2,10}|[^\w\s]",
    re.IGNORECASE | re.ASCII,
)
WORDS = frozenset(
    """
    pending unshipped shipped shipping partially partiallyshipped complete completed cancelled canceled unfulfillable
    invoiceunconfirmed pendingavailability invoice unconfirmed availability lost damaged delivered undeliverable
    picked pickup pick up dropped drop off out for delivery delivering at origin destination fc rejected by buyer
    returned returning to seller waiting schedule scheduled label on hold backordered refunded authorized approved
    declined denied closed open opened granted withdrawn appealed expired resolved resolution review under filed
    service fraud disputed represented posted removed listed struck through completed requested processing
    amazon merchant mfn afn fba fbm default amazon_na amazon_eu amazon_fe non-amazon prod marketplace
    feedback chargeback a_to_z_claim a-to-z claim return refund order orders positive negative neutral
    yes no true false y n x none null nan na n/a unknown never maybe perhaps soon now today yesterday tomorrow ja nein
    oui non sí si sì não sim good bad fair poor great warned at_risk at risk normal deactivated suspended
    us ca mx br uk gb de fr it es nl se pl be tr ae sa eg in jp au sg ebay etsy walmart shopify gone other nobody
    somebody noon midnight not is seller buyer less than greater below above equals or less_than greater_than
    less_than_or_equal greater_than_or_equal green yellow red two three four five
    """.split()  # noqa: SIM905  a hundred words read better as text
)
"""Words of statuses, choices and times."""

SPLIT = re.compile(r"[\s/|-]+")


def quote_value(text: str, accepted: Iterable[str] = ()) -> str:
    """Return a value as a reason may quote it, on one line, or what kind of value it is.

    `accepted` are the words that the cell may have. A word that is much like one of them is a misspelt one.
    """
    plain = text[: MAX_SCANNED + 1].strip()
    # A value that is longer than what is looked at may end in anything.
    if len(plain) <= MAX_SCANNED and is_quotable(plain, frozenset(accepted)):
        return repr(plain if len(plain) <= MAX_LENGTH else plain[:MAX_LENGTH] + "…")
    masked = mask_email_addresses(plain)
    if masked == MASK:
        return repr(MASK)
    words = sum(any(letter.isalpha() for letter in word) for word in masked.split())
    return SEVERAL_WORDS if words > 1 else ONE_WORD if words else LONG_NUMBER


def is_quotable(text: str, accepted: Collection[str] = ()) -> bool:
    """Return whether a reason may quote a value."""
    if QUOTABLE.fullmatch(text):
        return True
    words = [word for word in SPLIT.split(text.lower()) if word]
    return bool(words) and all(_is_known(word, accepted) for word in words)


def _is_known(word: str, accepted: Collection[str]) -> bool:
    if word in WORDS or word in accepted:
        return True
    # The length first: the comparison takes time for each letter, and a document chooses the words.
    if not MIN_CLOSE_LENGTH <= len(word) <= MAX_LENGTH:
        return False
    return bool(get_close_matches(word, [each.lower() for each in accepted], n=1, cutoff=CLOSE))
