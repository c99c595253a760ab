"""Find every regular expression of the product in its source, and how it is used."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("api", "accounts", "webhooks", "metrics", "ingestion", "config")
METHODS = frozenset({"match", "fullmatch", "search", "split", "sub", "subn", "findall", "finditer"})
# Classes of Django and REST framework whose first argument is a pattern, searched for in a value.
CLASSES = frozenset({"RegexField", "RegexValidator"})


@dataclass
class Place:
    """Hold the regular expressions of one constant or function: `module.NAME` or `module.Class.function`."""

    name: str
    patterns: "list[re.Pattern[Any]]" = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    """How they are applied. A pattern that is passed on is applied where this inventory does not see it."""
    unknown: int = 0
    """How many are built from the arguments of a function."""


@cache
def places() -> dict[str, Place]:
    """Return the places by their names."""
    found: dict[str, Place] = {}
    uses = _uses()
    for name, tree in _trees().items():
        for scope, call in _calls(tree, name):
            place = found.setdefault(scope, Place(scope))
            _add(place, call, importlib.import_module(name))
            place.methods |= (
                uses[scope.rpartition(".")[2]] if _function(call) == "compile" else {_method(call)}
            )
    return found


def foreign() -> list[str]:
    """Return where the source uses regular expressions in a way that `places` does not see."""
    return [
        f"{name}:{node.lineno}"
        for name, tree in _trees().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node.module in {"re", "regex", "fnmatch"})
        or (isinstance(node, ast.keyword) and (node.arg or "").endswith(("__regex", "__iregex")))
        or (isinstance(node, ast.Call) and _function(node) == "re_path")
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_PATTERN.search(node.value))
    ]


SQL_PATTERN = re.compile(r" !?~\*? [:'%]|\bSIMILAR TO\b|\bregexp_[a-z]+\(")


@cache
def _trees() -> dict[str, ast.Module]:
    """Return the syntax of each module. Migrations meet no input."""
    files = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            file.read_text()
        )
        for file in files
        if "migrations" not in file.parts
    }


def _uses() -> dict[str, set[str]]:
    """Return the methods that are called on each constant, by its name in whatever module."""
    uses: dict[str, set[str]] = defaultdict(set)
    for tree in _trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                owner = node.value
                name = (
                    owner.id
                    if isinstance(owner, ast.Name)
                    else owner.attr
                    if isinstance(owner, ast.Attribute)
                    else ""
                )
                uses[name].add(node.attr)
    return uses


def _calls(node: ast.AST, scope: str, *, in_field: bool = False) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call that builds or applies a pattern, with the constant or function in which it is."""
    for child in ast.iter_child_nodes(node):
        inner = scope
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = f"{scope}.{child.name}"
        elif isinstance(child, (ast.Assign, ast.AnnAssign)) and isinstance(node, (ast.Module, ast.ClassDef)):
            target = child.targets[0] if isinstance(child, ast.Assign) else child.target
            inner = f"{scope}.{ast.unparse(target)}"
        if isinstance(child, ast.Call) and (_function(child) or _is_field(child, in_subclass=in_field)):
            yield scope, child
        is_field = isinstance(child, ast.ClassDef) and any(
            _last_name(base) in CLASSES for base in child.bases
        )
        yield from _calls(child, inner, in_field=in_field or is_field)


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _function(call: ast.Call) -> str:
    """Return the function of `re` that is called, or `re_path`, or an empty text."""
    function = call.func
    if (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
    ):
        return function.attr if function.attr in {*METHODS, "compile"} else ""
    return "re_path" if ast.unparse(function).endswith("re_path") else ""


def _is_field(call: ast.Call, *, in_subclass: bool) -> bool:
    is_field = _last_name(call.func) in CLASSES or (
        in_subclass and ast.unparse(call.func) == "super().__init__"
    )
    return is_field and bool(call.args)


def _method(call: ast.Call) -> str:
    return _function(call) or "search"


def _add(place: Place, call: ast.Call, module: ModuleType) -> None:
    arguments = call.args[:2] if _function(call) == "compile" else call.args[:1]
    flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    try:
        # The source of the product itself, with the names that its module has.
        values = [
            eval(compile(ast.Expression(each), place.name, "eval"), dict(vars(module)))  # noqa: S307
            for each in (*arguments, *flags)
        ]
    except NameError:
        place.unknown += 1
        return
    place.patterns.append(re.compile(*values))
