"""The pages: Django's admin with people and agencies in it, to look at; a login that cannot be tried without end."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse

from accounts.models import Agency, Person
from accounts.people import passage
from config.staff.agencies import AgencyPages
from config.staff.people import PersonPages

SHIFT_SECONDS = 8 * 3600


class StaffSite(AdminSite):
    site_header = site_title = "Underone"
    index_title = "Staff"
    site_url = None
    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's login page; for so many attempts of an address, and at a mailbox."""
        if request.method == "POST":
            name = request.POST.get("username", "").lower()
            if not passage.may_go_on(request=request, action="staff_login", key=name):
                return HttpResponse("Too many attempts. Try again later.", status=429, headers={"Retry-After": "300"})
        answer = super().login(request, extra_context)
        if request.method == "POST" and request.user.is_authenticated:
            request.session.set_expiry(SHIFT_SECONDS)
        return answer


site = StaffSite(name="staff")
site.register(Person, PersonPages)
site.register(Agency, AgencyPages)
site.disable_action("delete_selected")
