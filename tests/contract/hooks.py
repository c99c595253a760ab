"""Schemathesis may ask anything but this: that the key that asks be revoked, after which all else is asked in vain."""

import os
from typing import Any

import schemathesis
from schemathesis import Case, HookContext

ASKS, ANOTHER = "FUZZ_ASKING_KEY", "FUZZ_ANOTHER_KEY"


@schemathesis.hook
def before_call(context: HookContext, case: "Case[Any]", kwargs: dict[str, Any]) -> None:
    """Revoke and rotate another key instead."""
    if case.path_parameters and case.path_parameters.get("key_id") == os.environ[ASKS]:
        case.path_parameters["key_id"] = os.environ[ANOTHER]
