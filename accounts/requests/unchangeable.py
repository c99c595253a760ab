"""Refuse a PATCH of fields that cannot be changed or do not exist: it would succeed and change nothing."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from api import choices, problems
from api.openapi import declared

COMPUTED = "It is computed from the account's reports."
ASSIGNED = "Underone sets it."


def check(request: Request, *, reasons: Mapping[str, str], read: Callable[[], HttpResponse]) -> None:
    """Raise ValidationError for fields that the operation does not declare, with the reason.

    A field with the value that the resource has is accepted, so a client can send back what it read. `read`
    returns the resource, and `reasons` says why its fields cannot be changed.
    """
    body = request.data
    accepted = declared.operation_of(request).body_fields
    others = [name for name in body if name not in accepted] if isinstance(body, dict) else []
    if not others:
        return
    current: dict[str, Any] = json.loads(read().content)
    changed = [name for name in others if name not in current or body[name] != current[name]]
    # More are not listed, and a body may have a hundred thousand.
    errors = {
        name: _reason(name, current=current, accepted=accepted, reasons=reasons)
        for name in changed[: problems.MAX_ERRORS + 1]
    }
    if errors:
        raise ValidationError(errors)


def _reason(
    name: str, *, current: Mapping[str, Any], accepted: tuple[str, ...], reasons: Mapping[str, str]
) -> str:
    if name not in current:
        return choices.unknown(name, what="a field that can be changed", accepted=accepted)
    return f"`{name}` cannot be changed. {reasons.get(name, ASSIGNED)}"
