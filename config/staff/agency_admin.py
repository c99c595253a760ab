"""The agencies of the installation by name; one of them from inside, which is noted in its audit log.

Outside of an agency the wall shows names and ids, and that to staff only. Inside, two things can be done, both noted: a key is
revoked, an endpoint disabled.
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
from config.staff.read_only_admin import Looking
from ingestion.models import Report
from webhooks.endpoints import lifecycle as endpoints
from webhooks.models import Endpoint

MOST = 100
KEYS_SHOWN = ("pk", "prefix", "name", "role", "read_only", "created_at", "last_used_at", "expires_at", "revoked_at")


class AgencyPages(Looking):
    list_display = ("name", "public_id", "created_at")
    search_fields = ("name", "id")
    ordering = ("name", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agency]:
        context.set_local(staff="on")
        return super().get_queryset(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An agency from inside."""
        agency = self.get_object(request, object_id)
        if agency is None:
            raise Http404
        context.enter(agency.pk)
        who = _who(request.user)
        if request.method == "POST":
            messages.success(request, _act(agency, request.POST.get("revoke"), request.POST.get("disable"), who))
            return HttpResponseRedirect(request.path)
        audit.note(agency_id=agency.pk, who=who, what="staff.looked", about=agency.public_id, now=timezone.now())
        told = self.admin_site.each_context(request) | {"title": agency.name, "agency": agency} | inside(agency)
        return render(request, "staff/agency.html", told)  # at once: the wall closes with the transaction


def inside(agency: Agency) -> dict[str, Any]:
    """What staff sees of an agency: no secret, no document, no order."""
    mine = {"agency_id": agency.pk}
    told = Endpoint.objects.filter(**mine).order_by("-id")[:MOST]
    return {
        "most": MOST,
        "accounts": SellerAccount.objects.present().filter(**mine).order_by("-id")[:MOST],
        "keys": ApiKey.objects.filter(**mine, kind=ApiKey.Kind.KEY).order_by("-id").only(*KEYS_SHOWN)[:MOST],
        "members": Member.objects.filter(**mine).select_related("person").order_by("-id")[:MOST],
        "endpoints": [(each, urlsplit(each.url).hostname or each.kind) for each in told],
        "states": Report.objects.filter(**mine).values("status").annotate(count=Count("pk")).order_by("status"),
        "reports": Report.objects.filter(**mine).order_by("-id")[:MOST],
        "entries": AuditEntry.objects.filter(**mine).order_by("-id")[:MOST],
    }


def _act(agency: Agency, revoke: str | None, disable: str | None, who: Actor) -> str:
    """Revoke a key, or disable an endpoint; what was done. Raises BadRequest, Http404."""
    now = timezone.now()
    if revoke:
        keys = ApiKey.objects.filter(agency=agency, kind=ApiKey.Kind.KEY, revoked_at=None)
        key = keys.filter(pk=identifiers.private("key", revoke)).first()
        if key is None:
            raise Http404
        api_keys.revoke(key=key, who=who, now=now)
        return f"The key {key.prefix}… opens nothing any more."
    if disable:
        endpoint = Endpoint.objects.filter(agency=agency, pk=identifiers.private("ep", disable)).enabled().first()
        if endpoint is None:
            raise Http404
        endpoints.disable(endpoint=endpoint, reason=Endpoint.Reason.BY_HAND, who=who, now=now)
        return f"The endpoint {endpoint.public_id} is told of nothing any more."
    raise BadRequest("Name a key or an endpoint.")


def _who(user: AbstractBaseUser | AnonymousUser) -> Actor:
    """Return what the agency's audit log calls staff."""
    return Actor("staff", str(user))
