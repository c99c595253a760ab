"""List every type of problem of the product: its title, its HTTP status, its cause and its solution. Pure.

The types are a contract. New ones are added, and none is renamed. `/problems` shows them.
"""

from api.problem_types.documents import DOCUMENTS
from api.problem_types.problem_type import PATH, ProblemType
from api.problem_types.reports import REPORTS
from api.problem_types.requests import REQUESTS
from api.problem_types.server_errors import SERVER_ERRORS

PROBLEM_TYPES = (*REQUESTS, *DOCUMENTS, *SERVER_ERRORS, *REPORTS)
BY_SLUG = {each.slug: each for each in PROBLEM_TYPES}

__all__ = ["BY_SLUG", "PATH", "PROBLEM_TYPES", "ProblemType"]
