"""Test that redaction takes no more time than the length of a document explains, whatever its form.

Compared is the processor time, with that of the csv module for a megabyte of short rows in the same test.
"""

import csv
import gzip
import io
import random
import time
from collections.abc import Callable
from functools import cache

import pytest

from ingestion.redaction import redacted_file
from tests import build

MEGABYTE = 1024**2
ORDER = build.order_id(1)
FEEDBACK = "Date\tRating\tComments\tYour Response\tOrder ID\tRater Email\n"
CLAIMS = "order_id,kind,state,occurred_on,comments\n"
MESSAGES = "message_id,received_at,answered_at,needs_answer,body\n"
JAPANESE = "日付\t評価\tコメント\tあなたの回答\t注文番号\t評価者のEメール\n"
WIDE = "order_id" + "\ttel" * 999 + "\n"
# Twice the length may take twice the time, and the machine is shared.
MOST_TIMES_OF_TWICE = 2.6
# The shortest rows, of two bytes, take about as long as here for each step of Python, and there are a few.
MOST_TIMES_OF_CSV = 8


def random_rows(row: Callable[[random.Random], str], header: str) -> Callable[[int], str]:
    """Return a function that builds a document of five thousand different rows, repeated to a given length."""

    chance = random.Random(5)
    rows = "".join(row(chance) for _ in range(5_000))
    return repeated(header, rows)


def repeated(header: str, piece: str, end: str = "") -> Callable[[int], str]:
    """Return a function that builds a document of one piece, repeated to a given length."""
    return lambda size: header + piece * (size // len(piece) + 1) + end


def word(chance: random.Random, length: int) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=length))


TABLES = {
    "reports": repeated(FEEDBACK, f"10/20/26\t1\tnever arrived\tSorry Jane\t{ORDER}\tj@doe.example\n"),
    "short reports": repeated(CLAIMS, f"{ORDER},,,,a\n"),
    "one letter": repeated(FEEDBACK, "x\n"),
    "random words": random_rows(lambda chance: word(chance, 3) + "\n", FEEDBACK),
    "longer words": random_rows(lambda chance: word(chance, 24) + "\n", FEEDBACK),
    "cells": random_rows(lambda chance: "\t".join(word(chance, 6)) + "\n", FEEDBACK),
    "cells of numbers": random_rows(lambda chance: f"{chance.random()}\t{chance.random()}\n", FEEDBACK),
    "cells with signs around": random_rows(
        lambda chance: f'\'{word(chance, 1)}\t="{word(chance, 9)}"\n', FEEDBACK
    ),
    "own order IDs": random_rows(lambda chance: f"{word(chance, 2)}1,x,y,z,Jane\n", CLAIMS),
    "no order IDs": repeated(CLAIMS, ",x\n"),
    "order IDs with signs around": repeated(CLAIMS, f"\u00a0'{ORDER},x,y,z,Jane\n"),
    "surplus": repeated(CLAIMS, f"{ORDER},a,b,c,d,e,f,g\n"),
    "empty lines": repeated(FEEDBACK, "\n"),
    "empty rows": repeated(FEEDBACK, "\t\n"),
    "empty rows and words": repeated(FEEDBACK, "\n\t\nx\n"),
    "line of words": repeated(FEEDBACK, "Jane "),
    "line of delimiters": repeated(FEEDBACK, "\t" * 900_000 + "\n"),
    "line of cells": repeated(FEEDBACK, "x\t" * 450_000 + "\n"),
    "wide rows": random_rows(lambda chance: "\t".join(word(chance, 900)) + "\n", FEEDBACK),
    "wide table": repeated(WIDE, f"{ORDER}" + "\ta" * 999 + "\n"),
    "wide table, shifted": repeated(WIDE, "Jane" + "\ta" * 999 + "\n"),
    "wide header": repeated("", "a," * 400_000 + "\n"),
    "quoted": repeated(CLAIMS, f'"{ORDER}","a","b","c","Jane"\n'),
    "quoted letter": repeated(CLAIMS, '"a"\n'),
    "quoted line ends": repeated(CLAIMS, '"' + "a\n" * 2000 + '"\n'),
    "quoted line end": repeated(CLAIMS, '"\n"\n'),
    "quotes": repeated(CLAIMS, '"' * 8 + "\n"),
    "quotes without end": repeated(CLAIMS, '"'),
    "quoted cells": repeated(CLAIMS, '"a",' * 200_000 + "\n"),
    "quotes within": repeated(CLAIMS, 'a"b"\n'),
    "open quote": repeated(CLAIMS + '"', "a\n"),
    "no header": random_rows(lambda chance: f"{ORDER},{word(chance, 5)},Doe\n", ""),
    "header again": repeated(CLAIMS, CLAIMS),
    "header again, spelled otherwise": random_rows(
        lambda chance: (
            "".join(letter + chance.choice(["", "_"]) for letter in CLAIMS[:-1]).replace("_,", ",") + "\n"
        ),
        CLAIMS,
    ),
    "no column of orders": random_rows(lambda chance: f"{word(chance, 2)},{word(chance, 2)}\n", MESSAGES),
    "carriage returns": repeated(CLAIMS.replace("\n", "\r"), "ab\r"),
}
XML = {
    "orders": repeated("<a>", f"<Order><ID>{ORDER}</ID><BuyerName>Jane Doe</BuyerName></Order>\n", "</a>"),
    "empty elements": repeated("<a><tel>Jane</tel>", "<b/>", "</a>"),
    "personal elements": repeated("<a>", "<tel>1</tel>", "</a>"),
    "attributes": repeated("<a><tel>Jane</tel>", "<b c='1' d='2'/>", "</a>"),
    "lines": repeated("<a><tel>Jane</tel>", "J\n", "</a>"),
    "personal lines": repeated("<a>", "<tel>" + "J\n" * 2000 + "</tel>", "</a>"),
    "blank lines": repeated("<a>", "<tel>" + "\n" * 2000 + "</tel>", "</a>"),
    "entities": repeated("<a>", "<tel>" + "&lt;" * 2000 + "</tel>", "</a>"),
    "comments": repeated("<a><tel>Jane</tel>", "<!---->", "</a>"),
    "sections": repeated("<a><tel>Jane</tel>", "<![CDATA[]]>", "</a>"),
    "nothing personal": repeated("<a>", "<b/>", "</a>"),
    "open tags": repeated("<a>", "<tel"),
    "signs": repeated("<a>", "<"),
    "JSON": repeated('{"a":[', '"Jane",', "1]}"),
}
ENCODED = [("utf-8", False), ("utf-16", False), ("cp932", True), ("gb18030", False)]


def seconds_of(document: bytes, *, japanese: bool = False) -> float:
    """Return the processor time of redacting a document."""
    stream = io.BytesIO(document)
    begun = time.process_time()
    redaction = redacted_file.build_redaction(stream, announced_type="", japanese=japanese, max_bytes=2**30)
    for _ in redaction.blocks(stream) if redaction else ():
        pass
    return time.process_time() - begun


@cache
def seconds_of_csv() -> float:
    """Return the processor time that the csv module needs for a megabyte of rows of two bytes."""
    text = "x\n" * (MEGABYTE // 2)
    begun = time.process_time()
    for _ in csv.reader(io.StringIO(text)):
        pass
    return time.process_time() - begun


def check(build_document: Callable[[int], bytes], *, japanese: bool = False) -> None:
    """Fail if a document takes too long, or more than twice as long at twice the length. Measures again first."""
    for _attempt in range(3):
        small, large = build_document(2 * MEGABYTE), build_document(4 * MEGABYTE)
        first, second = (seconds_of(each, japanese=japanese) for each in (small, large))
        per_megabyte = second / (len(large) / MEGABYTE)
        is_linear = second <= max(first, seconds_of_csv()) * MOST_TIMES_OF_TWICE
        if is_linear and per_megabyte <= seconds_of_csv() * MOST_TIMES_OF_CSV:
            return
        seconds_of_csv.cache_clear()
    pytest.fail(f"{first:.3f} s, twice as long {second:.3f} s; the csv module {seconds_of_csv():.3f} s")


@pytest.mark.parametrize("name", TABLES)
def test_table_costs_its_length(name: str) -> None:
    check(lambda size: TABLES[name](size).encode())


@pytest.mark.parametrize("name", XML)
def test_xml_costs_its_length(name: str) -> None:
    check(lambda size: XML[name](size).encode())


@pytest.mark.parametrize("row", ["品\n", f"10/20/26\t1\t品物 Jane\t\t{ORDER}\tj@doe.example\n"])
@pytest.mark.parametrize(("codec", "japanese"), ENCODED)
def test_table_in_any_encoding_costs_its_length(codec: str, row: str, *, japanese: bool) -> None:
    text = repeated(JAPANESE, row)

    check(lambda size: text(size // len("品".encode(codec))).encode(codec), japanese=japanese)


@pytest.mark.parametrize("name", ["one letter", "random words", "quoted letter", "empty lines", "reports"])
def test_packed_table_costs_its_unpacked_length(name: str) -> None:
    small, large = (
        seconds_of(gzip.compress(TABLES[name](size * MEGABYTE).encode(), compresslevel=1)) for size in (2, 4)
    )

    assert large <= max(small, seconds_of_csv()) * MOST_TIMES_OF_TWICE
    assert large / 4 <= seconds_of_csv() * MOST_TIMES_OF_CSV
