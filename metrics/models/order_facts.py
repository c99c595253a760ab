"""Facts as reports state them: the newest known state of each, and the states before.

A trigger writes the past table when a fact changes (fact_history.py).
"""

from django.db import models

from metrics.models.account_rows import AccountRow


class OrderState(AccountRow):
    order_id = models.CharField(max_length=19)
    marketplace = models.CharField(max_length=10)
    channel = models.CharField(max_length=3)
    status = models.SmallIntegerField()
    ordered_at = models.DateTimeField()
    ordered_on = models.DateField()
    last_updated_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()

    class Meta:
        abstract = True


class Order(OrderState):
    """The newest known state of an order."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "ordered_on", name="order_by_day"),)


class PastOrder(OrderState):
    """A state that an order had from `recorded_at` until `superseded_at`. Written by the database when the order changes."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "recorded_at")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "ordered_on", name="pastorder_by_day"),)


class Statement(AccountRow):
    """What makes one statement right and another not: the moment it speaks of, then when it was received, then its line."""

    stated_at = models.DateTimeField()
    received_at = models.DateTimeField()
    line = models.IntegerField()
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()

    class Meta:
        abstract = True


class DefectState(Statement):
    order_id = models.CharField(max_length=19)
    kind = models.CharField(max_length=16)
    reference = models.CharField(max_length=64)
    state = models.CharField(max_length=20)
    rating = models.SmallIntegerField(null=True)
    occurred_on = models.DateField(null=True)
    funded_by = models.CharField(max_length=10)
    counts = models.BooleanField()

    class Meta:
        abstract = True


class Defect(DefectState):
    """The newest known state of a defect. Its order may not be known yet: then it is unmatched and waits."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "kind", "reference")


class PastDefect(DefectState):
    """A state that a defect had from `recorded_at` until `superseded_at`. Written by the database when the defect changes."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "kind", "reference", "recorded_at")


class ShipmentState(Statement):
    order_id = models.CharField(max_length=19)
    package = models.CharField(max_length=64)
    units = models.IntegerField()
    ship_by_on = models.DateField(null=True)
    shipped_on = models.DateField(null=True)
    is_late = models.BooleanField(null=True)
    is_scanned = models.BooleanField(null=True)
    deliver_by_on = models.DateField(null=True)
    delivered_on = models.DateField(null=True)
    is_on_time = models.BooleanField(null=True)
    is_invoiced_in_time = models.BooleanField(null=True)
    cancelled_by = models.CharField(max_length=11)

    class Meta:
        abstract = True


class Shipment(ShipmentState):
    """The newest known state of a package of an order, or of an order that has none yet."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "package")

    class Meta:
        indexes = (
            models.Index("agency_id", "account_id", "ship_by_on", name="shipment_by_ship_by"),
            models.Index("agency_id", "account_id", "shipped_on", name="shipment_by_day"),
            models.Index("agency_id", "account_id", "deliver_by_on", name="shipment_by_promise"),
            models.Index("agency_id", "account_id", condition=~models.Q(cancelled_by=""), name="shipment_cancelled"),
        )


class PastShipment(ShipmentState):
    """A state that a package had from `recorded_at` until `superseded_at`. Written by the database when it changes."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "package", "recorded_at")


class ReturnState(Statement):
    order_id = models.CharField(max_length=19)
    reference = models.CharField(max_length=64)
    requested_on = models.DateField()
    state = models.CharField(max_length=20)
    is_return = models.BooleanField()
    is_dissatisfied = models.BooleanField(null=True)
    reason = models.CharField(max_length=20)

    class Meta:
        abstract = True


class Return(ReturnState):
    """The newest known state of a return request."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "reference")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "requested_on", name="return_by_day"),)


class PastReturn(ReturnState):
    """A state that a request had from `recorded_at` until `superseded_at`. Written by the database when it changes."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "reference", "recorded_at")


class MessageState(Statement):
    message_id = models.CharField(max_length=64)
    marketplace = models.CharField(max_length=2)
    order_id = models.CharField(max_length=19)
    sent_on = models.DateField()
    needs_answer = models.BooleanField()
    answered_on = models.DateField(null=True)
    is_answered_in_time = models.BooleanField(null=True)

    class Meta:
        abstract = True


class Message(MessageState):
    """The newest known state of a buyer message: when it came and when it was answered, never what it says."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "message_id")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "sent_on", name="message_by_day"),)


class PastMessage(MessageState):
    """A state that a message had from `recorded_at` until `superseded_at`. Written by the database when it changes."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "message_id", "recorded_at")


class FeedbackCoverage(AccountRow):
    """A report named all feedback of these days, as it was received: what it does not name was removed."""

    marketplace = models.CharField(max_length=2)
    first_on = models.DateField()
    last_on = models.DateField()
    received_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "report_id")


class SourceLoad(AccountRow):
    """A source of facts (`orders`, `defects`) was brought up to date at a moment. Silence shows as age."""

    source = models.CharField(max_length=20)
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "source", "recorded_at")
