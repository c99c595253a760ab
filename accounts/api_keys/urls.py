"""Route the paths under /v1/ for API keys and tokens."""

from django.urls import path

from accounts.api_keys import views

urlpatterns = [
    path("api-keys", views.ApiKeys.as_view()),
    path("api-keys/<str:key_id>", views.ApiKeyDetail.as_view()),
    path("api-keys/<str:key_id>/rotate", views.ApiKeyRotation.as_view()),
    path("tokens", views.Tokens.as_view()),
]
