"""Test the language of responses: whole requests in English and Chinese, and what is the same in both."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client as Stranger
from django.utils import translation

from accounts.agencies import lifecycle as agencies
from api import identifiers
from ingestion.reports import performance_v1
from metrics.drilldown import reasons as rules_reasons
from metrics.rules import defects
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.facts import (
    DefectKind,
    Fact,
    MessageFact,
    ReportedFact,
    ReturnFact,
    ShipmentFact,
    SnapshotFact,
)
from tests import build
from tests.client import Client
from tests.config import translations
from tests.conftest import NOON
from tests.metrics.fact_recorder import DAY, NINE, TODAY, FactRecorder, defect, order

CHINESE = translations.chinese()
HAN = re.compile("[\u4e00-\u9fff]")
ENGLISH_WORDS = ("name", "explanation", "reason")
COUNTED = [metric.code for metric in CATALOGUE.values() if metric.is_counted]
HANDLED = {"": False, "negative_feedback": True, "late_answer": True, "wrong_rejection": True}
AN_ELEVENTH_DAY = TODAY - timedelta(days=11)  # in the windows of tracking and of invoices
ANSWERED = {
    "M-1": (TODAY - timedelta(days=3), True),
    "M-2": (TODAY - timedelta(days=1), False),
    "M-3": (None, False),
}


def before(days: int) -> date:
    return TODAY - timedelta(days=days)


def package(number: int, *, shipped_on: date | None = AN_ELEVENTH_DAY, **more: Any) -> ShipmentFact:
    """Build a package shipped and delivered in time; name the fields that differ."""
    usual = ShipmentFact(
        order_id=build.order_id(number),
        package="P-1",
        units=1,
        ship_by_on=shipped_on,
        shipped_on=shipped_on,
        is_late=None if shipped_on is None else False,
        is_scanned=None if shipped_on is None else True,
        deliver_by_on=before(10),
        delivered_on=None if shipped_on is None else before(10),
        is_on_time=None if shipped_on is None else True,
        is_invoiced_in_time=None if shipped_on is None else True,
        cancelled_by="",
        is_business=True,
        stated_at=None,
    )
    return usual._replace(**more)


def packages() -> Iterator[ShipmentFact]:
    yield package(100)
    yield package(101, is_late=True, is_on_time=False, is_invoiced_in_time=False, ship_by_on=before(12))
    yield package(102, is_scanned=False, is_on_time=None)
    yield package(103, shipped_on=before(5))
    yield package(104, shipped_on=before(4), is_late=True, ship_by_on=before(5))
    for number, canceller in enumerate(("buyer", "seller", "unconfirmed", "amazon"), start=200):
        yield package(number, shipped_on=None, cancelled_by=canceller)
    yield package(204, shipped_on=before(2), cancelled_by="seller")


def returns() -> Iterator[ReturnFact]:
    usual = ReturnFact(build.order_id(300), "", before(5), "approved", True, False, "", None)
    for reason, is_dissatisfied in HANDLED.items():
        yield usual._replace(reference=f"R-{reason}", reason=reason, is_dissatisfied=is_dissatisfied)
    yield usual._replace(reference="R-declined", state="declined", is_return=False)


def messages() -> list[MessageFact]:
    usual = MessageFact("", "DE", "", before(3), True, None, None, None)
    return [
        usual._replace(message_id=message, answered_on=on, is_answered_in_time=is_in_time)
        for message, (on, is_in_time) in ANSWERED.items()
    ]


def reported() -> Iterator[ReportedFact]:
    """Build figures that only Amazon counts."""
    for metric in CATALOGUE.values():
        if not metric.is_counted:
            yield ReportedFact(
                "DE", metric.code, "all", before(180), TODAY, 3, 1, None, "BAD", "eq", 0, 1, "[]", NINE
            )


def defects_in_every_state() -> Iterator[Fact]:
    detailed = [(kind, state, None) for kind, states in defects.STATES.items() for state in states]
    stars = [(DefectKind.FEEDBACK, defects.POSTED, rating) for rating in range(1, 6)]
    hearsay = [(kind, state, None) for kind in defects.ODR_KINDS for state in defects.UNCONFIRMED[kind]]
    for number, (kind, state, rating) in enumerate([*detailed, *stars, *hearsay], start=1):
        yield defect(number, kind=kind, state=state, rating=rating)
    yield defect(50, state="denied", reference="C-1")
    yield defect(50, state=defects.LISTED, reference="listed")
    yield defect(100, kind=DefectKind.LATE_SHIPMENT, state=defects.LISTED)
    yield defect(205, kind=DefectKind.CANCELLATION, state=defects.LISTED)


@pytest.fixture
def eventful(acme: Client) -> str:
    """Create a German account with data for every reason."""
    shop = acme.take_on(home="DE")
    recorder = FactRecorder(acme.agency.pk, identifiers.private("acct", shop))
    ordered = {**dict.fromkeys(range(1, 51), DAY), 300: DAY}
    ordered |= dict.fromkeys(range(100, 105), before(13)) | dict.fromkeys(range(200, 206), before(4))
    recorder.load(*[order(number, on=on, marketplace="DE") for number, on in ordered.items()])
    report = identifiers.uuid7()
    recorder.record(SnapshotFact("DE", "NORMAL", NINE, "{}"), report_id=report)
    recorder.record(*reported(), report_id=report)
    for facts in (packages(), returns(), messages(), defects_in_every_state()):
        recorder.load(*facts)
    return shop


@contextmanager
def asking(client: Client, language: str) -> Iterator[Client]:
    """Send this `Accept-Language` in the block."""
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    try:
        yield client
    finally:
        del client.defaults["HTTP_ACCEPT_LANGUAGE"]


def read(client: Client, language: str, path: str, **parameters: Any) -> Any:
    with asking(client, language):
        return client.read(path, **parameters)


def language_of(language: str) -> str:
    """Return the language of the response to this `Accept-Language`."""
    response = Stranger().get("/healthz", headers={"accept-language": language})
    assert "Accept-Language" in response["Vary"]
    return str(response["Content-Language"])


def in_chinese(answer: Any) -> Any:
    """Translate an English response with the catalogue."""
    if isinstance(answer, list):
        return [in_chinese(each) for each in answer]
    if isinstance(answer, dict):
        return {
            name: CHINESE[value] if name in ENGLISH_WORDS else in_chinese(value)
            for name, value in answer.items()
        }
    return answer


def orders_path(shop: str, metric: str) -> str:
    return f"/v1/accounts/{shop}/metrics/{metric}/orders"


@pytest.mark.parametrize("language", ["zh-CN, zh;q=0.9", "zh-Hans"])
def test_metrics_are_in_chinese(acme: Client, eventful: str, language: str) -> None:
    path = f"/v1/accounts/{eventful}/metrics"

    english, chinese = acme.read(path, as_of=TODAY), read(acme, language, path, as_of=TODAY)

    assert {value["metric"] for value in english["metrics"]} == set(CATALOGUE)
    assert chinese == in_chinese(english)
    assert chinese != english


def test_orders_of_metrics_are_in_chinese(acme: Client, eventful: str) -> None:
    params = {"as_of": TODAY, "limit": 200}
    reasons = set()

    for metric in CATALOGUE:
        path = orders_path(eventful, metric)
        english, chinese = acme.read(path, **params), read(acme, "zh-CN", path, **params)
        assert chinese == in_chinese(english)
        listed = {each["reason"] for row in chinese["data"] for each in row["defects"]}
        assert bool(listed) is (metric in COUNTED), metric
        reasons |= listed

    spoken = {reason for states in rules_reasons.REASONS.values() for reason in states.values()}
    assert {CHINESE[reason] for reason in spoken} - reasons == set(), (
        "Add facts with these reasons to the fixture `eventful`."
    )
    assert CHINESE[defects.SUPERSEDED.reason] in reasons


def test_rulings_on_defects_are_in_chinese(acme: Client, eventful: str) -> None:
    path, params = orders_path(eventful, "order_defect_rate"), {"as_of": TODAY, "limit": 200}
    tables = (defects.STATES, {kind: defects.UNCONFIRMED[kind] for kind in defects.ODR_KINDS})
    rulings = [ruling for table in tables for states in table.values() for ruling in states.values()]

    rows = read(acme, "zh", path, **params)["data"]

    listed = {each["reason"]: each["counts"] for row in rows for each in row["defects"]}
    assert {CHINESE[ruling.reason]: ruling.counts for ruling in rulings}.items() <= listed.items()


@pytest.mark.parametrize(
    ("language", "answered"),
    [
        ("", "en"),
        ("en", "en"),
        ("en-GB", "en"),
        ("zh", "zh-hans"),
        ("zh-CN", "zh-hans"),
        ("ZH-cn", "zh-hans"),
        ("zh-Hans", "zh-hans"),
        ("zh-Hans-CN", "zh-hans"),
        ("zh-SG", "zh-hans"),
        ("zh-CN, zh;q=0.9", "zh-hans"),
        ("zh-CN,zh;q=0.9,en;q=0.8,en-US;q=0.7", "zh-hans"),
        ("en;q=0.8, zh;q=0.9", "zh-hans"),
        ("en;q=0.9, zh;q=0.8", "en"),
        ("en-GB,zh;q=0.9", "en"),
        ("en, zh;q=0", "en"),
        ("de, zh;q=0.5, en;q=0.3", "zh-hans"),
        ("de, en;q=0.5, zh;q=0.3", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("de, *;q=0.5, zh;q=0.1", "en"),
    ],
)
def test_language_is_the_first_supported_one(db: None, language: str, answered: str) -> None:
    assert language_of(language) == answered


@pytest.mark.parametrize("language", ["zh-TW", "zh-HK", "zh-Hant", "zh-Hant-TW,zh;q=0.9,en;q=0.8"])
def test_language_of_traditional_chinese_is_simplified(db: None, language: str) -> None:
    assert language_of(language) == "zh-hans"


@pytest.mark.parametrize(
    "language",
    [
        ";;;",
        ",",
        "zh;q=2",
        "zh;q=x",
        "zh_CN",
        "../../zh",
        "zh\0",
        "中文",
        "z" * 100_000,
        "zh" * 5000,
        "\r\nSet-Cookie: a=b",
        "%s{0}",
    ],
)
def test_language_of_invalid_header_is_english(db: None, language: str) -> None:
    assert language_of(language) == "en"


def test_language_ignores_cookies_and_parameters(db: None) -> None:
    response = Stranger().get(
        "/healthz?lang=zh-hans&language=zh-hans", headers={"cookie": "django_language=zh-hans"}
    )

    assert (response["Content-Language"], response["Vary"]) == ("en", "Accept-Language, Accept-Encoding")


@pytest.mark.parametrize(
    "path", ["/v1/accounts", "/v1/nowhere", "/v1/accounts/acct_unknown/metrics", "/readyz"]
)
def test_responses_have_content_language_and_vary(acme: Client, path: str) -> None:
    with asking(acme, "zh-CN"):
        response = acme.get(path)

    assert response["Content-Language"] == "zh-hans"
    assert "Accept-Language" in response["Vary"]


def test_etag_differs_by_language(acme: Client, eventful: str) -> None:
    path = f"/v1/accounts/{eventful}/metrics?as_of={TODAY}"
    english = acme.get(path)

    with asking(acme, "zh"):
        chinese = acme.get(path, HTTP_IF_NONE_MATCH=english["ETag"])
        again = acme.get(path, HTTP_IF_NONE_MATCH=chinese["ETag"])

    assert (chinese.status_code, again.status_code) == (200, 304)
    assert chinese["ETag"] != english["ETag"]
    assert (again["ETag"], again["Vary"]) == (chinese["ETag"], chinese["Vary"])
    assert "Accept-Language" in again["Vary"]


def test_requests_of_one_thread_have_own_languages(acme: Client, eventful: str) -> None:
    path, params = f"/v1/accounts/{eventful}/metrics", {"metric": "return_rate", "as_of": TODAY}

    names = [
        read(acme, language, path, **params)["metrics"][0]["name"]
        for language in ("zh", "en", "zh-CN", "", "zh-TW", "fr")
    ]

    assert names == ["退货率", "Return Rate", "退货率", "Return Rate", "退货率", "Return Rate"]


@pytest.mark.parametrize("path", ["/v1/me", "/v1/nowhere", "/v1/accounts?limit=x", "/healthz"])
def test_language_is_reset_after_response(acme: Client, path: str) -> None:
    with asking(acme, "zh"):
        response = acme.get(path)

    assert (response["Content-Language"], translation.get_language()) == ("zh-hans", "en")


def test_language_is_reset_after_error(acme: Client, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.raise_request_exception = False
    monkeypatch.setattr("metrics.pipeline.values.VALUES", "SELECT secret FROM nowhere")

    with asking(acme, "zh"):
        response = acme.get(f"/v1/accounts/{shop}/metrics")

    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal")
    assert (response["Content-Language"], translation.get_language()) == ("zh-hans", "en")


@pytest.mark.parametrize("question", ["?format=csv", "?format=json"])
def test_history_is_equal_in_both_languages(acme: Client, eventful: str, question: str) -> None:
    path = f"/v1/accounts/{eventful}/metrics/late_shipment_rate_30d/history{question}&to={TODAY}"
    english = acme.get(path)

    with asking(acme, "zh-CN"):
        chinese = acme.get(path)

    assert english.status_code == chinese.status_code == 200
    assert chinese.content == english.content


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "/v1/nowhere", None),
        ("get", "/v1/accounts/acct_unknown", None),
        ("get", "/v1/accounts?status=x", None),
        ("get", "/v1/accounts?limit=x", None),
        ("get", "/v1/accounts?cursor=x", None),
        ("put", "/v1/accounts", {}),
        ("post", "/v1/accounts", {}),
        ("post", "/v1/accounts", {"name": "", "selling_partner_id": None, "home_marketplace": "XX"}),
        ("patch", "/v1/agency", {"document_retention_days": "many"}),
    ],
)
def test_problem_has_same_type_and_fields_in_both_languages(
    acme: Client, method: str, path: str, body: dict[str, Any] | None
) -> None:
    def ask() -> dict[str, Any]:
        response = getattr(acme, method)(path, body, format="json")
        assert response["Content-Type"] == "application/problem+json"
        problem: dict[str, Any] = json.loads(response.content)
        return problem | {
            "errors": [each["pointer"] for each in problem.get("errors", ())],
            "request_id": "",
        }

    english = ask()
    with asking(acme, "zh-CN"):
        chinese = ask()

    texts = ("title", "detail")
    assert {name: value for name, value in chinese.items() if name not in texts} == {
        name: value for name, value in english.items() if name not in texts
    }
    assert all(HAN.search(chinese[name]) for name in texts), chinese
    assert not any(HAN.search(english[name]) for name in texts)
    assert english["status"] >= 400


@pytest.mark.parametrize("accept", ["application/xml", "text/csv"])
def test_not_acceptable_problem_has_same_type_in_both_languages(acme: Client, accept: str) -> None:
    with asking(acme, "zh"):
        response = acme.get("/v1/me", HTTP_ACCEPT=accept)

    assert (response.status_code, response.json()["type"]) == (406, "/problems/not-acceptable")


def test_unauthenticated_problem_has_same_type_in_both_languages(db: None) -> None:
    response = Stranger().get("/v1/me", headers={"accept-language": "zh"})

    assert (response.status_code, response.json()["type"]) == (401, "/problems/not-authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_openapi_document_is_equal_in_both_languages(db: None) -> None:
    english, chinese = (
        Stranger().get("/v1/openapi.json", headers={"accept-language": each}) for each in ("en", "zh-CN")
    )

    assert english.status_code == 200
    assert chinese.json() == english.json()
    assert chinese["Content-Language"] == english["Content-Language"] == "en"


@pytest.mark.parametrize("operation", ["listMetrics", "listMetricOrders"])
def test_openapi_document_has_language_header_where_texts_are(db: None, operation: str) -> None:
    paths = Stranger().get("/v1/openapi.json").json()["paths"].values()

    (documented,) = (each for item in paths for each in item.values() if each.get("operationId") == operation)

    assert {"$ref": "#/components/parameters/AcceptLanguage"} in documented["parameters"]


@pytest.mark.parametrize("count", [2, 5])
def test_reasons_of_one_line_are_all_in_chinese(acme: Client, shop: str, count: int) -> None:
    elements = ["orderWithDefects", "negativeFeedbacks", "a_z_claims", "chargebacks"][: count - 1]
    document = performance_v1.EXAMPLE.replace("<responseUnder24Hours>", "<responseUnder24Hours>many ")
    for element in elements:
        document = document.replace(f"<{element}><count>", f"<{element}><count>many ")
    report = acme.load(shop, re.sub(r"\n\s*", "", document).encode())

    (english,), (chinese,) = (
        read(acme, language, f"/v1/reports/{report['id']}/rejected-rows")["data"] for language in ("en", "zh")
    )

    assert english["reason"].endswith("Further reasons are not shown.") is (count == 5)
    assert len(english["reason"]) <= 300
    assert not re.search("[a-z]{2,} [a-z]{2,}", chinese["reason"])


def test_reasons_are_in_language_of_reader_whoever_sent_the_document(committed_db: None) -> None:
    nord = Client(*agencies.create_agency(name="Nord", now=NOON))
    shops = {language: nord.take_on(partner=f"A1{language.upper()}") for language in ("en", "zh")}
    spoilt = build.orders_file([build.order_row(amazon_order_id="abc"), build.order_row()])
    stored = {}

    for language, shop in shops.items():
        with asking(nord, language):
            loaded, refused = (
                nord.load(shop, spoilt),
                nord.load(shop, b"nothing\tthat\twe\tknow\r\n1\t2\t3\r\n"),
            )
        stored[language] = {
            reader: (
                read(nord, reader, f"/v1/reports/{loaded['id']}")["encoding_reason"],
                read(nord, reader, f"/v1/reports/{loaded['id']}/rejected-rows")["data"][0]["reason"],
                read(nord, reader, f"/v1/reports/{refused['id']}")["problem"]["title"],
            )
            for reader in ("en", "zh")
        }
        assert (loaded["status"], refused["status"]) == ("loaded", "rejected")

    assert stored["zh"] == stored["en"]
    encoding, reason, title = stored["en"]["zh"]
    assert (
        reason
        == "`amazon-order-id`：由一个词组成的文本 不是有效的亚马逊订单编号；应类似 123-1234567-1234567。"
    )
    assert (encoding, title) == (CHINESE[stored["en"]["en"][0]], CHINESE[stored["en"]["en"][2]])
    assert "is not a valid Amazon order ID" in stored["en"]["en"][1]


def test_stored_values_are_equal_for_every_language(acme: Client, eventful: str) -> None:
    breaches = [read(acme, language, "/v1/breaches") for language in ("en", "zh")]

    assert breaches[0] == breaches[1]
    assert breaches[0]["data"]
