"""The saved cards, as the API's description shows them."""

from commercecore_payments.openapi.operations import OF_STRIPE, OF_STRIPE_READ, AppSchema, Described, Link
from commercecore_payments.openapi.shapes import closed, flag, identifier, integer, list_of, nullable, one_of, ref, text
from paymentmethods import errors, serializers
from paymentmethods.models import Status
from transactions.schema import CLIENT_SECRET, NEXT_ACTION

FACTS = {
    "payment_method_id": identifier("pm", "The saved card's id, which is Stripe's."),
    "status": one_of(Status.values),
    "type": text(),
    "brand": text("Such as `visa`; empty where Stripe has not told it."),
    "last4": text("The last digits, or empty."),
    "exp_month": nullable(integer(minimum=1, maximum=12)),
    "exp_year": nullable(integer(minimum=1970)),
    "preferred": flag("Whether it is the user's preferred one."),
    "user_id": text("The developer's user whose card it is."),
}

COMPONENTS = {
    "PaymentMethod": closed(FACTS),
    "ChangedPaymentMethod": closed({"message": text(), **FACTS}),
    "SavedPaymentMethod": closed(
        {"message": text(), **FACTS, "next_action": nullable(NEXT_ACTION), "client_secret": CLIENT_SECRET},
        optional=("next_action", "client_secret"),
        description="`next_action` and `client_secret` where the buyer has to act before the card is saved.",
    ),
    "PaymentMethodList": closed({"payment_methods": list_of(ref("PaymentMethod")), "has_more": flag("Whether more follow.")}),
}

_ID = {"id": "/data/payment_method_id"}

OPERATIONS = {
    "POST /payment-methods": Described(
        summary="Save a payment method",
        description="Saves a card that the buyer made at Stripe. A card number has no place here.",
        body=serializers.SavePaymentMethodRequest,
        status=201,
        message=True,
        data=ref("SavedPaymentMethod"),
        errors=(*OF_STRIPE, errors.PaymentMethodDeclined, errors.PaymentMethodRefused, errors.PaymentMethodNotFound),
        leads_to={
            "prefer": Link("POST /payment-methods/{id}/preferred", path=_ID),
            "forget": Link("DELETE /payment-methods/{id}", path=_ID),
        },
    ),
    "GET /payment-methods": Described(
        summary="List saved payment methods",
        description="The user's saved cards, newest first.",
        query=serializers.ListPaymentMethodsQuery,
        data=ref("PaymentMethodList"),
        is_paged=True,
        errors=OF_STRIPE_READ,
    ),
    "POST /payment-methods/{id}/preferred": Described(
        summary="Prefer a payment method",
        description="Makes it the user's preferred one, and no other.",
        body=serializers.PreferPaymentMethodRequest,
        message=True,
        data=ref("ChangedPaymentMethod"),
        errors=(errors.PaymentMethodNotFound,),
    ),
    "DELETE /payment-methods/{id}": Described(
        summary="Forget a payment method",
        description="For good: Stripe lets nobody use it again.",
        message=True,
        data=ref("ChangedPaymentMethod"),
        errors=(*OF_STRIPE, errors.PaymentMethodNotFound),
    ),
}

SCHEMA = AppSchema(
    tag="Payment Method",
    description="Cards saved for a user of the developer's. All apps of the developer that name the user share them.",
    components=COMPONENTS,
    operations=OPERATIONS,
)
