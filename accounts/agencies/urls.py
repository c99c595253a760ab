"""Paths under /v1/ that tell who asks and what is theirs. The list of accounts is narrowed by numbers: metrics/api/urls.py."""

from django.urls import path

from accounts.agencies import views as agency_views
from accounts.agencies.bulk_views import AccountsInBulk
from accounts.api_keys import views as keyring

urlpatterns = [
    path("me", agency_views.Me.as_view()),
    path("api-keys", keyring.ApiKeys.as_view()),
    path("api-keys/<str:key_id>", keyring.OneApiKey.as_view()),
    path("api-keys/<str:key_id>/rotate", keyring.KeyRotation.as_view()),
    path("tokens", keyring.Tokens.as_view()),
    path("audit-log", agency_views.AuditLog.as_view()),
    path("accounts/bulk", AccountsInBulk.as_view()),
    path("accounts/<str:account_id>", agency_views.Account.as_view()),
]
