"""Which web pages may read what the API answers: those of the origins that the agency of the answer names."""

import re
from urllib.parse import SplitResult

from corsheaders.conf import conf
from corsheaders.middleware import CorsMiddleware
from django.db import DatabaseError
from django.http import HttpRequest

from accounts.tenancy import context
from accounts.tenancy.principals import Bearer
from api import origins

OPEN = {"/v1/openapi.json", "/docs"}
"""Of nobody's, and to be read by every page."""


class AgencyOrigins(CorsMiddleware):
    """A preflight carries no key, and a refused key belongs to nobody: they are answered for an origin of any agency's."""

    def is_enabled(self, request: HttpRequest) -> bool:
        return bool(re.match(conf.CORS_URLS_REGEX, request.path_info))

    def origin_found_in_white_lists(self, origin: str, url: SplitResult) -> bool:
        return False

    def check_signal(self, request: HttpRequest) -> bool:
        """Where the library asks whoever listens, the agencies are asked."""
        origin, bearer = request.headers["Origin"], getattr(request, "auth", None)
        if request.path_info in OPEN:
            return True
        if isinstance(bearer, Bearer) and request.method != "OPTIONS":
            return origin in bearer.agency.allowed_origins
        return origins.parse(origin) == origin and _is_some_agency_s(origin)


def _is_some_agency_s(origin: str) -> bool:
    try:
        return context.some_agency_allows_origin(origin)
    except DatabaseError:  # the answer says already what is wrong
        return False
