"""Paths under /v1/ that answer numbers."""

from django.urls import path

from accounts.agencies.views import Accounts
from metrics import views
from metrics.filters import AccountByMetricFilter
from metrics.watch.views import breaches, thresholds

urlpatterns = [
    path("accounts", Accounts.as_view(filterset_class=AccountByMetricFilter)),
    path("accounts/<str:account_id>/metrics", views.Metrics.as_view()),
    path("accounts/<str:account_id>/metrics/<str:metric>/history", views.History.as_view()),
    path("accounts/<str:account_id>/metrics/<str:metric>/orders", views.Orders.as_view()),
    path("accounts/<str:account_id>/snapshots", views.Snapshots.as_view()),
    path("agency", views.AgencyChoices.as_view()),
    path("portfolio", views.Portfolio.as_view()),
    path("thresholds", thresholds.Thresholds.as_view()),
    path("thresholds/<str:threshold_id>", thresholds.OneThreshold.as_view()),
    path("breaches", breaches.Breaches.as_view()),
    path("breaches/<str:breach_id>", breaches.OneBreach.as_view()),
    path("breaches/<str:breach_id>/acknowledge", breaches.Acknowledge.as_view()),
    path("breaches/<str:breach_id>/snooze", breaches.SnoozeIt.as_view()),
    path("breaches/<str:breach_id>/assign", breaches.Assign.as_view()),
    path("breaches/<str:breach_id>/notes", breaches.Notes.as_view()),
]
