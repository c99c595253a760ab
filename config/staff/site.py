"""The pages: Django's admin with people and agencies in it, to look at; a login that cannot be tried without end."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from accounts.models import Agency, Person
from accounts.people import allauth_client, sessions
from accounts.requests import rate_limits
from config.staff.agency_admin import AgencyPages
from config.staff.person_admin import PersonPages

SHIFT_SECONDS = 8 * 3600


class StaffSite(AdminSite):
    site_header = site_title = "Underone"
    index_title = "Staff"
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff that signed in here: a session of the API is a row of the same table, and its key would do as a cookie."""
        return bool(super().has_permission(request) and request.session.get(sessions.OF_STAFF))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's login page; for so many failures of an address, fewer of them at one mailbox."""
        if request.method != "POST":
            return super().login(request, extra_context)
        attempt = allauth_client.attempt(request=request, action="staff_login", key=_tried(request))
        if attempt is None:
            return HttpResponse("Too many attempts. Try again later.", status=429, headers={"Retry-After": "300"})
        logout(request)  # whatever session came along: who signs in does it anew, under another key
        answer = super().login(request, extra_context)
        if request.user.is_authenticated:
            attempt.take_back()
            request.session[sessions.OF_STAFF] = True
            request.session.set_expiry(SHIFT_SECONDS)
        return answer


def _tried(request: HttpRequest) -> str:
    """The mailbox and who tries it: nobody shuts staff out by guessing from elsewhere."""
    return f"{rate_limits.address_of(request.META)} {request.POST.get('username', '').strip().lower()}"


site = StaffSite(name="staff")
site.register(Person, PersonPages)
site.register(Agency, AgencyPages)
site.disable_action("delete_selected")
