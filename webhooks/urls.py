"""Paths under /v1/ that answer events, and where they go."""

from django.urls import path

from webhooks.views import deliveries, endpoints, events

urlpatterns = [
    path("events", events.Events.as_view()),
    path("event-types", events.EventTypes.as_view()),
    path("webhook-endpoints", endpoints.WebhookEndpoints.as_view()),
    path("webhook-endpoints/<str:endpoint_id>", endpoints.WebhookEndpoint.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/rotate-secret", endpoints.SecretRotation.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/test", endpoints.EndpointTest.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/recover", endpoints.EndpointRecovery.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/deliveries", deliveries.DeliveriesOfEndpoint.as_view()),
    path("deliveries/<str:delivery_id>", deliveries.OneDelivery.as_view()),
    path("deliveries/<str:delivery_id>/redeliver", deliveries.Redelivery.as_view()),
]
