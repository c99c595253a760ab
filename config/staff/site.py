"""The pages: Django's admin with people and agencies in it, to look at; a login that cannot be tried without end."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from accounts.models import Agency, Person
from accounts.people import passage, sessions
from config.staff.agencies import AgencyPages
from config.staff.people import PersonPages

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
        """Django's login page; for so many attempts of an address, and at a mailbox."""
        if request.method == "POST":
            name = request.POST.get("username", "").lower()
            if not passage.may_go_on(request=request, action="staff_login", key=name):
                return HttpResponse("Too many attempts. Try again later.", status=429, headers={"Retry-After": "300"})
            logout(request)  # whatever session came along: who signs in does it anew, under another key
        answer = super().login(request, extra_context)
        if request.method == "POST" and request.user.is_authenticated:
            request.session[sessions.OF_STAFF] = True
            request.session.set_expiry(SHIFT_SECONDS)
        return answer


site = StaffSite(name="staff")
site.register(Person, PersonPages)
site.register(Agency, AgencyPages)
site.disable_action("delete_selected")
