"""Parse the days in Seller Central's downloads, whose format is not documented. Pure.

A day that names its month or begins with its year reads one way. A day of numbers is read only if one of its
numbers can be no month, or if it names American time; otherwise it is left out, because the defect does not
need it: the order and its packages decide the days that count.
"""

import re
from datetime import date

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import cells
from ingestion.reports.report_type import ParseContext

MONTH_FIRST = re.compile(r"([A-Za-z]{3})[a-z]*\.? ([0-9]{1,2}),? ([0-9]{4})(?:\D.*)?")
DAY_FIRST = re.compile(r"([0-9]{1,2})[. -]{1,2}([A-Za-z]{3})[a-z]*\.?[ -]([0-9]{4})(?:\D.*)?")
NUMBERS = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?:[ ,].*)?")
# Late deliveries state GMT first and the time that Amazon judges by, that of California, in brackets.
JUDGED_BY = re.compile(r"[^()]*\(([^()]*P[DS]T)\)")
MAX_MONTH = 12


def parse(text: str, *, parse_context: ParseContext) -> date | None:
    """Return the past day of a text, or None if it can be read in no way, or in more than one."""
    judged = JUDGED_BY.fullmatch(text)
    day = judged[1] if judged is not None else text
    try:
        return cells.parse_day(_iso(day) or day, parse_context=parse_context)
    except InvalidRow:
        return None


def _iso(text: str) -> str:
    """Return the day as YYYY-MM-DD, or "" for any other form or if it reads in more than one way."""
    if named := MONTH_FIRST.fullmatch(text):
        return _of_named_month(named[1], named[2], named[3])
    if named := DAY_FIRST.fullmatch(text):
        return _of_named_month(named[2], named[1], named[3])
    if numbers := NUMBERS.fullmatch(text):
        first, second = int(numbers[1]), int(numbers[3])
        year = numbers[4] if len(numbers[4]) == 4 else f"20{numbers[4]}"
        if second > MAX_MONTH or first == second or text.endswith(("PDT", "PST")):
            return f"{year}-{first:02d}-{second:02d}"
        if first > MAX_MONTH or numbers[2] == ".":
            return f"{year}-{second:02d}-{first:02d}"
    return ""


def _of_named_month(name: str, day: str, year: str) -> str:
    if name.lower() not in cells.MONTHS:
        return ""
    return f"{year}-{cells.MONTHS.index(name.lower()) + 1:02d}-{int(day):02d}"
