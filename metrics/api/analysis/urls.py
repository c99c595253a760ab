"""Route the paths under /v1/ for the analyses of a metric."""

from django.urls import path

from metrics.api.analysis import cause_views, listing_views, portfolio_cause_views

urlpatterns = [
    path("accounts/<str:account_id>/causes", cause_views.CauseList.as_view()),
    path("accounts/<str:account_id>/listings", listing_views.ListingList.as_view()),
    path("portfolio/causes", portfolio_cause_views.PortfolioCauses.as_view()),
]
