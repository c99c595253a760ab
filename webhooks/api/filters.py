"""Filter the lists of events and deliveries."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from accounts.tenancy import context
from api.filters import Filters, InstantFilter
from webhooks.events.catalogue import PATTERNS, names_of
from webhooks.models import Delivery, Event

CHOICES = [(pattern, pattern) for pattern in PATTERNS]


class EventFilter(Filters):
    type = filters.ChoiceFilter(
        choices=CHOICES,
        method="filter_type",
        label="Return only events of this type, or of all types that match a pattern such as `breach.*`.",
    )
    account = filters.CharFilter(
        method="filter_account", label="Return only events of this account (`acct_…`)."
    )
    since = InstantFilter(
        field_name="occurred_at",
        lookup_expr="gte",
        label="Return only events that occurred at this time or later.",
    )

    class Meta:
        model = Event
        fields = ("type", "account", "since")

    def filter_type(self, events: QuerySet[Event], _name: str, pattern: str) -> QuerySet[Event]:
        return events.filter(type__in=names_of(pattern))

    def filter_account(self, events: QuerySet[Event], _name: str, public_id: str) -> QuerySet[Event]:
        return events.filter(account=context.visible_account(self.request, public_id))


class DeliveryFilter(Filters):
    state = filters.ChoiceFilter(
        choices=Delivery.State.choices, label="Return only deliveries in this state."
    )
    type = filters.ChoiceFilter(
        choices=CHOICES,
        method="filter_type",
        label=(
            "Return only deliveries of events of this type, or of all types that match a pattern such "
            "as `breach.*`."
        ),
    )

    class Meta:
        model = Delivery
        fields = ("state", "type")

    def filter_type(self, deliveries: QuerySet[Delivery], _name: str, pattern: str) -> QuerySet[Delivery]:
        return deliveries.filter(event__type__in=names_of(pattern))
