"""What the shared store holds of ours is JSON, and what another program wrote there runs nothing."""

import json
import pickle
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache

from config.web.json_cache import JsonSerializer

pytestmark = pytest.mark.usefixtures("servers")


@pytest.mark.parametrize("value", [True, 0, 1.5, "word", [1700000000.25, 1700000001.5], {"a": [None]}, []])
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert JsonSerializer().loads(JsonSerializer().dumps(value)) == value


def test_the_cache_is_the_store_that_processes_share_and_speaks_json() -> None:
    cache.set("tests:shared", [1.5], 30)

    assert isinstance(cache, RedisCache) or cache.__class__.__name__ == "ConnectionProxy"
    assert cache.get("tests:shared") == [1.5]
    cache.delete("tests:shared")


def test_what_somebody_else_wrote_there_is_not_run() -> None:
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
        JsonSerializer().loads(pickle.dumps({"a": 1}))
