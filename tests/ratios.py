"""Print the sizes and ratios of the code: `python -m tests.ratios`. They are read, not enforced."""

import ast
import re
import statistics
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("api", "accounts", "webhooks", "metrics", "ingestion", "config")
# Words that open a noun phrase or a relative clause rather than a command.
NOUN_OPENINGS = frozenset(
    [
        "a",
        "all",
        "an",
        "at",
        "by",
        "each",
        "every",
        "everybody",
        "everything",
        "for",
        "from",
        "how",
        "in",
        "it",
        "its",
        "no",
        "nobody",
        "nothing",
        "of",
        "on",
        "one",
        "so",
        "some",
        "that",
        "the",
        "this",
        "those",
        "what",
        "when",
        "where",
        "whether",
        "which",
        "who",
        "whom",
        "whose",
    ]
)


def modules() -> list[Path]:
    """Return the modules of the product, without migrations."""
    return [
        file
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if "migrations" not in file.parts
    ]


def lines(files: list[Path]) -> int:
    """Count the lines that are not blank."""
    return sum(bool(line.strip()) for file in files for line in file.read_text().splitlines())


def functions(files: list[Path]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method."""
    for file in files:
        nodes = ast.walk(ast.parse(file.read_text()))
        yield from (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def percentile(values: list[int], share: float) -> int:
    """Return the value below which this share of the sorted values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def table() -> Iterator[tuple[str, str]]:
    """Yield each figure with its name."""
    files = modules()
    nodes = list(functions(files))
    sizes = [(node.end_lineno or node.lineno) - node.lineno + 1 for node in nodes]
    docstrings = [text for node in nodes if (text := ast.get_docstring(node))]
    nouns = sum(re.split(r"\W", text.lower())[0] in NOUN_OPENINGS for text in docstrings)
    crowd = Counter(file.parent for file in files if file.name != "__init__.py")
    largest, most = crowd.most_common(1)[0] if crowd else (ROOT, 0)
    wide = [(count, name) for name, count in crowd.items() if not name.name.endswith("reports")]
    code = lines(files)
    tests = lines(list((ROOT / "tests").rglob("*.py")))
    comments = sum(line.strip().startswith("# ") for file in files for line in file.read_text().splitlines())
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rows = [len(contract["layers"]) for contract in contracts if contract["type"] == "layers"]
    yield (
        "function lines, median / p99 / max",
        f"{statistics.median(sizes):g} / {percentile(sizes, 0.99)} / {max(sizes)}",
    )
    yield "longest module, lines", str(max(len(file.read_text().splitlines()) for file in files))
    yield "most modules in a folder", f"{max(wide)[0]} ({max(wide)[1].relative_to(ROOT)})"
    yield "most modules in a folder of report types", f"{most} ({largest.relative_to(ROOT)})"
    yield "docstrings that open with a noun phrase", f"{nouns / len(docstrings):.0%} of {len(docstrings)}"
    yield "comments on a line of their own", f"{comments / code:.1%} of lines"
    yield "rows of the layer contracts", ", ".join(map(str, rows))
    yield "lines of code / of tests / ratio", f"{code} / {tests} / {tests / code:.2f}"


if __name__ == "__main__":
    for name, figure in table():
        sys.stdout.write(f"{name}: {figure}\n")
