"""Test that what reads a text from outside takes time linear in the length of the text, beside its patterns."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.http import QueryDict
from django.utils.translation.trans_real import parse_accept_lang_header
from rest_framework import serializers

from api import compression, csv, cursors, etags
from api.translation import translate
from config.observability.log_redaction import Redactor
from ingestion.parsing import encodings, rejections, tabular
from ingestion.reports import (
    cells,
    exact_json,
    headers,
    known_files,
    multi_channel,
    personal_columns,
    quoting,
    report_type,
    table_layout,
)
from webhooks.endpoints import addresses

SIZES = (1_000, 10_000, 100_000)
# CPU seconds that say nothing: the clock of some kernels ticks a hundred times a second.
NOISE = 0.25
GROWTH = 20
CONTEXT = report_type.ParseContext(marketplace="US", received_at=datetime(2026, 11, 22, tzinfo=UTC))
ACCEPTED = ("pending", "granted", "refunded_by_seller", "order_cancelled")
READERS: dict[str, Callable[[str], object]] = {
    "Accept-Encoding": compression.preferred_encoding,
    "Accept-Language": parse_accept_lang_header,
    "If-None-Match": lambda text: etags.matches(text, '"a"'),
    "cursor": lambda text: cursors.decode("cur_" + text, length=2),
    "query": lambda text: QueryDict(text, encoding="utf-8"),
    "JSON": json.loads,
    "number of JSON": lambda text: json.loads(f"[{text}]"),
    "number field": serializers.DecimalField(max_digits=8, decimal_places=4).run_validation,
    "whole number field": serializers.IntegerField().run_validation,
    "moment field": serializers.DateTimeField().run_validation,
    "e-mail field": serializers.EmailField().run_validation,
    "address of an endpoint": lambda text: addresses.check(kind="webhook", url="https://" + text),
    "cell of a list": csv.cell,
    "reason in Chinese": lambda text: translate(text, "zh-hans"),
    "logged text": Redactor(known=["a secret value"]).text,
    "cell": tabular.clean_cell,
    "cell in layers": lambda text: tabular.clean_cell(f'="{text}"'),
    "line": lambda text: tabular.split_line(text, ",", is_quoted=True),
    "rows": lambda text: list(tabular.split_rows(text.split("\n"), ",", is_quoted=True)),
    "content": tabular.has_content,
    "encoding": lambda text: encodings.detect_encoding([text.encode()], japanese=True),
    "encoding of no UTF-8": lambda text: encodings.detect_encoding([text.encode() + b"\xe4 "], japanese=True),
    "layout": lambda text: table_layout.find_layout([text]),
    "header": headers.canonical,
    "words": headers.words_of,
    "personal column": personal_columns.is_personal,
    "harmless column": personal_columns.is_harmless,
    "known file": known_files.find,
    "quoted value": lambda text: quoting.quote_value(text, ACCEPTED),
    "masked reason": rejections.mask_email_addresses,
    "time": lambda text: report_type.parse_time(text, latest=CONTEXT.latest),
    "day": lambda text: cells.parse_day(text, parse_context=CONTEXT),
    "order ID": report_type.parse_order_id,
    "multi-channel order": multi_channel.is_order_id,
    "JSON document": lambda text: exact_json.parse_json(text.encode()),
    "text of a JSON document": lambda text: exact_json.parse_json(json.dumps([text]).encode()),
}
TEXTS = (
    *("x", " ", "\t", "\u00a0", "'", ",", ";", ":", "-", ".", "1", "[", "{", "(", "<", "&", "%41", "\\u0041"),
    *('"', '""', '="', '"a",', '"a"\n', '"a,', "@ x", "a@b ", "a=1&", "0-", "1.", "9e9", "2026-", "T00:00"),
    *(
        "S01-",
        "101-1234567-",
        "zh-a;q=0.1,",
        "a: b, c; ",
        "A b. ",
        "eyJ",
        "bearer ",
        "://",
        "order-id,",
        "pendin ",
    ),
    *("\u00df", "\ufdfa", "\u6ce8\u6587"),
)


@pytest.mark.parametrize("name", READERS)
def test_reader_takes_no_more_time_than_its_text_is_long(name: str) -> None:
    # The garbage collector may slow one measurement down, and not each of three.
    slow = [unit for unit in TEXTS if not any(is_linear(measure(READERS[name], unit)) for _ in range(3))]

    assert {unit: measure(READERS[name], unit) for unit in slow} == {}


def measure(read: Callable[[Any], object], unit: str) -> list[float]:
    """Return the CPU seconds of each size."""
    return [seconds(read, unit, size) for size in SIZES]


def seconds(read: Callable[[Any], object], unit: str, size: int) -> float:
    text = unit * (size // len(unit)) + "\x01"
    began = time.thread_time()
    # Whatever it refuses.
    with suppress(Exception):
        read(text)
    return time.thread_time() - began


def is_linear(costs: list[float]) -> bool:
    return all(larger <= max(NOISE, GROWTH * cost) for cost, larger in pairwise(costs))
