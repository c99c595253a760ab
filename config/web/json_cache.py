"""What is kept in the shared store is JSON: whoever writes there can have no code run by reading it."""

import json
from typing import Any


class Json:
    """A serializer of Django's Redis cache."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
