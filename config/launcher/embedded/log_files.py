"""Keep the logs of processes small, and show their last lines without secrets."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

MAX_BYTES = 10 * 1024**2
# Earlier files of one log: with the current one, a process uses at most MAX_BYTES * (KEPT + 1).
KEPT = 4
# Lines of a log that usually hold the reason.
TAIL = 20
# A traceback is one line of many kilobytes in a JSON log. The message is at its beginning.
LONGEST_LINE = 600
SECRET_NAME = re.compile("secret|password|token|key|dsn", re.IGNORECASE)
# Shorter texts are no secrets, and would be replaced in the middle of words.
SHORTEST_SECRET = 8


def rotate(log: Path) -> None:
    """Move the lines of a log that has become too long to `<log>.1`, and the earlier files one further."""
    if not log.exists() or log.stat().st_size <= MAX_BYTES:
        return
    for number in range(KEPT, 1, -1):
        earlier = log.with_name(f"{log.name}.{number - 1}")
        if earlier.exists():
            earlier.replace(log.with_name(f"{log.name}.{number}"))
    copied = log.with_name(f"{log.name}.1")
    shutil.copyfile(log, copied)
    copied.chmod(0o600)
    # The process keeps its file open for appending, so it continues at the beginning of the emptied file. A
    # renamed file would grow on.
    os.truncate(log, 0)


def tail(log: Path, *, secrets: Iterable[str] = ()) -> str:
    """Return the last lines of `log`, indented and shortened, with `***` for every secret."""
    text = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])
    # The longest first: a secret may be a part of another one.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    # Only now: half a secret would not be found.
    return "\n".join(f"  {line[:LONGEST_LINE]}" for line in text.splitlines())


def secret_values(variables: Mapping[str, object]) -> set[str]:
    """Return the secrets among the values of variables: those with a telling name, and passwords in URLs."""
    texts = {name: value for name, value in variables.items() if isinstance(value, str)}
    found = {secret for name, value in texts.items() for secret in _secrets_of(name, value)}
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET}


def _secrets_of(name: str, value: str) -> Iterator[str]:
    if SECRET_NAME.search(name):
        yield value
        # SECRETS_KEYS lists several, each after its number.
        yield from re.split("[,:]", value)
    if "://" in value:
        password = urlsplit(value).password or ""
        yield password
        yield unquote(password)
