"""Define the order defect rate and its three parts.

Sources: Seller Central help 200285170 (Order Defect Rate); metrics/rules/defects.py for what counts.
"""

from metrics.rules.catalogue.metric import BOTH_CHANNELS, Count, Metric, Ratio
from metrics.rules.catalogue.rows import Orders
from metrics.rules.defects import ODR_KINDS
from metrics.rules.facts import DefectKind

# Every part has the reasons of all three: any of them puts an order into the denominator.
ROWS = Orders(kinds=ODR_KINDS)
IS_DEFECTIVE = "(by_feedback OR by_a_to_z_claim OR by_chargeback)"
# An order with a counted defect is in the denominator whatever its status, or a rate could exceed 1.
IN_DENOMINATOR = Count("orders", f"is_in OR {IS_DEFECTIVE}")
FEEDBACK = Count("negative_feedback_orders", f"by_{DefectKind.FEEDBACK}")
CLAIMS = Count("a_to_z_claim_orders", f"by_{DefectKind.A_TO_Z_CLAIM}")
CHARGEBACKS = Count("chargeback_orders", f"by_{DefectKind.CHARGEBACK}")
PART = "Each order counts once. Amazon judges this only as a part of the order defect rate."


def _part(code: str, numerator: Count, kind: DefectKind, defects: str) -> Metric:
    return Metric(
        code=code,
        explanation=f"Orders with {defects}, out of all orders. {PART}",
        rows=ROWS,
        ratio=Ratio(numerator, IN_DENOMINATOR),
        channels=BOTH_CHANNELS,
        own_kinds=(kind,),
    )


METRICS = (
    Metric(
        code="order_defect_rate",
        explanation=(
            "Orders with negative feedback (1 or 2 stars), a counted A-to-z claim or a service chargeback, out of all "
            "orders, by the day of the order. Returns, cancellations and late replies do not count."
        ),
        rows=ROWS,
        ratio=Ratio(Count("defective_orders", IS_DEFECTIVE), IN_DENOMINATOR),
        channels=BOTH_CHANNELS,
        parts=(("negative_feedback", FEEDBACK), ("a_to_z_claims", CLAIMS), ("chargebacks", CHARGEBACKS)),
    ),
    _part("negative_feedback_rate", FEEDBACK, DefectKind.FEEDBACK, "feedback of 1 or 2 stars"),
    _part(
        "a_to_z_claim_rate", CLAIMS, DefectKind.A_TO_Z_CLAIM, "an A-to-z claim that counts against the seller"
    ),
    _part("chargeback_rate", CHARGEBACKS, DefectKind.CHARGEBACK, "a service chargeback"),
)
