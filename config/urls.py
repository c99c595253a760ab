"""Map all paths of the API to their views."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from api.openapi import document
from config.observability import health, prometheus_view
from config.staff.site import site as staff
from config.web import mailbox_pages, pages

v1: list[URLPattern | URLResolver] = [
    path("openapi.json", document.Document.as_view(), name="openapi"),
    path("", include("accounts.agencies.urls")),
    path("", include("accounts.api_keys.urls")),
    path("", include("accounts.people.api.urls")),
    path("", include("metrics.api.urls")),
    path("", include("metrics.api.analysis.urls")),
    path("", include("webhooks.api.urls")),
    path("", include("ingestion.api.urls")),
]
docs = SpectacularSwaggerSplitView.as_view(url_name="openapi")
urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.Index.as_view()),
    path("v1", pages.ApiIndex.as_view()),
    path("v1/", pages.Index.as_view()),
    path("v1/", include(v1)),
    path("docs", docs),
    path("docs/", docs),
    path("problems", pages.Problems.as_view()),
    path("problems/<str:slug>", pages.OneProblem.as_view()),
    path("mailboxes/confirm", mailbox_pages.ConfirmMailbox.as_view()),
    path("mailboxes/unsubscribe", mailbox_pages.Unsubscribe.as_view()),
    path(".well-known/security.txt", pages.SecurityTxt.as_view()),
    path("healthz", health.HealthView.as_view()),
    path("readyz", health.ReadinessView.as_view()),
    path("metrics", prometheus_view.PrometheusView.as_view()),
]
if settings.STAFF_ADMIN:
    urlpatterns.append(path("staff/", staff.urls))
handler400 = "api.problems.bad_request"
handler404 = "api.problems.not_found"
handler500 = "api.problems.server_error"
