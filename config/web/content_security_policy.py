"""Set `Content-Security-Policy`, so that a browser loads nothing, except on two paths with pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

NOTHING = "default-src 'none'; frame-ancestors 'none'"
OWN_ORIGIN = (
    "default-src 'none'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src "
    "'self'; base-uri 'none'"
)
PAGES = {
    # Swagger UI sets inline styles on its elements.
    "/docs": f"{OWN_ORIGIN}; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "/staff/": f"{OWN_ORIGIN}; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
}


class ContentSecurityPolicyMiddleware:
    """Set the policy on every response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        # Some pages have a stricter policy of their own (config/web/pages.py).
        response.setdefault("Content-Security-Policy", policy_of(request.path))
        return response


def policy_of(path: str) -> str:
    """Return the policy of a path."""
    return next((policy for page, policy in PAGES.items() if path.startswith(page)), NOTHING)
