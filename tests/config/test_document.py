"""Test that the OpenAPI document is built once for all requests."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Stranger

from api.openapi import document

URL = "/v1/openapi.json"


def builds() -> int:
    return document.built.cache_info().misses


@pytest.fixture
def nothing_built(db: None) -> None:
    document.built.cache_clear()


def test_document_is_built_once(nothing_built: None) -> None:
    first, second = Stranger().get(URL), Stranger().get(URL)

    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert first["ETag"] == second["ETag"]
    assert builds() == 1


def test_document_returns_304_for_same_etag(db: None) -> None:
    tag = Stranger().get(URL)["ETag"]

    again = Stranger().get(URL, headers={"If-None-Match": tag})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("query", ["?x=1", "?version=7", "?lang=xx", "?lang=en", "?lang=" + "x" * 4000])
def test_document_does_not_depend_on_query(db: None, query: str) -> None:
    plain = Stranger().get(URL)
    before = builds()

    response = Stranger().get(URL + query)

    assert response.content == plain.content
    assert builds() == before


def test_document_exists_in_each_language(nothing_built: None) -> None:
    responses = [
        Stranger().get(URL, headers={"Accept-Language": one})
        for one in ("en", "zh-Hans", "zh-CN", "de", "xx-yy", "en-GB")
    ]

    assert {one.status_code for one in responses} == {200}
    assert all("Accept-Language" in one["Vary"] for one in responses)
    assert builds() <= len(settings.LANGUAGES)


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.oai.openapi+json"])
def test_document_has_requested_content_type(db: None, accept: str) -> None:
    response = Stranger().get(URL, headers={"Accept": accept})

    assert response["Content-Type"] == accept
    assert response.json()["openapi"].startswith("3.1")


def test_document_is_built_again_for_other_urls(nothing_built: None, settings: Any) -> None:
    Stranger().get(URL)
    settings.ROOT_URLCONF = "tests.config.staff_urls"
    Stranger().get(URL)

    assert builds() == 2
