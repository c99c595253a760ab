"""Test that cached values are JSON, and that foreign values are not executed."""

import json
import pickle
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache

from config.web.json_cache import JsonSerializer

pytestmark = pytest.mark.usefixtures("servers")


@pytest.mark.parametrize("value", [True, 0, 1.5, "word", [1700000000.25, 1700000001.5], {"a": [None]}, []])
def test_value_round_trips(value: Any) -> None:
    assert JsonSerializer().loads(JsonSerializer().dumps(value)) == value


def test_cache_is_shared_store_with_json() -> None:
    cache.set("tests:shared", [1.5], 30)

    assert isinstance(cache, RedisCache) or cache.__class__.__name__ == "ConnectionProxy"
    assert cache.get("tests:shared") == [1.5]
    cache.delete("tests:shared")


def test_foreign_value_is_not_executed() -> None:
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
        JsonSerializer().loads(pickle.dumps({"a": 1}))
