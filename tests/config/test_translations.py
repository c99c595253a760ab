"""Test the catalogue of translations: complete, compiled, and consistent in both languages."""

import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from api.translation import translate
from ingestion.reports import REPORT_TYPES
from metrics.drilldown import reasons
from metrics.models import MetricRule
from metrics.rules import amazon_rules, defects
from metrics.rules.catalogue.definitions import METRICS
from tests.config import messages, translations
from webhooks.events.catalogue import EVENT_TYPES

CHINESE = translations.chinese()
TRANSLATE = "Translate them in config/locale/zh_Hans/LC_MESSAGES/django.po, then run `make translations`."
HAN = re.compile("[\u4e00-\u9fff]")
# What stays as it is in every language: code, URLs, names, samples and figures.
LATIN = re.compile(
    r"`[^`]*`|\"[^\"]*\"|'[^']*'|[{\[(][^}\])一-鿿]*[}\])]|[\w.,/%&;:+?!=_…-]*[A-Za-z0-9][\w.,/%&;:+?!=_-]*",
    re.ASCII,
)
PLACEHOLDER = re.compile(r"\{[^}]*\}|%(?:\(\w+\))?[a-z]")
RULINGS = {
    *(
        ruling.reason
        for table in (defects.STATES, defects.UNCONFIRMED)
        for states in table.values()
        for ruling in states.values()
    ),
    *(defects.ruling(kind="feedback", state=defects.POSTED, rating=stars).reason for stars in range(1, 6)),
    defects.SUPERSEDED.reason,
    defects.FEEDBACK_BEFORE_ITS_ORDER.reason,
}
REASONS = {reason for states in reasons.REASONS.values() for reason in states.values()} | RULINGS


EVENTS = {each.description for each in EVENT_TYPES}
REPORT_TEXTS = {
    text
    for each in REPORT_TYPES
    for text in (each.title, each.about, *(column.meaning for column in each.columns))
}
RULES_TEXTS = {
    text
    for rule in amazon_rules.RULES
    for text in (rule.name, rule.consequence, rule.limitation, *(tier.consequence for tier in rule.tiers))
    if text
}


def names() -> set[str]:
    return set(MetricRule.objects.values_list("name", flat=True))


def test_compiled_catalogue_is_current() -> None:
    compiled, anew = translations.compiled(), translations.compiled_anew()

    assert translations.texts(compiled) == translations.texts(anew) == CHINESE, "Run `make translations`."
    assert (compiled.locale, compiled.plural_forms) == (anew.locale, anew.plural_forms)


def test_metric_names_are_in_catalogue(db: None) -> None:
    named = names()

    assert "Order Defect Rate" in named
    assert named - CHINESE.keys() == set(), TRANSLATE


def test_explanations_are_in_catalogue() -> None:
    assert {metric.explanation for metric in METRICS} - CHINESE.keys() == set(), TRANSLATE


def test_reasons_are_in_catalogue() -> None:
    assert len(REASONS) > 30
    assert REASONS - CHINESE.keys() == set(), TRANSLATE


def test_rules_of_amazon_are_in_catalogue() -> None:
    chinese = [translate(text, "zh-hans") for text in RULES_TEXTS]

    assert len(RULES_TEXTS) > 20
    assert [
        text for text in chinese if not HAN.search(text) or re.search("[a-z]{3,} [a-z]{3,}", text)
    ] == [], TRANSLATE


def test_event_types_are_in_catalogue() -> None:
    assert EVENTS - CHINESE.keys() == set(), TRANSLATE


def test_report_types_are_in_catalogue() -> None:
    english = {text for text in REPORT_TEXTS if not HAN.search(translate(text, "zh-hans"))}

    # Names of values only.
    assert english == {"`a_to_z_claim`, `chargeback` or `feedback`"}


def test_every_text_that_customers_read_is_in_catalogue() -> None:
    written = messages.templates()

    assert len(written) > 800
    assert {text: place for text, place in written.items() if text not in CHINESE} == dict.fromkeys(
        messages.UNTRANSLATED, mock.ANY
    )


def test_catalogue_has_no_unused_text(db: None) -> None:
    values = names() | {metric.explanation for metric in METRICS} | REASONS | RULES_TEXTS | EVENTS
    values |= REPORT_TEXTS

    assert CHINESE.keys() - values - messages.templates().keys() - messages.PARTS == set(), "Delete them."


def test_texts_are_chinese_with_same_placeholders() -> None:
    for english, chinese in CHINESE.items():
        assert HAN.search(chinese), english
        assert chinese != english, english
        assert chinese == chinese.strip(), english
        assert sorted(re.findall(r"\d+", chinese)) == sorted(re.findall(r"\d+", english)), english
        assert sorted(PLACEHOLDER.findall(chinese)) == sorted(PLACEHOLDER.findall(english)), english


def test_sentences_have_chinese_punctuation() -> None:
    for english, chinese in CHINESE.items():
        assert chinese.endswith("。") is english.endswith("."), english
        assert not re.search("[,;:.!?()]", LATIN.sub("", chinese)), english
        assert not re.search(f"{HAN.pattern}[0-9]|[0-9]{HAN.pattern}", chinese), (
            f"A blank between a figure and a Chinese letter: {english}"
        )


def test_different_texts_stay_different() -> None:
    assert len(set(CHINESE.values())) == len(CHINESE)


def test_texts_are_not_fuzzy_or_obsolete() -> None:
    catalogue = translations.written()

    assert [message.id for message in catalogue if message.id and message.fuzzy] == []
    assert not catalogue.obsolete
    assert str(catalogue.locale) == "zh_Hans"


def test_django_finds_each_text() -> None:
    with translation.override("zh-hans"):
        assert {english: gettext(english) for english in CHINESE} == CHINESE


def test_english_texts_are_unchanged() -> None:
    with translation.override("en"):
        assert [english for english in CHINESE if gettext(english) != english] == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Order Defect Rate", "订单缺陷率"),
        ("Negative Feedback Rate", "负面反馈率"),
        ("A-to-z Guarantee Claim Rate", "亚马逊商城交易保障索赔率"),
        ("Chargeback Rate", "信用卡拒付率"),
        ("Pre-fulfillment Cancellation Rate", "配送前取消率"),
        ("Valid Tracking Rate", "有效追踪率"),
        ("On-Time Delivery Rate", "准时送达率"),
        ("Invoice Defect Rate", "发票缺陷率"),
        ("Return Dissatisfaction Rate", "退货不满意率"),
        ("Account Health Rating", "账户状况评级"),
        ("Suspected Intellectual Property Violations", "涉嫌侵犯知识产权"),
    ],
)
def test_metrics_have_names_of_seller_central(english: str, chinese: str) -> None:
    assert CHINESE[english] == chinese


def test_catalogue_compiles_without_gettext(tmp_path: Path) -> None:
    target = tmp_path / "django.mo"
    compiler = Path(sys.executable).parent / "pybabel"
    command: list[str | Path] = [
        compiler,
        "compile",
        "--input-file",
        translations.WRITTEN,
        "--output-file",
        target,
        "--locale",
        "zh_Hans",
    ]

    subprocess.run(command, env={"PATH": ""}, check=True, capture_output=True)

    assert translations.texts(translations.compiled(target)) == CHINESE


@pytest.mark.parametrize("file", [".gitignore", ".dockerignore"])
def test_compiled_catalogue_is_in_image_and_repository(file: str) -> None:
    assert ".mo" not in (Path(settings.BASE_DIR) / file).read_text()
    assert "locale" not in (Path(settings.BASE_DIR) / file).read_text()
