"""Keep Schemathesis able to go on: its key stays valid, its idempotency keys are new, and its rows have the
fields it checks."""

import os
import re
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis import Case, HookContext

ASKS, ANOTHER = "FUZZ_ASKING_KEY", "FUZZ_ANOTHER_KEY"
NEVER_IN_THE_FUTURE = {"known_at", "as_of", "to"}
WELL_FORMED_KEY = re.compile("[!-~]{1,255}")
WELL_FORMED_IF_MATCH = re.compile(r'\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*')


@schemathesis.hook
def filter_query(context: HookContext, query: dict[str, Any] | None) -> bool:
    """Leave out `fields=`: it selects all fields, and Schemathesis takes it for one name that is unknown."""
    return not query or query.get("fields") not in ("", [], [""])


@schemathesis.hook
def before_call(context: HookContext, case: "Case[Any]", kwargs: dict[str, Any]) -> None:
    """Change what would end the run, and what the schemas of answers cannot say."""
    _spare_the_asking_key(case)
    _use_a_new_idempotency_key(case)
    _select_all_fields(case)
    _match_anything(case)
    _ask_about_the_past(case)


def _spare_the_asking_key(case: "Case[Any]") -> None:
    """Revoke and rotate another key: without its own, everything else would be refused."""
    if case.path_parameters and case.path_parameters.get("key_id") == os.environ[ASKS]:
        case.path_parameters["key_id"] = os.environ[ANOTHER]


def _use_a_new_idempotency_key(case: "Case[Any]") -> None:
    """Make a well-formed key unique: a second request under one key is answered 422, whatever else is valid
    in it."""

    key = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(key, str) and WELL_FORMED_KEY.fullmatch(key):
        case.headers["Idempotency-Key"] = f"{key[:200]}-{uuid4().hex}"


def _match_anything(case: "Case[Any]") -> None:
    """Send a valid `If-Match`: Schemathesis makes no header values with quotation marks, and takes `0` for one that is valid."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    given = case.headers.get("If-Match") if case.headers else None
    if is_valid and given is not None and not WELL_FORMED_IF_MATCH.fullmatch(given):
        case.headers["If-Match"] = "*"


def _ask_about_the_past(case: "Case[Any]") -> None:
    """Move valid days and moments of the future to one that has passed: the document cannot say what day it is."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    if not (is_valid and case.query):
        return
    for name in NEVER_IN_THE_FUTURE & set(case.query):
        given = case.query[name]
        # A leap year, so that every day of another year exists in it.
        if isinstance(given, str) and given[:4] > "2020":
            case.query[name] = f"2020{given[4:]}"


def _select_all_fields(case: "Case[Any]") -> None:
    """Select every field where valid fields are selected: the schema of a row requires them all."""
    given = case.query.get("fields") if case.query else None
    if given is None:
        return
    parameters = case.operation.definition.raw.get("parameters", [])
    known = next(each["schema"]["items"]["enum"] for each in parameters if each.get("name") == "fields")
    names = given if isinstance(given, list) else str(given).split(",")
    if len(names) <= len(known) and all(name in known for name in names):
        chosen = [*dict.fromkeys(names), *(name for name in known if name not in names)]
        case.query["fields"] = chosen if isinstance(given, list) else ",".join(chosen)
