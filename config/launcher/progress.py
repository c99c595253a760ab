"""Show progress: a spinner in a terminal, plain lines in a file."""

import time

from rich.console import Console
from rich.status import Status


class Steps:
    """Show each step when it begins, and its duration when the next one begins."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._spinner: Status | None = None
        self._text, self._began = "", 0.0

    def say(self, text: str) -> None:
        """Begin the step called `text`."""
        self.finish()
        self._text, self._began = text, time.monotonic()
        if self._console.is_terminal:
            self._spinner = self._console.status(f"{text} …")
            self._spinner.start()
        else:
            self.print(f"{text} …")

    def detail(self, text: str) -> None:
        """Show the progress of the current step."""
        if self._spinner is not None:
            self._spinner.update(f"{self._text} … {text}")
        else:
            self.print(f"  {text}")

    def finish(self) -> None:
        """Mark the current step, if any, as done."""
        if self._spinner is not None:
            self._spinner.stop()
            self._console.print(f"[green]✓[/] {self._text} [dim]{time.monotonic() - self._began:.1f} s[/]")
        self._spinner, self._text = None, ""

    def give_up(self) -> None:
        """End the current step without marking it as done."""
        if self._spinner is not None:
            self._spinner.stop()
        self._spinner, self._text = None, ""

    def print(self, text: str = "") -> None:
        # Without markup: the name of a folder may contain square brackets.
        self._console.print(text, markup=False)
