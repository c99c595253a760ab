"""Paths under /v1/ that tell who asks and what is theirs. The list of accounts is narrowed by numbers: metrics/urls.py."""

from django.urls import path

from accounts import views
from accounts.bulk.views import AccountsInBulk
from accounts.keyring import views as keyring

urlpatterns = [
    path("me", views.Me.as_view()),
    path("api-keys", keyring.ApiKeys.as_view()),
    path("api-keys/<str:key_id>", keyring.OneApiKey.as_view()),
    path("api-keys/<str:key_id>/rotate", keyring.KeyRotation.as_view()),
    path("tokens", keyring.Tokens.as_view()),
    path("audit-log", views.AuditLog.as_view()),
    path("accounts/bulk", AccountsInBulk.as_view()),
    path("accounts/<str:account_id>", views.Account.as_view()),
]
