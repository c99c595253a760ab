"""Test the private part of gunicorn that config/web/gunicorn_errors.py replaces."""

import inspect

from gunicorn import util
from gunicorn.workers.base import Worker

from config.web import gunicorn_errors


def test_gunicorn_error_page_is_written_by_the_function_that_is_replaced() -> None:
    assert "util.write_error(client, status_int, reason, mesg)" in inspect.getsource(Worker.handle_error)


def test_gunicorn_error_page_replacement_has_the_signature_of_the_original() -> None:
    original = inspect.unwrap(util.write_error)

    assert list(inspect.signature(gunicorn_errors.write_error).parameters) == list(
        inspect.signature(original).parameters
    )
