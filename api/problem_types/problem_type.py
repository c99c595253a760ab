"""Describe a type of problem. Pure."""

from dataclasses import dataclass

PATH = "/problems/"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """Describe a type of problem.

    `status` is None for the problems of reports, which are not responses to requests.
    """

    slug: str
    status: int | None
    title: str
    cause: str
    cure: str

    @property
    def type(self) -> str:
        """Return the `type` of problems of this type."""
        return PATH + self.slug
