"""Read environment variables with a type. An invalid value stops the process with a message that names the
variable."""

import base64
import binascii
import os
import re
import shlex
import ssl
from collections.abc import Collection
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import available_timezones

from limits import RateLimitItem, parse
from ssrfguard import Policy

from config import variables

BROKERS = ("redis", "rediss", "amqp", "amqps")
STORES = ("redis://", "rediss://")
LIMIT = re.compile("[1-9][0-9]{0,8}/(second|minute|hour)")
KEY_BYTES = 32
LAST_KEY_ID = 65535
MAIL_BACKENDS = "django.core.mail.backends"
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
NO_MAIL_SERVER = {
    "host": "",
    "port": 0,
    "user": "",
    "password": "",
    "use_tls": False,
    "use_ssl": False,
    "folder": None,
}


class BadVariable(SystemExit):
    """Raise when an environment variable is missing or invalid."""


def load_file(*, home: Path) -> None:
    """Load the variables of the product that runs in `home`, so that commands on the same machine do not need
    them.

    Load nothing if DATABASE_URL is set, or if no product was started.
    """
    file = Path(os.environ.get("UNDERONE_HOME") or home) / "environment"
    if "DATABASE_URL" in os.environ or not os.access(file, os.R_OK):
        return
    for word in shlex.split(file.read_text()):
        name, _, value = word.partition("=")
        # Variables of the shell win.
        os.environ.setdefault(name, value)


def check_names() -> None:
    """Raise BadVariable for a name that is one letter from a variable of the product.

    Its value would be ignored, and the default used instead.
    """
    if message := variables.misspelling(os.environ):
        raise BadVariable(message)


def text(name: str, *, default: str | None = None) -> str:
    """Return the value. Without a default, the variable must be set."""
    value = os.environ.get(name) or default
    if value is None:
        raise BadVariable(f"{name} is not set. Start the product with `make up`, or see docker/env.example.")
    return value


def one_of(name: str, *, choices: Collection[str], default: str) -> str:
    """Return one of `choices`, which are in capitals. The value may be in any case."""
    value = text(name, default=default).upper()
    if value not in choices:
        raise BadVariable(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def integer(name: str, *, default: int, least: int = 0, most: int | None = None) -> int:
    """Return a whole number of at least `least`, and at most `most`."""
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or int(value) < least or (most is not None and int(value) > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise BadVariable(f"{name} must be an integer {bounds}, not {value!r}.")
    return int(value)


def fraction(name: str, *, default: str) -> float:
    """Return a number from 0 to 1."""
    value = os.environ.get(name) or default
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise BadVariable(f"{name} must be a number from 0 to 1, not {value!r}.")
    return number


def address(name: str) -> str:
    """Return the http(s) URL of a server, or ""."""
    url = text(name, default="")
    try:
        parts = urlsplit(url)
        is_fine = not url or (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        )
    except ValueError:
        is_fine = False
    if not is_fine:
        raise BadVariable(f"{name} must be a URL such as https://host or http://host:port.")
    return url


def boolean(name: str, *, default: bool) -> bool:
    """Return whether the value is true, 1 or yes, in any case."""
    value = (os.environ.get(name) or str(default)).lower()
    if value not in {"true", "false", "1", "0", "yes", "no"}:
        raise BadVariable(f"{name} must be true or false, not {value!r}.")
    return value in {"true", "1", "yes"}


def words(name: str, *, default: str = "") -> list[str]:
    """Return a comma-separated list without empty members."""
    return [word.strip() for word in text(name, default=default or " ").split(",") if word.strip()]


def pairs(name: str) -> dict[str, str]:
    """Return `US=America/Los_Angeles,DE=Europe/Berlin` as a dict."""
    members = [word.partition("=") for word in words(name)]
    if any(not (key and value) for key, _, value in members):
        raise BadVariable(f"{name} must have the form KEY=VALUE,KEY=VALUE.")
    return {key.strip(): value.strip() for key, _, value in members}


def zones(name: str, *, places: Collection[str]) -> dict[str, str]:
    """Return the IANA time zone of each listed place. Only `places` can be listed."""
    zone_names = pairs(name)
    known = available_timezones() if zone_names else ()
    if wrong := [
        f"{place}={zone}" for place, zone in zone_names.items() if place not in places or zone not in known
    ]:
        raise BadVariable(f"{name} must map known marketplaces to IANA time zones. {wrong[0]!r} does not.")
    return zone_names


def folder(name: str, *, default: Path) -> Path:
    """Return a folder, and create it if needed."""
    path = Path(os.environ.get(name) or default).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadVariable(f"{name} must be a folder. {path} cannot be created: {error.strerror}.") from None
    return path


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Return `100.64.0.0/10,fd00::/8` as networks. IPv6 networks that embed IPv4 addresses are refused."""
    try:
        allowed = [ip_network(word) for word in words(name)]
        # Raises ValueError for networks that the policy of deliveries would refuse each time.
        Policy(allowed_networks=tuple(allowed))
    except ValueError as error:
        raise BadVariable(
            f"{name} must be a list of networks, such as 100.64.0.0/10,fd00::/8: {error}."
        ) from None
    return allowed


def certificates(name: str) -> str | None:
    """Return the path of a file of PEM certificates, or None."""
    path = os.environ.get(name) or None
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise BadVariable(
            f"{name} must be a file of certificates (PEM). {path} cannot be read: {error.strerror}."
        ) from None
    return path


def database(name: str) -> dict[str, object]:
    """Return Django's settings of the PostgreSQL database at the URL.

    The query of the URL, such as `sslmode=require`, is passed to the driver.
    """
    try:
        parts = urlsplit(text(name))
        port = parts.port
    except ValueError:
        raise _no_database(name) from None
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise _no_database(name)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(port or ""),
        "OPTIONS": {"application_name": "underone", "connect_timeout": "5"} | dict(parse_qsl(parts.query)),
    }


def broker(name: str) -> str:
    """Return the URL of a Valkey or Redis server, or of RabbitMQ."""
    url = text(name)
    if url.partition("://")[0] not in BROKERS or not url.partition("://")[2]:
        raise BadVariable(
            f"{name} must be a URL such as redis://:password@host:port/0 (or rediss://, amqp://, amqps://)."
        )
    return url


def contact(name: str) -> str:
    """Return a URI for `security.txt`: a page, a phone number, or a mailbox with or without `mailto:`."""
    value = text(name, default="")
    if value and "@" in value and ":" not in value:
        value = f"mailto:{mailbox(name, default='')}"
    if value and not re.fullmatch(r"(https://|mailto:|tel:)[!-~]+", value):
        raise BadVariable(
            f"{name} must be an e-mail address or a URL (https://, mailto: or tel:), not {value!r}."
        )
    return value


def origin(name: str) -> str:
    """Return the URL of a front end, such as https://app.agency.example, without a trailing slash; "" if
    unset."""

    url = os.environ.get(name, "").rstrip("/")
    parts = urlsplit(url)
    if url and (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise BadVariable(f"{name} must be a URL such as https://host or https://host/path, not {url!r}.")
    return url


def store(name: str, *, broker: str) -> str:
    """Return the URL of a Valkey or Redis server. Default: the broker's URL, or "" if the broker is
    RabbitMQ."""
    url = os.environ.get(name) or (broker if broker.startswith(STORES) else "")
    if url and not (url.startswith(STORES) and url.partition("://")[2]):
        raise BadVariable(f"{name} must be a URL such as redis://:password@host:port/0 (or rediss://).")
    return url


def limit(name: str, *, default: str) -> RateLimitItem | None:
    """Return a rate limit such as `6000/minute` (second, minute or hour), or None for 0."""
    value = text(name, default=default)
    if value == "0":
        return None
    if not LIMIT.fullmatch(value):
        raise BadVariable(
            f"{name} must be a rate such as 6000/minute (or /second, /hour), or 0 for no limit, not "
            f"{value!r}."
        )
    return parse(value)


def keys(name: str) -> dict[int, bytes]:
    """Return numbered keys, `2:<base64 of 32 bytes>,1:<…>`, in the order of the variable."""
    # A dictionary keeps the order: its first key encrypts.
    ring: dict[int, bytes] = {}
    members = words(name) or [text(name)]
    for number, _, value in (member.partition(":") for member in members):
        try:
            key = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise _no_keys(name) from None
        if (
            not (number.isascii() and number.isdecimal() and 0 < int(number) <= LAST_KEY_ID)
            or len(key) != KEY_BYTES
        ):
            raise _no_keys(name)
        if int(number) in ring:
            raise _no_keys(name)
        ring[int(number)] = key
    return ring


def _no_keys(name: str) -> BadVariable:
    """Return the error without the value, because the value contains the keys."""
    return BadVariable(
        f"{name} must have the form NUMBER:KEY,NUMBER:KEY with different numbers. Each key is the base64 of "
        f"{KEY_BYTES} bytes."
    )


def mail(name: str, *, debug: bool) -> dict[str, Any]:
    """Return Django's settings of the mail server at the URL.

    `folder:PATH` writes e-mails to files, and `console:` prints them, with their codes and tokens. Without a
    value no e-mail is sent.
    """

    url = os.environ.get(name, "")
    without = _mail_without_server(name, url, debug=debug)
    if without is not None:
        return without
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _no_mail_server(name) from None
    if (
        parts.scheme not in MAIL_PORTS
        or not parts.hostname
        or parts.path.strip("/")
        or bool(parts.username) != bool(parts.password)
    ):
        raise _no_mail_server(name)
    return {
        "backend": f"{MAIL_BACKENDS}.smtp.EmailBackend",
        "host": parts.hostname,
        "port": port or MAIL_PORTS[parts.scheme],
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp+tls",
        "use_ssl": parts.scheme == "smtps",
        "folder": None,
    }


def _mail_without_server(name: str, url: str, *, debug: bool) -> dict[str, Any] | None:
    """Return the settings of an installation without a mail server, or None if the URL names one."""
    if not url:
        return {"backend": "accounts.people.mail.NoMailServer"} | NO_MAIL_SERVER
    if url == "console:":
        if not debug:
            raise BadVariable(
                f"{name}=console: prints codes and tokens to the log, so it needs DEBUG=true. Use folder:PATH to "
                "write e-mails to files."
            )
        return {"backend": f"{MAIL_BACKENDS}.console.EmailBackend"} | NO_MAIL_SERVER
    if url.startswith("folder:/"):
        folder = {"folder": url.removeprefix("folder:")}
        return {"backend": f"{MAIL_BACKENDS}.filebased.EmailBackend"} | NO_MAIL_SERVER | folder
    return None


def mailbox(name: str, *, default: str) -> str:
    """Return an e-mail address, with or without a display name: `Underone <underone@agency.example>`."""
    value = text(name, default=default)
    _, address = parseaddr(value)
    local, _, domain = address.rpartition("@")
    # A line break would add headers to every e-mail, and a list of addresses is no sender.
    if not local or not domain or any(letter in value for letter in "\r\n,;"):
        raise BadVariable(
            f"{name} must be an e-mail address such as name@host or Name <name@host>, not {value!r}."
        )
    return value


def _no_mail_server(name: str) -> BadVariable:
    """Return the error without the value, because the value contains a password."""
    return BadVariable(
        f"{name} must be a URL such as smtp+tls://user:password@host:587 (or smtps://, smtp://), or folder:/path."
    )


def _no_database(name: str) -> BadVariable:
    """Return the error without the value, because the value contains a password."""
    return BadVariable(f"{name} must be a URL such as postgresql://user:password@host:port/database.")
