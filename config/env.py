"""Typed readers of environment variables: a bad value stops the process with a sentence that names the variable."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit


class BadVariable(SystemExit):
    """An environment variable is missing or cannot be read."""


def text(name: str, *, default: str | None = None) -> str:
    value = os.environ.get(name) or default
    if value is None:
        raise BadVariable(f"{name} is not set. See docker/env.example for what it means.")
    return value


def integer(name: str, *, default: int, least: int = 0) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or int(value) < least:
        raise BadVariable(f"{name} must be a whole number of at least {least}, not {value!r}.")
    return int(value)


def switch(name: str, *, default: bool) -> bool:
    value = (os.environ.get(name) or str(default)).lower()
    if value not in {"true", "false", "1", "0", "yes", "no"}:
        raise BadVariable(f"{name} must be true or false, not {value!r}.")
    return value in {"true", "1", "yes"}


def words(name: str, *, default: str = "") -> list[str]:
    """A comma-separated list, without empty members."""
    return [word.strip() for word in text(name, default=default or " ").split(",") if word.strip()]


def pairs(name: str) -> dict[str, str]:
    """`US=America/Los_Angeles,DE=Europe/Berlin` as a dict."""
    members = [word.partition("=") for word in words(name)]
    if any(not (key and value) for key, _, value in members):
        raise BadVariable(f"{name} must read KEY=VALUE,KEY=VALUE.")
    return {key.strip(): value.strip() for key, _, value in members}


def folder(name: str, *, default: Path) -> Path:
    """A folder, made if it is not there yet."""
    path = Path(os.environ.get(name) or default).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def database(name: str) -> dict[str, object]:
    """Django's description of the PostgreSQL server that the URL in `name` points to."""
    parts = urlsplit(text(name))
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise BadVariable(f"{name} must read postgresql://user:password@host:port/database.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }
