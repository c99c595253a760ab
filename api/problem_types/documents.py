"""List the problems of stored documents that are responses to requests. Pure."""

from api.problem_types.problem_type import ProblemType

DOCUMENTS = (
    ProblemType(
        "document-missing",
        500,
        "Document missing",
        "The server should have the document or the archive, but its storage does not. The days of the document are not "
        "over, and its facts still count.",
        "Ask the operator to restore the document from a backup. `request_id` helps to find the error.",
    ),
)
