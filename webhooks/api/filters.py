"""What lists of events and of deliveries can be narrowed to."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from accounts.tenancy import context
from api.filters import Filters, InstantFilter
from webhooks.events.catalogue import PATTERNS, names_of
from webhooks.models import Delivery, Event

CHOICES = [(pattern, pattern) for pattern in PATTERNS]


class EventFilter(Filters):
    type = filters.ChoiceFilter(choices=CHOICES, method="of_type", label="Events of this type, or of all that begin so.")
    account = filters.CharFilter(method="of_account", label="Events of this account (acct_…).")
    since = InstantFilter(field_name="occurred_at", lookup_expr="gte", label="Events of this moment and later.")

    class Meta:
        model = Event
        fields = ("type", "account", "since")

    def of_type(self, events: QuerySet[Event], _name: str, pattern: str) -> QuerySet[Event]:
        return events.filter(type__in=names_of(pattern))

    def of_account(self, events: QuerySet[Event], _name: str, public_id: str) -> QuerySet[Event]:
        return events.filter(account=context.account_of(self.request, public_id))


class DeliveryFilter(Filters):
    state = filters.ChoiceFilter(choices=Delivery.State.choices)
    type = filters.ChoiceFilter(choices=CHOICES, method="of_type", label="Of events of this type, or of all that begin so.")

    class Meta:
        model = Delivery
        fields = ("state", "type")

    def of_type(self, deliveries: QuerySet[Delivery], _name: str, pattern: str) -> QuerySet[Delivery]:
        return deliveries.filter(event__type__in=names_of(pattern))
