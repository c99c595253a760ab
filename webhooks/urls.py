"""Paths under /v1/ that answer events."""

from django.urls import path

from webhooks import views

urlpatterns = [
    path("events", views.Events.as_view()),
    path("event-types", views.EventTypes.as_view()),
]
