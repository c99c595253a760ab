"""Serve the staff site: Django's admin with users and agencies, mostly read-only, with a rate-limited login."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.models import Agency, Person
from accounts.people import rate_limits, second_factors, sessions
from config.staff import second_step
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

    def get_urls(self) -> list[Any]:
        return [path("login/code/", self.login_code, name="login_code"), *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show and process Django's login page.

        Failures are limited by client address, and per e-mail address. A user with a second factor is asked
        for it on the next page.
        """
        if request.method != "POST":
            return super().login(request, extra_context)
        # Counted before the password is checked: many attempts at once cannot all be the last one allowed.
        mailbox = request.POST.get("username", "").strip()
        attempt = rate_limits.count_attempt(request=request, kind="password", mailbox=mailbox)
        if attempt is None:
            return _too_many_attempts()
        # End any session that came with the request: signing in must begin a new one with a new key.
        logout(request)
        response = super().login(request, extra_context)
        person = request.user
        if not isinstance(person, Person):
            return response
        attempt.cancel()
        if not second_factors.exists_for(person.pk):
            _admit(request, person)
            return response
        # The password alone must leave no session of the user.
        logout(request)
        second_step.begin(request=request, person=person, target=response["Location"], now=timezone.now())
        return redirect("staff:login_code")

    @method_decorator((never_cache, csrf_protect))
    def login_code(self, request: HttpRequest) -> HttpResponse:
        """Show and process the page that asks for the second factor."""
        pending = second_step.get(request=request, now=timezone.now())
        if pending is None:
            return redirect("staff:login")
        if request.method == "POST":
            attempt = rate_limits.count_attempt(
                request=request, kind="second_factor", mailbox=pending.person.email
            )
            if attempt is None:
                return _too_many_attempts()
            if second_factors.verify_code(person=pending.person, code=request.POST.get("code", "")):
                attempt.cancel()
                # A new key, and without the data of the first step.
                request.session.flush()
                login(request, pending.person, backend=sessions.BACKEND)
                _admit(request, pending.person)
                return HttpResponseRedirect(pending.target)
        context = self.each_context(request) | {"title": "Log in", "failed": request.method == "POST"}
        return render(request, "staff/login_code.html", context)


def _admit(request: HttpRequest, person: Person) -> None:
    """Mark the session as one that began here, and remember the client address."""
    rate_limits.remember_address(request=request, mailbox=person.email)
    request.session[sessions.STAFF] = True
    request.session.set_expiry(SESSION_SECONDS)


def _too_many_attempts() -> HttpResponse:
    return HttpResponse("Too many attempts. Try again later.", status=429, headers={"Retry-After": "300"})


site = StaffSite(name="staff")
site.register(Person, PersonAdmin)
site.register(Agency, AgencyAdmin)
site.disable_action("delete_selected")
