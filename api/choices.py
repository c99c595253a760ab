"""Word the refusal of a name or a choice: the nearest one that is accepted, and the list of all."""

from collections.abc import Iterable
from difflib import get_close_matches

# A detail has at most 1000 characters, and the list must end with a whole name.
MAX_LIST_LENGTH = 800
MAX_NAME_LENGTH = 60


def nearest(text: str, accepted: Iterable[str]) -> str | None:
    """Return the accepted name that is spelt most like `text`, or None if no name is like it."""
    by_lower_case = {name.lower(): name for name in accepted}
    near = get_close_matches(text[:MAX_NAME_LENGTH].lower(), by_lower_case, n=1, cutoff=0.6)
    return by_lower_case[near[0]] if near else None


def listed(accepted: Iterable[str]) -> str:
    """Return the names separated by commas. A list that is too long ends with the number of the others."""
    names, length = list(accepted), 0
    for index, name in enumerate(names):
        length += len(name) + 2
        if length > MAX_LIST_LENGTH:
            return f"{', '.join(names[:index])} and {len(names) - index} more"
    return ", ".join(names)


def expected(accepted: Iterable[str], *, given: object = "") -> str:
    """Return the reason why a choice is refused. It never repeats what was given."""
    names = list(accepted)
    near = nearest(given, names) if isinstance(given, str) else None
    hint = f"Did you mean `{near}`? " if near else ""
    return f"{hint}Expected one of {listed(names)}."


def unknown(name: str, *, what: str, accepted: Iterable[str]) -> str:
    """Return the reason why a name is refused, such as "`metirc` is not a parameter of this endpoint; did you
    mean `metric`?"."""
    names = list(accepted)
    near = nearest(name, names)
    cure = f"did you mean `{near}`?" if near else f"expected one of {listed(names)}."
    refused = f"`{name[:MAX_NAME_LENGTH]}` is not {what}"
    return f"{refused}; {cure}" if names else f"{refused}; there are none."
