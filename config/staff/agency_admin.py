"""Admin pages of agencies: a list by name, and a page of one agency.

Row-level security shows staff only the names and IDs of agencies in the list. Opening one agency sets the
tenant context and is recorded in its audit log, and so are the two actions on that page: revoke an API key,
disable an endpoint.
"""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import BadRequest
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from accounts import audit
from accounts.api_keys import lifecycle as api_keys
from accounts.models import Actor, Agency, ApiKey, AuditEntry, Member, SellerAccount
from accounts.tenancy import context
from api import identifiers
from config.staff.read_only_admin import ReadOnlyAdmin
from ingestion.models import Report
from webhooks.endpoints import lifecycle as endpoint_lifecycle
from webhooks.models import Endpoint

MAX_ROWS = 100
KEYS_SHOWN = (
    "pk",
    "prefix",
    "name",
    "role",
    "read_only",
    "created_at",
    "last_used_at",
    "expires_at",
    "revoked_at",
)


class AgencyAdmin(ReadOnlyAdmin):
    """List agencies, and show one with its accounts, keys, members, endpoints, reports and audit log."""

    list_display = ("name", "public_id", "created_at")
    search_fields = ("name", "id")
    ordering = ("name", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agency]:
        # A policy shows agencies' names and IDs to transactions with this setting.
        context.set_local(staff="on")
        return super().get_queryset(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one agency, or perform an action on it (POST)."""
        agency = self.get_object(request, object_id)
        if agency is None:
            raise Http404
        # Only after the agency was found: from here on the transaction sees its rows.
        context.set_agency(agency.pk)
        actor = _actor(request.user)
        if request.method == "POST":
            messages.success(
                request, _act(agency, request.POST.get("revoke"), request.POST.get("disable"), actor)
            )
            return HttpResponseRedirect(request.path)
        audit.record(
            agency_id=agency.pk, actor=actor, what="staff.looked", about=agency.public_id, now=timezone.now()
        )
        template_context = (
            self.admin_site.each_context(request) | {"title": agency.name, "agency": agency} | details(agency)
        )
        # Render now: the tenant context ends with the transaction, before Django would render a
        # TemplateResponse.
        return render(request, "staff/agency.html", template_context)


def details(agency: Agency) -> dict[str, Any]:
    """Return the details of an agency that staff may see, without secrets, contents of reports, and orders."""
    own = {"agency_id": agency.pk}
    endpoints = Endpoint.objects.filter(**own).order_by("-id")[:MAX_ROWS]
    return {
        "most": MAX_ROWS,
        "accounts": SellerAccount.objects.filter(**own).order_by("-id")[:MAX_ROWS],
        "keys": ApiKey.objects.filter(**own, kind=ApiKey.Kind.KEY)
        .order_by("-id")
        .only(*KEYS_SHOWN)[:MAX_ROWS],
        "members": Member.objects.filter(**own).select_related("person").order_by("-id")[:MAX_ROWS],
        "endpoints": [(each, urlsplit(each.url).hostname or each.kind) for each in endpoints],
        "states": Report.objects.filter(**own)
        .values("status")
        .annotate(count=Count("pk"))
        .order_by("status"),
        "reports": Report.objects.filter(**own).order_by("-id")[:MAX_ROWS],
        "entries": AuditEntry.objects.filter(**own).order_by("-id")[:MAX_ROWS],
    }


def _act(agency: Agency, revoke: str | None, disable: str | None, actor: Actor) -> str:
    """Revoke a key or disable an endpoint, and return a message about it. Raises BadRequest, Http404."""
    now = timezone.now()
    if revoke:
        keys = ApiKey.objects.filter(agency=agency, kind=ApiKey.Kind.KEY, revoked_at=None)
        key = keys.filter(pk=identifiers.private("key", revoke)).first()
        if key is None:
            raise Http404
        api_keys.revoke(key=key, actor=actor, now=now)
        return f"The API key {key.prefix}… was revoked."
    if disable:
        endpoint = (
            Endpoint.objects.filter(agency=agency, pk=identifiers.private("ep", disable)).enabled().first()
        )
        if endpoint is None:
            raise Http404
        endpoint_lifecycle.disable(endpoint=endpoint, reason=Endpoint.Reason.BY_HAND, actor=actor, now=now)
        return f"The endpoint {endpoint.public_id} was disabled."
    raise BadRequest("Expected an API key or an endpoint.")


def _actor(user: AbstractBaseUser | AnonymousUser) -> Actor:
    """Return a staff user as the agency's audit log shows it."""
    return Actor("staff", str(user))
