"""Test progress: plain lines in a file, marks in a terminal."""

import pytest

from config.launcher.progress import Steps


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")


def test_step_in_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()

    steps.say("Starting")
    steps.say("Loading")
    steps.detail("3 of 4")
    steps.finish()
    steps.print("done")

    assert capsys.readouterr().out == "Starting …\nLoading …\n  3 of 4\ndone\n"


def test_step_in_terminal_is_marked_with_seconds(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()

    steps.say("Starting")
    steps.say("Loading")
    steps.finish()

    printed = capsys.readouterr().out
    assert printed.count("✓") == 2
    assert printed.index("Starting") < printed.index("Loading")
    assert "0.0 s" in printed


def test_abandoned_step_is_not_marked(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()

    steps.say("Starting")
    steps.give_up()
    steps.give_up()

    assert "✓" not in capsys.readouterr().out


def test_detail_without_step_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Steps().detail("alone")

    assert capsys.readouterr().out == "  alone\n"


@pytest.mark.parametrize(
    "line", ["a" * 300, "postgresql://user:p%40ss@[::1]:5432/x", "Data [bold]/data/[red][/]"]
)
def test_line_is_printed_without_markup(capsys: pytest.CaptureFixture[str], line: str) -> None:
    Steps().print(line)

    assert capsys.readouterr().out == f"{line}\n"
