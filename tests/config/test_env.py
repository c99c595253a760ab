"""Test the typed readers of environment variables: a value, its default, or a message that names the variable."""

import base64
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import certifi
import pytest
from limits import parse

from config import env

NAME = "UNDERONE_TRIAL"
ZEROS, ONES = base64.b64encode(bytes(32)).decode(), base64.b64encode(b"\x01" * 32).decode()
Reader = Callable[[str], Any]
word = env.text
word_or_blue = partial(env.text, default="blue")
number = partial(env.integer, default=7)
positive = partial(env.integer, default=7, least=1)
off, on = partial(env.boolean, default=False), partial(env.boolean, default=True)
words_or_two = partial(env.words, default="a,b")
level = partial(env.one_of, choices=("LOW", "HIGH"), default="LOW")
zones = partial(env.zones, places=("US", "DE"))
limit = partial(env.limit, default="10/minute")
store_of_redis = partial(env.store, broker="redis://:x@broker:6379/0")
store_of_rabbit = partial(env.store, broker="amqp://broker")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Return a function that sets or removes the variable."""

    def give(value: str | None) -> None:
        if value is None:
            monkeypatch.delenv(NAME, raising=False)
        else:
            monkeypatch.setenv(NAME, value)

    return give


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        (env.keys, f"1:{ZEROS}", {1: bytes(32)}),
        (env.keys, f" 7:{ONES} , 2:{ZEROS} ", {7: b"\x01" * 32, 2: bytes(32)}),
        (env.keys, f"65535:{ZEROS}", {65535: bytes(32)}),
        (word, "red", "red"),
        (word, " padded ", " padded "),
        (word_or_blue, "red", "red"),
        (number, "0", 0),
        (number, "12", 12),
        (number, "007", 7),
        (positive, "1", 1),
        (off, "true", True),
        (off, "TRUE", True),
        (off, "1", True),
        (off, "yes", True),
        (on, "false", False),
        (on, "False", False),
        (on, "0", False),
        (on, "no", False),
        (env.words, "a", ["a"]),
        (env.words, "a,b", ["a", "b"]),
        (env.words, " a , b ,, ", ["a", "b"]),
        (env.words, ",", []),
        (words_or_two, "c", ["c"]),
        (env.pairs, "US=x", {"US": "x"}),
        (env.pairs, " US = x , DE=y=z", {"US": "x", "DE": "y=z"}),
        (level, "HIGH", "HIGH"),
        (level, "high", "HIGH"),
        (zones, "US=America/Los_Angeles", {"US": "America/Los_Angeles"}),
        (zones, "US=UTC, DE=Europe/Berlin", {"US": "UTC", "DE": "Europe/Berlin"}),
        (limit, "6000/minute", parse("6000/minute")),
        (limit, "5/second", parse("5/second")),
        (limit, "9/hour", parse("9/hour")),
        (limit, "0", None),
        (store_of_redis, "rediss://store:6380/1", "rediss://store:6380/1"),
        (store_of_rabbit, "redis://store/1", "redis://store/1"),
    ],
)
def test_valid_value_is_read(
    given: Callable[[str | None], None], reader: Reader, value: str, read: object
) -> None:
    given(value)

    assert reader(NAME) == read


@pytest.mark.parametrize("absent", [None, ""])
@pytest.mark.parametrize(
    ("reader", "default"),
    [
        (word_or_blue, "blue"),
        (number, 7),
        (positive, 7),
        (off, False),
        (on, True),
        (env.words, []),
        (words_or_two, ["a", "b"]),
        (env.pairs, {}),
        (level, "LOW"),
        (zones, {}),
        (limit, parse("10/minute")),
        (store_of_redis, "redis://:x@broker:6379/0"),
        (store_of_rabbit, ""),
    ],
)
def test_missing_or_empty_variable_has_default(
    given: Callable[[str | None], None], reader: Reader, default: object, absent: str | None
) -> None:
    given(absent)

    assert reader(NAME) == default


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (word, None),
        (word, ""),
        (number, "x"),
        (number, "-1"),
        (number, "1.5"),
        (number, "1e9"),
        (number, "1_000"),
        (number, " 1"),
        (number, "²"),
        (positive, "0"),
        (off, "maybe"),
        (on, "on"),
        (on, "2"),
        (env.pairs, "US"),
        (env.pairs, "US="),
        (env.pairs, "=x"),
        (env.pairs, "US=x,DE"),
        (level, "MEDIUM"),
        (zones, "UK=Europe/London"),
        (zones, "US=America/Nowhere"),
        (zones, "US=PST"),
        (limit, "many"),
        (limit, "0/minute"),
        (limit, "-1/minute"),
        (limit, "6000"),
        (limit, "6000/fortnight"),
        (limit, "1/second;2/minute"),
        (limit, "6000 per minute"),
        (store_of_redis, "amqp://store"),
        (store_of_rabbit, "memcached://store"),
        (store_of_redis, "redis://"),
        (zones, "us=UTC"),
        (zones, "US=../../etc/passwd"),
        (env.keys, None),
        (env.keys, ""),
        (env.keys, ","),
        (env.keys, "secret"),
        (env.keys, ZEROS),
        (env.keys, f":{ZEROS}"),
        (env.keys, f"0:{ZEROS}"),
        (env.keys, f"65536:{ZEROS}"),
        (env.keys, f"a:{ZEROS}"),
        (env.keys, f"²:{ZEROS}"),
        (env.keys, f"1:{ZEROS},1:{ONES}"),
        (env.keys, f"1:{ZEROS},2:"),
        (env.keys, f"1:{ZEROS[:-1]}"),
        (env.keys, f"1:!{ZEROS}"),
        (env.keys, "1:c2VjcmV0"),
        (env.broker, None),
        (env.broker, "nonsense"),
        (env.broker, "http://:secret@host"),
        (env.broker, "redis://"),
        (env.database, None),
        (env.database, "underone"),
        (env.database, "mysql://user:secret@host/underone"),
        (env.database, "postgresql://user:secret@host"),
        (env.database, "postgresql://user:secret@host/"),
        (env.database, "postgresql://user:secret@host:port/underone"),
        (env.database, "postgresql://user:secret@host:99999/underone"),
        (env.database, "postgresql://user:secret@[::1/underone"),
    ],
)
def test_invalid_value_stops_process_with_message(
    given: Callable[[str | None], None], reader: Reader, value: str | None
) -> None:
    given(value)

    with pytest.raises(SystemExit) as stopped:
        reader(NAME)

    sentence = str(stopped.value)
    assert isinstance(stopped.value, env.BadVariable)
    assert sentence.startswith(f"{NAME} ")
    assert "\n" not in sentence
    assert "secret" not in sentence


OURS = {"application_name": "underone", "connect_timeout": "5"}


@pytest.mark.parametrize(
    ("url", "described"),
    [
        (
            "postgresql://u:p@h:5433/d",
            {"USER": "u", "PASSWORD": "p", "HOST": "h", "PORT": "5433", "NAME": "d"},
        ),
        ("postgres://u@h/d", {"USER": "u", "PASSWORD": "", "HOST": "h", "PORT": "", "NAME": "d"}),
        ("postgresql:///d", {"USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "NAME": "d"}),
        ("postgresql://a%40b:p%2Fq%3A@h/my%20db", {"USER": "a@b", "PASSWORD": "p/q:", "NAME": "my db"}),
        ("postgresql://u:p@[::1]:5432/d", {"HOST": "::1", "PORT": "5432"}),
        (
            "postgresql://u:p@h/d?sslmode=require",
            {"OPTIONS": {"application_name": "underone", "connect_timeout": "5", "sslmode": "require"}},
        ),
        ("postgresql://u:p@h/d?application_name=mine", {"OPTIONS": OURS | {"application_name": "mine"}}),
    ],
)
def test_database_url_is_parsed(
    given: Callable[[str | None], None], url: str, described: dict[str, object]
) -> None:
    given(url)

    assert env.database(NAME).items() >= ({"ENGINE": "django.db.backends.postgresql"} | described).items()


def test_folder_is_created_with_parents(given: Callable[[str | None], None], tmp_path: Path) -> None:
    given(str(tmp_path / "a" / ".." / "b" / "c"))

    made = env.folder(NAME, default=tmp_path / "unused")

    assert made == tmp_path / "b" / "c"
    assert made.is_dir()
    assert not (tmp_path / "unused").exists()


@pytest.mark.parametrize("absent", [None, ""])
def test_folder_has_default(given: Callable[[str | None], None], tmp_path: Path, absent: str | None) -> None:
    given(absent)

    assert env.folder(NAME, default=tmp_path / "usual") == tmp_path / "usual"
    assert (tmp_path / "usual").is_dir()


@pytest.mark.parametrize("below", ["file", "file/folder"])
def test_folder_that_cannot_be_created_stops_process(
    given: Callable[[str | None], None], tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").touch()
    given(str(tmp_path / below))

    with pytest.raises(env.BadVariable, match=f"^{NAME} must be a folder"):
        env.folder(NAME, default=tmp_path)


ENVIRONMENT = (
    "DATABASE_URL=postgresql://a:b@h/d\nSECRET_KEY='a b'\"'\"'c'\nPORT=8001\n"  # as the launcher quotes
)


@pytest.mark.parametrize(
    ("own", "afterwards"),
    [
        ({}, {"DATABASE_URL": "postgresql://a:b@h/d", "SECRET_KEY": "a b'c", "PORT": "8001"}),
        ({"PORT": "9000"}, {"DATABASE_URL": "postgresql://a:b@h/d", "SECRET_KEY": "a b'c", "PORT": "9000"}),
        ({"DATABASE_URL": "postgresql://mine"}, {"DATABASE_URL": "postgresql://mine"}),
        ({"DATABASE_URL": ""}, {"DATABASE_URL": ""}),
    ],
)
def test_file_sets_missing_variables_without_database_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: dict[str, str], afterwards: dict[str, str]
) -> None:
    (tmp_path / "environment").write_text(ENVIRONMENT)
    monkeypatch.setattr(os, "environ", dict(own))

    env.load_file(home=tmp_path)

    assert os.environ == afterwards


def test_file_of_named_home_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "environment").write_text(ENVIRONMENT)
    monkeypatch.setattr(os, "environ", {"UNDERONE_HOME": str(tmp_path)})

    env.load_file(home=tmp_path / "usual")

    assert os.environ["PORT"] == "8001"


def test_missing_file_sets_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "environ", {})

    env.load_file(home=tmp_path / "nowhere")

    assert os.environ == {}


SERVER = {
    "backend": "django.core.mail.backends.smtp.EmailBackend",
    "user": "",
    "password": "",
    "use_tls": False,
    "use_ssl": False,
    "folder": None,
}


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", {"host": "mail.example", "port": 25}),
        ("smtp://mail.example:2525", {"host": "mail.example", "port": 2525}),
        (
            "smtp+tls://ops:s%40cret@mail.example",
            {"host": "mail.example", "port": 587, "user": "ops", "password": "s@cret", "use_tls": True},
        ),
        (
            "smtps://ops%40agency.example:x@mail.example/",
            {
                "host": "mail.example",
                "port": 465,
                "user": "ops@agency.example",
                "password": "x",
                "use_ssl": True,
            },
        ),
        ("smtp://[::1]:25", {"host": "::1", "port": 25}),
    ],
)
def test_email_url_is_parsed(given: Callable[[str | None], None], url: str, server: dict[str, Any]) -> None:
    given(url)

    assert env.mail(NAME, debug=False) == SERVER | server


@pytest.mark.parametrize("value", [None, ""])
def test_email_url_without_value_sends_nothing(
    given: Callable[[str | None], None], value: str | None
) -> None:
    given(value)

    read = env.mail(NAME, debug=True)

    assert (read["backend"], read["host"]) == ("accounts.people.mail.NoMailServer", "")


def test_email_url_console_needs_debug(given: Callable[[str | None], None]) -> None:
    given("console:")

    assert env.mail(NAME, debug=True)["backend"] == "django.core.mail.backends.console.EmailBackend"
    with pytest.raises(env.BadVariable, match="needs DEBUG=true"):
        env.mail(NAME, debug=False)


def test_email_url_folder_writes_files(given: Callable[[str | None], None]) -> None:
    given("folder:/var/lib/underone/mails")

    read = env.mail(NAME, debug=False)

    assert read["backend"] == "django.core.mail.backends.filebased.EmailBackend"
    assert read["folder"] == "/var/lib/underone/mails"


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "https://mail.example",
        "smtp://",
        "smtp://:25",
        "smtp://mail.example:port",
        "smtp://mail.example:99999",
        "smtp://user:s3cret@",
        "smtp://user@mail.example",
        "smtp://:s3cret@mail.example",
        "smtp://user:s3cret@mail.example/inbox",
        "smtp+ssl://user:s3cret@mail.example",
        "console",
        "folder:mails",
    ],
)
def test_invalid_email_url_is_refused_without_password(given: Callable[[str | None], None], url: str) -> None:
    given(url)

    with pytest.raises(env.BadVariable) as refused:
        env.mail(NAME, debug=False)

    assert str(refused.value).startswith(f"{NAME} must be a URL such as smtp+tls://")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("value", ["a@b.example", "Underone <a@b.example>", '"Under, one" <a@b.example>'])
def test_mailbox_is_read(given: Callable[[str | None], None], value: str) -> None:
    given(value)

    if "," in value:
        with pytest.raises(env.BadVariable, match="must be an e-mail address such as name@host"):
            env.mailbox(NAME, default="x@y")
    else:
        assert env.mailbox(NAME, default="x@y") == value


@pytest.mark.parametrize(
    "value", ["nobody", "@b.example", "a@", "a@b.example, c@d.example", "a@b\nBcc: c@d", "Name <>"]
)
def test_invalid_mailbox_is_refused(given: Callable[[str | None], None], value: str) -> None:
    given(value)

    with pytest.raises(env.BadVariable, match="must be an e-mail address such as name@host"):
        env.mailbox(NAME, default="x@y")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, []),
        ("", []),
        ("100.64.0.0/10", ["100.64.0.0/10"]),
        (" 100.64.0.0/10 , fd00::/8,", ["100.64.0.0/10", "fd00::/8"]),
        ("127.0.0.1", ["127.0.0.1/32"]),
        ("::1", ["::1/128"]),
    ],
)
def test_networks_are_parsed(given: Callable[[str | None], None], value: str | None, read: list[str]) -> None:
    given(value)

    assert [str(network) for network in env.networks(NAME)] == read


@pytest.mark.parametrize(
    "value",
    [
        "100.64.0.1/10",
        "100.64.0.0/33",
        "office",
        "127.0.0.0-127.0.0.9",
        "64:ff9b::/96",
        "::ffff:127.0.0.0/104",
        "http://127.0.0.1",
    ],
)
def test_invalid_networks_stop_process(given: Callable[[str | None], None], value: str) -> None:
    given(value)

    with pytest.raises(env.BadVariable, match=f"^{NAME} must be a list of networks, such as "):
        env.networks(NAME)


def test_certificate_file_is_optional(given: Callable[[str | None], None], tmp_path: Path) -> None:
    given(None)
    assert env.certificates(NAME) is None
    given(certifi.where())
    assert env.certificates(NAME) == certifi.where()
    (tmp_path / "text.pem").write_text("no certificate")

    for value in (str(tmp_path / "text.pem"), str(tmp_path / "none.pem"), str(tmp_path)):
        given(value)
        with pytest.raises(env.BadVariable, match=f"^{NAME} must be a file of certificates"):
            env.certificates(NAME)


@pytest.mark.parametrize(
    ("value", "number"), [("0", 0), ("1", 1), ("0.25", 0.25), (".5", 0.5), ("1e-3", 0.001), ("", 0.1)]
)
def test_fraction_is_from_0_to_1(given: Callable[[str | None], None], value: str, number: float) -> None:
    given(value)

    assert env.fraction(NAME, default="0.1") == number


@pytest.mark.parametrize("value", ["-0.1", "1.01", "a tenth", "nan", "inf", "10%", "0,5"])
def test_invalid_fraction_is_refused(given: Callable[[str | None], None], value: str) -> None:
    given(value)

    with pytest.raises(env.BadVariable, match=f"{NAME} must be a number from 0 to 1"):
        env.fraction(NAME, default="0")


@pytest.mark.parametrize(
    "value", ["http://collector:4318", "https://public@sentry.example/1", "http://127.0.0.1:1", ""]
)
def test_server_address_is_read(given: Callable[[str | None], None], value: str) -> None:
    given(value)

    assert env.address(NAME) == value


@pytest.mark.parametrize(
    "value",
    ["collector:4318", "grpc://collector", "http://", "http://host:port", "http://host:99999", "https:///x"],
)
def test_invalid_server_address_is_refused_without_value(
    given: Callable[[str | None], None], value: str
) -> None:
    given(value)

    with pytest.raises(env.BadVariable, match=f"{NAME} must be a URL such as https://host") as refused:
        env.address(NAME)
    assert "99999" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "uri"),
    [
        (None, ""),
        ("security@agency.example", "mailto:security@agency.example"),
        ("mailto:security@agency.example", "mailto:security@agency.example"),
        ("https://agency.example/security", "https://agency.example/security"),
        ("tel:+1-201-555-0123", "tel:+1-201-555-0123"),
    ],
)
def test_contact_is_a_uri(given: Callable[[str | None], None], value: str | None, uri: str) -> None:
    given(value)

    assert env.contact(NAME) == uri


@pytest.mark.parametrize(
    "value", ["nobody", "http://agency.example", "mailto:a b", "https://agency.example\nContact: x", "@"]
)
def test_contact_without_uri_is_refused(given: Callable[[str | None], None], value: str) -> None:
    given(value)

    with pytest.raises(env.BadVariable, match=NAME):
        env.contact(NAME)
