"""A pytest plugin: everything that a run logs is kept, and searched for secrets when all tests are over.

Kept are the records of this process as they were logged, before anything is blanked, the problems that
clients were answered, and the log files that processes started by tests wrote.
"""

import base64
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from config.observability.log_redaction import BLANK, SHAPES, SHORTEST

VARIABLES = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "SECRETS_KEYS", "METRICS_TOKEN")
URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "EMAIL_URL")


@dataclass
class Overheard(logging.Handler):
    """What was said so far."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    folders: set[Path] = field(default_factory=set)
    """Where processes of this run write their logs."""
    silenced_by: list[str] = field(default_factory=list)
    """Tests after which nothing was heard any more."""

    def __post_init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def telling(self, *, known: Iterable[str]) -> Iterator[str]:
        """Each place that tells a secret, with what it tells."""
        known = list(known)
        yield from found_among(self.lines, place="a logger of this process", known=known)
        yield from found_among(self.problems, place="a problem", known=known)
        for file in files_in(self.folders):
            yield from found_among(
                file.read_text(errors="replace").splitlines(), place=str(file), known=known
            )


overheard = Overheard()


def find_secrets(text: str, *, known: Iterable[str] = ()) -> list[str]:
    """Return the secrets in a text that redaction would have removed."""
    shown = [value for value in known if len(value) >= SHORTEST and value in text]
    return shown + [
        match[0] for shape, _ in SHAPES for match in shape.finditer(text) if BLANK not in match[0]
    ]


def found_among(lines: Iterable[str], *, place: str, known: Iterable[str]) -> Iterator[str]:
    """What each line tells, beside the line itself."""
    for line in lines:
        for secret in find_secrets(line, known=known):
            yield f"{place}: {secret[:60]!r} in {line[:300]!r}"


def files_in(folders: Iterable[Path]) -> list[Path]:
    """The log files below these folders, each once."""
    return sorted(
        {
            file.resolve()
            for folder in folders
            if folder.exists()
            for file in folder.rglob("*.log")
            if file.is_file()
        }
    )


def secrets_of_the_run() -> list[str]:
    """The secrets that the environment of this run names: keys, and the passwords in URLs."""
    named = [word for name in VARIABLES for word in os.environ.get(name, "").split(",")]
    keys = [part for word in named for part in (word, word.partition(":")[2]) if part]
    passwords = [unquote(urlsplit(os.environ.get(name, "")).password or "") for name in URLS]
    return [*keys, *(secret for key in keys for secret in _as_bytes(key)), *filter(None, passwords)]


def _as_bytes(key: str) -> Iterator[str]:
    """How a key of the ring reads when somebody logs its bytes."""
    try:
        plain = base64.b64decode(key, validate=True)
    except ValueError:
        return
    if len(plain) == 32:
        yield plain.hex()
        yield repr(plain)[2:-1]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Whatever describes the loggers when it is imported has done so by now, which takes away what was on the
    first of them."""

    logging.getLogger().addHandler(overheard)
    overheard.folders |= {Path(os.environ[name]) for name in ("UNDERONE_HOME",) if name in os.environ}


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Who took away what listens is told at the end; what comes after is listened to."""
    if overheard not in logging.getLogger().handlers:
        overheard.silenced_by.append(item.nodeid)
        logging.getLogger().addHandler(overheard)


@pytest.fixture(scope="session", autouse=True)
def nothing_tells_a_secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Comes first and so goes last, in each process that runs tests: what it finds is an error of the last of
    them."""

    yield
    overheard.folders.add(tmp_path_factory.getbasetemp())
    findings = sorted(set(overheard.telling(known=secrets_of_the_run())))
    assert overheard.silenced_by == [], "they took away what listens to the loggers"
    assert findings == [], "\n".join(["secrets were told:", *findings])
