"""Route the paths under /v1/ for events, webhook endpoints and deliveries."""

from django.urls import path

from webhooks.api import confirmation_views, delivery_views, endpoint_views, event_views

urlpatterns = [
    path("events", event_views.Events.as_view()),
    path("event-types", event_views.EventTypes.as_view()),
    path("webhook-endpoints", endpoint_views.WebhookEndpoints.as_view()),
    path("webhook-endpoints/confirm", confirmation_views.Confirm.as_view()),
    path("webhook-endpoints/<str:endpoint_id>", endpoint_views.WebhookEndpoint.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/rotate-secret", endpoint_views.SecretRotation.as_view()),
    path(
        "webhook-endpoints/<str:endpoint_id>/send-confirmation", confirmation_views.SendConfirmation.as_view()
    ),
    path("webhook-endpoints/<str:endpoint_id>/test", endpoint_views.EndpointTest.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/recover", endpoint_views.EndpointRecovery.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/deliveries", delivery_views.EndpointDeliveries.as_view()),
    path("deliveries/<str:delivery_id>", delivery_views.DeliveryDetail.as_view()),
    path("deliveries/<str:delivery_id>/redeliver", delivery_views.Redelivery.as_view()),
]
