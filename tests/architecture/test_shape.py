"""Test the layout and style of the product: folders, sizes, names, imports, the clock, and files that must agree."""

import ast
import graphlib
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.db.migrations import CreateModel, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "webhooks", "metrics", "ingestion")
PACKAGES = ("api", *APPS, "config")
LONGEST_FUNCTION, USUAL_FUNCTION = 40, 10
LONGEST_MODULE = 400
MOST_MODULES = 15  # in one folder; a folder of one module a report type may have more
METHODS = {"get", "post", "put", "patch", "delete"}
EMPTY_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "core",
    "manager",
    "managers",
    "service",
    "services",
    "base",
    "misc",
}
CLOCKS = {"now", "today", "utcnow", "localtime", "localdate"}
STAGES = {
    "accounts": (
        "agencies.lifecycle",
        "api_keys.lifecycle",
        "api_keys.secrets",
        "audit",
        "encryption.at_rest",
        "mailboxes.allowances",
        "people.invitations",
        "people.mail",
        "people.members",
        "people.sessions",
        "people.sign_up",
        "people.users",
        "requests.idempotency",
        "requests.rate_limits",
    ),
    "ingestion": (
        "erasure",
        "exports.archive",
        "exports.lifecycle",
        "intake",
        "loading",
        "redaction.storage",
        "report_events",
        "retention",
    ),
    "webhooks": (
        "delivery.digests",
        "delivery.leases",
        "delivery.redelivery",
        "delivery.results",
        "delivery.retention",
        "delivery.unsubscription",
        "endpoints.addresses",
        "endpoints.confirmation",
        "endpoints.lifecycle",
        "endpoints.secrets",
        "events.publishing",
    ),
    "metrics": (
        "alerts.actions",
        "alerts.backtest",
        "alerts.current_values",
        "alerts.evaluation",
        "alerts.observations",
        "alerts.thresholds",
        "alerts.timeline",
        "drilldown.orders",
        "drilldown.portfolio",
        "drilldown.unmatched",
        "pipeline.account_summary",
        "pipeline.amazon_reported",
        "pipeline.daily_counts",
        "pipeline.denominators",
        "pipeline.feedback_removal",
        "pipeline.recording",
        "pipeline.restatements",
        "pipeline.staleness",
        "pipeline.threshold_versions",
        "pipeline.values",
        "refresh",
    ),
}
CLOCK_READERS = {
    "accounts.api_keys.authentication": "recognises the key at the moment of the request",
    "accounts.requests.conditional_writes": (
        "until when a write is remembered counts from the moment of the request"
    ),
    "accounts.people.passwords": "when a password was set, which Django tells without a moment",
    "accounts.people.api.auth_flow": "signs in at the moment of the request, for several views",
    "accounts.people.session_store": "whether a session has expired, which Django asks without a moment",
    "accounts.people.authentication": "recognises the session at the moment of the request",
    "accounts.people.api.member_serializers": "what an invitation's status is, where expired means now",
    "accounts.agencies.filters": "what a list is narrowed to, where stale means now",
    "metrics.api.breach_filters": "whether a breach is snoozed, where snoozed means now",
    "metrics.api.query_params": "what a view is asked, where silence means now",
}
"""Modules beside views, tasks and commands that may look at the clock, and why."""


@cache
def product() -> dict[str, Path]:
    """Return the modules of the product by name, without migrations."""
    files = [
        file
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if "migrations" not in file.parts
    ]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(product()[module].read_text())


def functions(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (
        node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def imported(module: str) -> set[str]:
    """Return the modules of the product that a module imports."""
    names: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= whole if whole & set(product()) else {node.module or ""}
    return names & set(product()) - {module}


@cache
def tracked() -> dict[str, str]:
    """Return every text file under version control."""
    names = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    texts = {}
    for name in names:
        if name and (ROOT / name).is_file() and b"\0" not in (content := (ROOT / name).read_bytes()):
            texts[name] = content.decode(errors="replace")
    return texts


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_functions_fit_on_a_screen() -> None:
    lengths = {
        f"{module}.{function.name}": length(function)
        for module in product()
        for function in functions(module)
    }

    assert {
        name: function_length
        for name, function_length in lengths.items()
        if function_length > LONGEST_FUNCTION
    } == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= USUAL_FUNCTION


def test_modules_are_short_and_have_a_docstring() -> None:
    texts = {module: file.read_text() for module, file in product().items()}

    assert {module for module, text in texts.items() if text.count("\n") > LONGEST_MODULE} == set()
    assert {module for module, text in texts.items() if text and not ast.get_docstring(tree(module))} == set()


def test_module_names_have_no_empty_words() -> None:
    words = {module: {word for part in module.split(".") for word in part.split("_")} for module in product()}

    assert {module for module in words if words[module] & EMPTY_NAMES} == set()


def test_imports_stand_at_the_top() -> None:
    inside = [
        f"{module}.{function.name}: {ast.unparse(node)}"
        for module in product()
        for function in functions(module)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert inside == []


def test_product_imports_no_tests() -> None:
    others = {"tests", "bench", "unittest", "pytest"}
    names = {
        (module, node.module)
        for module in product()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in others
    }

    assert names == set()


def test_modules_import_without_circles() -> None:
    graph = {module: imported(module) for module in product()}

    assert sum(map(len, graph.values())) > 100
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, naming the circle


def folder(module: str) -> str:
    """Return the folder of a module; a package is its own folder."""
    return module if (ROOT / module.replace(".", "/")).is_dir() else module.rpartition(".")[0]


def test_folders_have_at_most_fifteen_modules() -> None:
    crowd = Counter(
        str(file.parent.relative_to(ROOT)) for file in product().values() if file.name != "__init__.py"
    )

    assert {
        name: count for name, count in crowd.items() if count > MOST_MODULES and not name.endswith("/reports")
    } == {}


def test_folders_do_not_import_each_other() -> None:
    pairs = {(folder(module), folder(other)) for module in product() for other in imported(module)}
    arrows = {(one, other) for one, other in pairs if one != other}

    assert len(arrows) > 50
    assert {arrow for arrow in arrows if arrow[::-1] in arrows} == set()


def test_packages_import_in_one_direction() -> None:
    pairs = {
        (module.split(".")[0], other.split(".")[0]) for module in product() for other in imported(module)
    }
    arrows = {(package, other) for package, other in pairs if package != other}

    assert ("metrics", "accounts") in arrows
    assert {arrow for arrow in arrows if arrow[::-1] in arrows} == set()


def test_clock_is_read_in_views_tasks_and_commands() -> None:
    looking = {
        module
        for module in product()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
    }

    def may_look(module: str) -> bool:
        return bool({"config", "tasks", "commands"} & set(module.split("."))) or module.endswith("views")

    assert {module for module in looking if not may_look(module)} == set(CLOCK_READERS)


def test_stage_functions_are_keyword_only() -> None:
    by_place = [
        f"{app}.{name}.{function.name}"
        for app, names in STAGES.items()
        for name in names
        for function in tree(f"{app}.{name}").body
        if isinstance(function, ast.FunctionDef)
        and not function.name.startswith("_")
        and len(function.args.args) + len(function.args.posonlyargs) > 1
    ]

    assert by_place == []


def test_tests_name_a_case_and_mock_nothing() -> None:
    for file in (ROOT / "tests").rglob("test_*.py"):
        module = ast.parse(file.read_text())
        names = [
            node.name
            for node in module.body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        ]
        froms = {node.module for node in ast.walk(module) if isinstance(node, ast.ImportFrom)}

        assert [name for name in names if name.count("_") < 2] == [], file
        assert len(set(names)) == len(names) > 0, file
        assert "unittest.mock" not in froms, file


MACHINE_PATH = re.compile(r"(?<![\w.:/$-])/(?:home|root|Users|work|mnt|srv|media)/|\b[A-Z]:\\\w")
REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.|npmjs\.|proxy\.golang\.|crates\.io|rubygems\.|(?<![\w.])(?:docker|ghcr|quay)\.io"
)
PRIVATE_ADDRESS = re.compile(
    r"(?<![\d.])(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+(?![\d.])|--(?:extra-)?index-url"
)


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, REGISTRY, PRIVATE_ADDRESS], ids=["path", "registry", "address"]
)
def test_files_name_no_machine_and_no_registry(pattern: re.Pattern[str]) -> None:
    matches = {name: match[0] for name, text in tracked().items() if (match := pattern.search(text))}

    assert len(tracked()) > 100
    assert matches == {}


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X", "<<<<" + "<<<"])
def test_files_have_no_unfinished_marks(word: str) -> None:
    assert [name for name, text in tracked().items() if re.search(rf"(?<!\w){word}(?!\w)", text)] == []


def paths(patterns: list[URLPattern | URLResolver], at: str = "/") -> Iterator[tuple[str, set[str]]]:
    """Return every path of the API as documented, with the methods of its view."""
    for pattern in patterns:
        path = at + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, path)
        else:
            view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
            yield path, {method for method in METHODS if hasattr(view, method)}


def test_openapi_document_has_every_path_and_method() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    documented = {path: METHODS & set(item) for path, item in document["paths"].items()}

    answered = dict(paths(get_resolver().url_patterns))

    pages = {"/", "/v1/", "/problems", "/problems/{slug}", "/.well-known/security.txt"}
    pages |= {"/mailboxes/confirm", "/mailboxes/unsubscribe"}
    of_the_document_itself = {"/v1/openapi.json", "/docs", "/docs/"}
    assert answered.keys() - documented.keys() == of_the_document_itself | pages
    assert documented == {path: methods for path, methods in answered.items() if path in documented}


def test_tenant_tables_are_created_with_row_level_security() -> None:
    operations = [
        (app, operation)
        for (app, _), migration in MigrationLoader(None).disk_migrations.items()
        if app in APPS
        for operation in migration.operations
    ]
    statements = re.sub(
        r"\s+", " ", " ".join(str(each.sql) for _, each in operations if isinstance(each, RunSQL))
    )
    made = {
        f"{app}_{each.name.lower()}"
        for app, each in operations
        if isinstance(each, CreateModel) and {"agency", "agency_id"} & {name for name, _ in each.fields}
    }

    assert len(made) >= 12
    for table in made:
        assert f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;" in statements
        assert f"CREATE POLICY agency_isolation ON {table} USING (agency_id = " in statements


@pytest.mark.parametrize("app", APPS)
def test_migrations_are_named_for_their_intent(app: str) -> None:
    names = [file.stem for file in (ROOT / app / "migrations").glob("[0-9]*.py")]

    assert [name for name in names if re.search("auto|alter_|custom|tmp", name)] == []
