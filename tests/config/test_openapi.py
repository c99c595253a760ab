"""Test the OpenAPI document: valid, complete, equal to the committed one, and shown without a network."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Stranger
from openapi_spec_validator import validate

from ingestion.reports import posted_facts

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(json.loads((Path(settings.BASE_DIR) / "docs" / "openapi.json").read_text()))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield f"{method} {path}", item[method]


def test_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    validate(document)

    assert document["openapi"].startswith("3.1")


def test_document_served_is_the_committed_one(db: None, document: dict[str, Any]) -> None:
    served = Stranger().get("/v1/openapi.json")

    assert served.status_code == 200
    assert json.loads(served.content) == document


def test_operations_have_names_summaries_and_examples(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    without = [
        name
        for name, operation in operations(document)
        if not operation.get("summary") or not _has_example(operation)
    ]

    assert len(set(names)) == len(names) > 10
    assert without == []


def _has_example(operation: dict[str, Any]) -> bool:
    """Return whether the success response has an example, or needs none: binary, empty, or CSV beside JSON."""

    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    contents = [
        content
        for answer in answers
        for kind, content in answer.get("content", {}).items()
        if kind.endswith("json")
    ]
    return all("examples" in content for content in contents)


def test_operations_with_key_document_problems(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if operation.get("security") in ([{}], None):
            continue
        answers = {
            status: document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            if "$ref" in answer
            else answer
            for status, answer in operation["responses"].items()
        }
        responses = {
            status
            for status, answer in answers.items()
            if "application/problem+json" in answer.get("content", {})
        }
        assert "401" in responses, name
        assert "404" in responses or "{" not in name, name


def test_request_bodies_have_examples_or_are_files(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            assert kind == "multipart/form-data" or "examples" in content, name


def test_documentation_page_loads_own_resources_only(db: None) -> None:
    page = Stranger().get("/docs").content.decode()

    assert "swagger-ui-bundle.js" in page
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_operations_for_users_only_state_no_role(document: dict[str, Any]) -> None:
    descriptions = {name: operation["description"] for name, operation in operations(document)}

    assert [
        name
        for name, words in descriptions.items()
        if name.rpartition(" ")[2].startswith("/v1/auth/") and "Role:" in words
    ] == []
    assert "Role: admin." in descriptions["delete /v1/agency"]


def test_operations_show_own_problems(document: dict[str, Any]) -> None:
    conflicts = document["paths"]["/v1/accounts"]["post"]["responses"]["409"]["content"][
        "application/problem+json"
    ]["examples"]
    expired = document["paths"]["/v1/exports/{export_id}/archive"]["get"]["responses"]["410"]
    shown = (
        document["components"]["responses"][expired["$ref"].rpartition("/")[2]]
        if "$ref" in expired
        else expired
    )

    assert {slug: each["value"]["type"] for slug, each in conflicts.items()} == {
        "in-flight": "/problems/in-flight",
        "account-exists": "/problems/account-exists",
    }
    assert list(shown["content"]["application/problem+json"]["examples"]) == ["export-expired"]


def test_reads_document_304_and_all_operations_503(
    document: dict[str, Any],
) -> None:
    documented = [
        (name, operation)
        for name, operation in operations(document)
        if operation.get("security") not in ([{}], None)
    ]

    assert {"304" in operation["responses"] for name, operation in documented if name.startswith("get ")} == {
        True
    }
    assert {
        "304" in operation["responses"] for name, operation in documented if not name.startswith("get ")
    } == {False}
    assert {"503" in operation["responses"] for _, operation in documented} == {True}


def test_successes_have_one_content_type(document: dict[str, Any]) -> None:
    several = [
        (name, status)
        for name, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status.startswith("2") and len(answer.get("content", {})) > 1
    ]

    assert several == []


def schemas_in(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a part of the document, without examples."""
    if isinstance(part, dict):
        yield part
        part = [value for key, value in part.items() if key not in {"example", "examples"}]
    for each in part if isinstance(part, list) else ():
        yield from schemas_in(each)


def fields_in(schemas: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field of the components, with its name."""
    for name, schema in schemas.items():
        for each in schemas_in(schema):
            for field, described in (
                each.get("properties", {}).items() if isinstance(each.get("properties"), dict) else ()
            ):
                yield f"{name}.{field}", described


def test_fields_and_parameters_are_described(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    conditions = {
        *("CreateDefectRequest.kind", "CreateDefectRequest.state", "CreateDefectRequest.rating"),
        *(f"CreateFactsRequest.{kind}" for kind in posted_facts.KINDS),
    }
    without = [
        name
        for name, field in fields_in(components)
        if not field.get("description")
        and not components.get(str(field.get("$ref")).rpartition("/")[2], {}).get("description")
    ]
    parameters = [each for each in schemas_in(document["paths"]) if "in" in each and "schema" in each]

    assert [name for name in without if name not in conditions] == []
    assert [each["name"] for each in parameters if not each.get("description")] == []


def test_texts_have_realistic_lengths(document: dict[str, Any]) -> None:
    long = {
        each["maxLength"]
        for each in schemas_in(document)
        if each.get("type") == "string" and each.get("maxLength", 0) > 4000
    }

    whole_documents = {20_000, 65_536, 1024**2, settings.REPORT_MAX_BYTES}
    assert long <= whole_documents | {8190}


def test_enumerations_are_shared_and_never_blank(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    shared = {name: frozenset(schema["enum"]) for name, schema in components.items() if "enum" in schema}
    elsewhere = {name: schema for name, schema in components.items() if name not in shared}
    inline = [
        each["enum"]
        for part in (elsewhere, document["paths"], document["webhooks"])
        for each in schemas_in(part)
        if isinstance(each.get("enum"), list)
    ]

    assert len(set(shared.values())) == len(shared)
    assert [values for values in inline if frozenset(values) - {None} in set(shared.values())] == []
    assert [values for values in (*shared.values(), *map(frozenset, inline)) if values & {"", None}] == []
    assert [name for name in shared if name.endswith("Enum") or not components[name]["description"]] == []


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("metric", "Metric"),
        ("marketplace", "Marketplace"),
        # An order has a channel of its own: none is of all channels.
        ("channel", "(?:Fulfillment)?Channel"),
        ("comparator", "Comparator"),
        ("role", "Role"),
    ],
)
def test_properties_and_parameters_of_one_name_have_one_type(
    document: dict[str, Any], name: str, component: str
) -> None:
    properties = [
        each["properties"][name]
        for each in schemas_in([document["components"]["schemas"], document["paths"]])
        if isinstance(each.get("properties"), dict) and name in each["properties"]
    ]
    parameters = [
        each["schema"] for each in schemas_in(document["paths"]) if each.get("name") == name and "in" in each
    ]

    assert len(properties) > 3
    assert [
        each
        for each in (*properties, *parameters)
        if not re.search(f'/schemas/{component}"', json.dumps(each))
    ] == []
