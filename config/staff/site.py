"""Serve the staff site: Django's admin with users and agencies, mostly read-only, with a rate-limited login."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from accounts.models import Agency, Person
from accounts.people import rate_limits, sessions
from config.staff.agency_admin import AgencyAdmin
from config.staff.person_admin import PersonAdmin

SESSION_SECONDS = 8 * 3600


class StaffSite(AdminSite):
    """Admit staff users who signed in on this site."""

    site_header = site_title = "Underone"
    index_title = "Staff"
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is staff and the session began here."""
        # Sessions of the API are in the same table; without the mark, the key of one would work as this
        # site's cookie.
        return bool(super().has_permission(request) and request.session.get(sessions.STAFF))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show and process Django's login page.

        Failures are limited by client address, and per e-mail address.
        """
        if request.method != "POST":
            return super().login(request, extra_context)
        # Counted before the password is checked: many attempts at once cannot all be the last one allowed.
        mailbox = request.POST.get("username", "").strip()
        attempt = rate_limits.count_attempt(request=request, kind="password", mailbox=mailbox)
        if attempt is None:
            return HttpResponse(
                "Too many attempts. Try again later.", status=429, headers={"Retry-After": "300"}
            )
        # End any session that came with the request: signing in must begin a new one with a new key.
        logout(request)
        response = super().login(request, extra_context)
        if request.user.is_authenticated:
            attempt.cancel()
            rate_limits.remember_address(request=request, mailbox=mailbox)
            request.session[sessions.STAFF] = True
            request.session.set_expiry(SESSION_SECONDS)
        return response


site = StaffSite(name="staff")
site.register(Person, PersonAdmin)
site.register(Agency, AgencyAdmin)
site.disable_action("delete_selected")
