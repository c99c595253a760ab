"""Define the tables of facts as reports state them: the newest known state of each, and the earlier states.

A trigger writes the history table when a fact changes (fact_history.py).
"""

from django.db import models

from metrics.models.account_rows import AccountRow


class OrderState(AccountRow):
    order_id = models.CharField(max_length=19)
    # Longer than a code: orders of other shops have `non_amazon`.
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
    """Store the newest known state of an order."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id")

    class Meta:
        indexes = (
            models.Index("agency_id", "account_id", "ordered_on", name="order_by_day"),
            # To find the account of an order that was reported for another account.
            models.Index("agency_id", "order_id", name="order_by_id"),
        )


class PastOrder(OrderState):
    """Store a state of an order from `recorded_at` until `superseded_at`. A trigger writes it."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "recorded_at")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "ordered_on", name="pastorder_by_day"),)


class OrderItemState(AccountRow):
    order_id = models.CharField(max_length=19)
    sku = models.CharField(max_length=40)
    asin = models.CharField(max_length=10)
    quantity = models.IntegerField(null=True)
    item_status = models.SmallIntegerField(null=True)
    price = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    currency = models.CharField(max_length=3)
    # Of a row without a quantity, the time of the order: a row with one is right, whatever its time.
    stated_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()

    class Meta:
        abstract = True


class OrderItem(OrderItemState):
    """Store the newest known state of an item of an order: all its units with one SKU."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "sku")


class PastOrderItem(OrderItemState):
    """Store a state of an item from `recorded_at` until `superseded_at`. A trigger writes it."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "sku", "recorded_at")


class Statement(AccountRow):
    """Order statements about the same fact by the time that they state, then by receipt, then by line."""

    # The time of receipt if the report states none. It has to have a value to be compared.
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
    reason_code = models.CharField(max_length=40, db_default="")

    class Meta:
        abstract = True


class Defect(DefectState):
    """Store the newest known state of a defect. It is unmatched until its order is loaded."""

    # How the date of feedback can be read, until its order decides (pipeline/feedback_dates.py).
    month_first_on = models.DateField(null=True)
    day_first_on = models.DateField(null=True)
    date_order = models.CharField(max_length=11, default="", db_default="")
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "kind", "reference")


class PastDefect(DefectState):
    """Store a state of a defect from `recorded_at` until `superseded_at`. A trigger writes it."""

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
    is_business = models.BooleanField(db_default=False)
    carrier = models.CharField(max_length=40, db_default="")
    service = models.CharField(max_length=40, db_default="")

    class Meta:
        abstract = True


class Shipment(ShipmentState):
    """Store the newest known state of a package, or of an order without packages."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "package")

    class Meta:
        indexes = (
            models.Index("agency_id", "account_id", "ship_by_on", name="shipment_by_ship_by"),
            models.Index("agency_id", "account_id", "shipped_on", name="shipment_by_day"),
            models.Index("agency_id", "account_id", "deliver_by_on", name="shipment_by_promise"),
            # Partial: few packages are cancelled, and only these are looked for without a day.
            models.Index(
                "agency_id", "account_id", condition=~models.Q(cancelled_by=""), name="shipment_cancelled"
            ),
        )


class PastShipment(ShipmentState):
    """Store a state of a package from `recorded_at` until `superseded_at`. A trigger writes it."""

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
    """Store the newest known state of a return request."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "reference")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "requested_on", name="return_by_day"),)


class PastReturn(ReturnState):
    """Store a state of a return request from `recorded_at` until `superseded_at`. A trigger writes it."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "reference", "recorded_at")


class ReturnItemState(Statement):
    order_id = models.CharField(max_length=19)
    reference = models.CharField(max_length=64)
    sku = models.CharField(max_length=40)
    asin = models.CharField(max_length=10)
    quantity = models.IntegerField(null=True)
    reason_code = models.CharField(max_length=40)

    class Meta:
        abstract = True


class ReturnItem(ReturnItemState):
    """Store the newest known state of an item of a return request. Its SKU is empty if the report names none."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "reference", "sku")


class PastReturnItem(ReturnItemState):
    """Store a state of a returned item from `recorded_at` until `superseded_at`. A trigger writes it."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "reference", "sku", "recorded_at")


class ListingState(Statement):
    marketplace = models.CharField(max_length=2)
    sku = models.CharField(max_length=40)
    source = models.CharField(max_length=10)
    channel = models.CharField(max_length=3)
    asin = models.CharField(max_length=10)
    title = models.CharField(max_length=200)
    quantity = models.IntegerField(null=True)
    price = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    status = models.CharField(max_length=20)

    class Meta:
        abstract = True


class Listing(ListingState):
    """Store the newest known state of a listing."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "marketplace", "sku", "source")


class PastListing(ListingState):
    """Store a state of a listing from `recorded_at` until `superseded_at`. A trigger writes it."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "marketplace", "sku", "source", "recorded_at")


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
    """Store the newest known state of a buyer message: its times, never its text."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "message_id")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "sent_on", name="message_by_day"),)


class PastMessage(MessageState):
    """Store a state of a buyer message from `recorded_at` until `superseded_at`. A trigger writes it."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "message_id", "recorded_at")


class FeedbackCoverage(AccountRow):
    """Store the days of which a report listed all feedback. Feedback that it does not list was removed."""

    marketplace = models.CharField(max_length=2)
    first_on = models.DateField()
    last_on = models.DateField()
    received_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "report_id")


class SourceLoad(AccountRow):
    """Store when a source of facts (`orders`, `defects`, `listings`) was brought up to date, and until when.

    `described_at` is the moment that Amazon's own report describes, and for other sources that of the recording.
    """

    source = models.CharField(max_length=20)
    recorded_at = models.DateTimeField()
    described_at = models.DateTimeField()
    report_id = models.UUIDField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "source", "recorded_at")
