"""The one way out."""

from webhooks import reach


def check(url: str) -> None:
    """Raises reach.Forbidden for a URL that nothing is ever sent to."""
    reach.require(url)
