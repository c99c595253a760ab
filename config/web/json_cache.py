"""Serialize cached values as JSON instead of pickle, so that a value from an attacker cannot run code."""

import json
from typing import Any


class JsonSerializer:
    """Implement the serializer interface of Django's Redis cache."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
