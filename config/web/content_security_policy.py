"""What a browser may load with an answer: nothing, but for the two places that are pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

NOTHING = "default-src 'none'; frame-ancestors 'none'"
OURS = "default-src 'none'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'"
PAGES = {
    "/docs": f"{OURS}; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",  # Swagger UI styles its elements one by one
    "/staff/": f"{OURS}; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
}


class ContentPolicyMiddleware:
    """`Content-Security-Policy` on every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", policy_of(request.path))
        return response


def policy_of(path: str) -> str:
    """The policy of a path."""
    return next((policy for page, policy in PAGES.items() if path.startswith(page)), NOTHING)
