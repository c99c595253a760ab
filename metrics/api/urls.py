"""Route the paths under /v1/ for metrics, the portfolio, thresholds and breaches."""

from django.urls import path

from accounts.agencies.account_views import Accounts
from metrics.api import breach_views, rule_views, threshold_views, views
from metrics.api.filters import AccountByMetricFilter

urlpatterns = [
    path("accounts", Accounts.as_view(filterset_class=AccountByMetricFilter)),
    path("accounts/<str:account_id>/metrics", views.Metrics.as_view()),
    path("accounts/<str:account_id>/metrics/<str:metric>/history", views.History.as_view()),
    path("accounts/<str:account_id>/metrics/<str:metric>/orders", views.Orders.as_view()),
    path("accounts/<str:account_id>/unmatched-defects", views.UnmatchedDefects.as_view()),
    path("accounts/<str:account_id>/snapshots", views.Snapshots.as_view()),
    path("agency", views.AgencyDetail.as_view()),
    path("rules", rule_views.Rules.as_view()),
    path("portfolio", views.Portfolio.as_view()),
    path("thresholds", threshold_views.ThresholdList.as_view()),
    path("thresholds/<str:threshold_id>", threshold_views.ThresholdDetail.as_view()),
    path("breaches", breach_views.BreachList.as_view()),
    path("breaches/<str:breach_id>", breach_views.BreachDetail.as_view()),
    path("breaches/<str:breach_id>/acknowledge", breach_views.Acknowledge.as_view()),
    path("breaches/<str:breach_id>/snooze", breach_views.Snooze.as_view()),
    path("breaches/<str:breach_id>/assign", breach_views.Assign.as_view()),
    path("breaches/<str:breach_id>/notes", breach_views.Notes.as_view()),
]
