"""Test the translation of texts that are written and stored in English."""

import time

import pytest
from django.utils import translation

from api.translation import translate
from api.translation.catalogue import Catalogue, Template

CATALOGUE = Catalogue.build(
    {
        "`{0}`: {1} is not valid; expected {2}.": "`{0}`：{1} 无效；应为 {2}。",
        "a text of one word": "一个词的文本",
        "{0} of {1}": "{0}（共 {1}）",
        "The {0} is gone.": "{0} 已不存在。",
        "The {0} is gone. Send {1} again.": "{0} 已不存在。请重新发送 {1}。",
        "Order Defect Rate": "订单缺陷率",
        "Nothing was changed.": "未作任何更改。",
        "{0}: at risk": "{0}：有风险",
        "{0} before {1}": "{1} 晚于 {0}",
    }
)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Nothing was changed.", "未作任何更改。"),
        ("`rating`: '6' is not valid; expected 5.", "`rating`：'6' 无效；应为 5。"),
        ("`rating`: a text of one word is not valid; expected 1.", "`rating`：一个词的文本 无效；应为 1。"),
        ("7 of 612", "7（共 612）"),
        # Only figures stand in a text as short as that.
        ("a piece of cake", "a piece of cake"),
        # The longer template wins.
        ("The file is gone. Send it again.", "file 已不存在。请重新发送 it。"),
        # Sentences one after the other, with and without a translation.
        ("Nothing was changed. The key is gone.", "未作任何更改。key 已不存在。"),
        ("Unknown to us. Nothing was changed.", "Unknown to us. 未作任何更改。"),
        ("Order defect rate, DE, mfn: at risk", "订单缺陷率，DE，mfn：有风险"),
        # Placeholders change places.
        ("2025-07-01 before 2025-07-02", "2025-07-02 晚于 2025-07-01"),
        ("Acme Marketplace Partners", "Acme Marketplace Partners"),
        ("", ""),
        ("{0} {1}", "{0} {1}"),
    ],
)
def test_text_is_translated_by_its_template(english: str, chinese: str) -> None:
    assert CATALOGUE.translate(english) == chinese


@pytest.mark.parametrize(
    ("template", "text", "values"),
    [
        ("{0} comes after {1}", "a comes after b", ["a", "b"]),
        ("{0} comes after {1}", "a comes after b comes after c", ["a", "b comes after c"]),
        ("{0} comes, {1} goes; {2}", "a comes, b goes; c", ["a", "b", "c"]),
        ("It is due at {0}", "It is due at ", [""]),
        ("It is due at {0}", "It was due at 1", None),
        ("redder{0}redder", "redderedder", None),
        # Only figures stand in a short template.
        ("{0} of {1}", "7 of 612", ["7", "612"]),
        ("{0} of {1}", "piece of 1 cake", None),
    ],
)
def test_template_finds_its_values(template: str, text: str, values: list[str] | None) -> None:
    assert Template.parse(template, "").match(text) == values


def test_english_is_unchanged_and_unknown_languages_are_english() -> None:
    assert translate("Invalid request") == "Invalid request"
    assert translate("Invalid request", "fr") == "Invalid request"
    assert translate("Invalid request", "zh-hans") == "无效请求"
    with translation.override("zh-hans"):
        assert translate("Invalid request") == "无效请求"


@pytest.mark.parametrize(
    "text",
    [
        "The " * 1000,
        ": ".join(["a b"] * 1300),
        "; ".join(["`x`: a b"] * 500),
        ". ".join(["A b"] * 1300),
        "`x`: " * 800,
        ", ".join(["the the"] * 500),
    ],
)
def test_hostile_text_costs_little(text: str) -> None:
    before = time.process_time()
    for size in (len(text) // 8, len(text)):
        translate(text[:size], "zh-hans")

    # Some hundred templates, each searched for once, in every part: seconds would be a loop within a loop.
    assert time.process_time() - before < 2


@pytest.mark.parametrize("unit", ["a b: c d, e f; ", "A b: c, d; e. ", "'x' is not valid; "])
def test_text_of_many_separators_takes_little_time(unit: str) -> None:
    text = (unit * 300)[:4000]
    began = time.thread_time()

    translate(text, "zh-hans")

    assert time.thread_time() - began < 0.2
