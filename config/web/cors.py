"""Allow web pages to read responses if the agency allows their origin."""

import re
from urllib.parse import SplitResult

from corsheaders.conf import conf
from corsheaders.middleware import CorsMiddleware
from django.db import DatabaseError
from django.http import HttpRequest

from accounts.tenancy import context
from accounts.tenancy.principals import Principal
from api import origins

# Paths without an agency's data. Every web page may read them.
PUBLIC = {"/v1/openapi.json", "/docs"}


class AgencyCorsMiddleware(CorsMiddleware):
    """Allow the origins of the principal's agency.

    Preflight requests have no key, and failed authentications have no agency. Both are allowed if any agency
    allows the origin.
    """

    def is_enabled(self, request: HttpRequest) -> bool:
        return bool(re.match(conf.CORS_URLS_REGEX, request.path_info))

    def origin_found_in_white_lists(self, origin: str, url: SplitResult) -> bool:
        return False

    def check_signal(self, request: HttpRequest) -> bool:
        """Return whether the origin is allowed.

        The agencies decide it, not the signal of django-cors-headers.
        """
        origin, principal = request.headers["Origin"], getattr(request, "auth", None)
        if request.path_info in PUBLIC:
            return True
        if isinstance(principal, Principal) and request.method != "OPTIONS":
            return origin in principal.agency.allowed_origins
        # Browsers send origins in one form. Anything else, such as `null`, needs no query.
        return origins.parse(origin) == origin and _is_allowed_by_any_agency(origin)


def _is_allowed_by_any_agency(origin: str) -> bool:
    try:
        return context.origin_is_allowed(origin)
    except DatabaseError:
        # The response already reports the database's failure.
        return False
