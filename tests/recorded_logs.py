"""Record everything that a test run logs, and search it for secrets at the end (a pytest plugin).

It records the log records of this process before redaction, the problems sent to clients, and the log files
of processes that tests start.
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
class LogRecorder(logging.Handler):
    """Record log lines and problems."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    folders: set[Path] = field(default_factory=set)
    """Folders with log files of the processes of this run."""
    removed_by: list[str] = field(default_factory=list)
    """Tests that removed this handler."""

    def __post_init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def find_leaks(self, *, known: Iterable[str]) -> Iterator[str]:
        """Yield each place with a secret, and the secret."""
        known = list(known)
        yield from find_in_lines(self.lines, place="a logger of this process", known=known)
        yield from find_in_lines(self.problems, place="a problem", known=known)
        for file in find_log_files(self.folders):
            yield from find_in_lines(
                file.read_text(errors="replace").splitlines(), place=str(file), known=known
            )


recorded_logs = LogRecorder()


def find_secrets(text: str, *, known: Iterable[str] = ()) -> list[str]:
    """Return the secrets in a text that redaction would have removed."""
    shown = [value for value in known if len(value) >= SHORTEST and value in text]
    return shown + [
        match[0] for shape, _ in SHAPES for match in shape.finditer(text) if BLANK not in match[0]
    ]


def find_in_lines(lines: Iterable[str], *, place: str, known: Iterable[str]) -> Iterator[str]:
    """Yield the secrets in each line, with the line."""
    for line in lines:
        for secret in find_secrets(line, known=known):
            yield f"{place}: {secret[:60]!r} in {line[:300]!r}"


def find_log_files(folders: Iterable[Path]) -> list[Path]:
    """Return the log files below these folders, each once."""
    return sorted(
        {
            file.resolve()
            for folder in folders
            if folder.exists()
            for file in folder.rglob("*.log")
            if file.is_file()
        }
    )


def environment_secrets() -> list[str]:
    """Return the secrets in the environment of this run: keys, and passwords in URLs."""
    named = [word for name in VARIABLES for word in os.environ.get(name, "").split(",")]
    keys = [part for word in named for part in (word, word.partition(":")[2]) if part]
    passwords = [unquote(urlsplit(os.environ.get(name, "")).password or "") for name in URLS]
    return [*keys, *(secret for key in keys for secret in _as_bytes(key)), *filter(None, passwords)]


def _as_bytes(key: str) -> Iterator[str]:
    """Yield the logged forms of the bytes of an encryption key."""
    try:
        plain = base64.b64decode(key, validate=True)
    except ValueError:
        return
    if len(plain) == 32:
        yield plain.hex()
        yield repr(plain)[2:-1]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Attach the recorder. Logging is configured by now, which would have removed it."""

    logging.getLogger().addHandler(recorded_logs)
    recorded_logs.folders |= {Path(os.environ[name]) for name in ("UNDERONE_HOME",) if name in os.environ}


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Remember the tests that removed the recorder, and attach it again."""
    if recorded_logs not in logging.getLogger().handlers:
        recorded_logs.removed_by.append(item.nodeid)
        logging.getLogger().addHandler(recorded_logs)


@pytest.fixture(scope="session", autouse=True)
def check_no_secret_is_logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search for secrets after the last test of each process. Findings are an error of this test."""

    yield
    recorded_logs.folders.add(tmp_path_factory.getbasetemp())
    findings = sorted(set(recorded_logs.find_leaks(known=environment_secrets())))
    assert recorded_logs.removed_by == [], "these tests removed the recorder of logs"
    assert findings == [], "\n".join(["secrets were logged:", *findings])
