"""Random lives of payments at a seller: through our API, past it at Stripe, and by what buyers, banks and time do."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import stripe

from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from sandbox.api.errors import StripeError
from sandbox.models import SandboxObject
from sandbox.money import dispute_orders, refund_lifecycle
from sandbox.timeline import due
from stripe_events.models import StripeEvent
from stripe_events.tests.arrivals import arrive, work

CARDS = (
    *("pm_card_visa", "pm_card_bypassPending", "pm_card_chargeDeclined", "pm_card_authenticationRequired"),
    *("pm_card_refundFail", "pm_card_pendingRefund", "pm_card_createDispute", "pm_card_createDisputeInquiry"),
    *("pm_card_riskLevelElevated", "pm_card_radarBlock", "pm_card_jcb"),
)
BANK_ACCOUNTS = (
    *("pm_usBankAccount_success", "pm_usBankAccount_processing", "pm_usBankAccount_noAccount"),
    *("pm_usBankAccount_dispute", "pm_usBankAccount_weeklyLimitExceeded"),
)
# What is left to the buyer's bank, with what it may say.
REFUND_ENDS = ("succeeded", "failed", "requires_action", "pending")


class Lives:
    """One seller's payments. Each act is one thing that somebody does; what is refused changes nothing, which is as well."""

    def __init__(self, tenant: Tenant, seller: str, seed: int) -> None:
        self.tenant, self.seller = tenant, seller
        self.random = Random(seed)
        self.intents: list[str] = []
        self.told: list[str] = []
        stripe_client().v1.accounts.update(seller, {"capabilities": {"us_bank_account_ach_payments": {"requested": True}}})

    def play(self, acts: int) -> None:
        """Does so many things, and sees that all of Stripe's events have come and are applied in the end."""
        for _ in range(acts):
            act = self.random.choice(ACTS)
            self.told.append(act.__name__)
            try:
                act(self)
            except (stripe.StripeError, StripeError) as refused:
                self.told.append(f"refused: {refused}")
            if self.random.random() < 0.3:
                self.hear()
        due.move_clock(timedelta(minutes=1))  # what a buyer's bank does within seconds is done before anything is compared
        self.hear()

    def hear(self) -> None:
        """Stripe's events that have not come yet come, in no order."""
        known = StripeEvent.objects.values_list("event_id", flat=True)
        rows = SandboxObject.objects.filter(object_type="event").exclude(stripe_id__in=list(known))
        events = [row.data for row in rows]
        self.random.shuffle(events)
        arrive(events)
        work(ahead_s=60)

    def create(self) -> None:
        more: dict[str, Any] = {"capture_method": "manual"} if self.random.random() < 0.4 else {}
        if self.random.random() < 0.4:
            more["application_fee_amount"] = self.random.randrange(0, 300)
        more["currency"] = self.random.choice(("usd", "usd", "eur", "jpy"))
        order_id = f"order-{self.random.randrange(10_000)}"
        body = {"order_id": order_id, "account_id": self.seller, "amount": self.random.randrange(400, 9000), **more}
        answer = self.tenant.post("/transactions", body).json()
        if "data" in answer and "transaction_id" in answer["data"]:
            self.intents.append(answer["data"]["transaction_id"])

    def confirm(self) -> None:
        self.tenant.confirm(self.seller, self.some(), self.random.choice(CARDS))

    def capture(self) -> None:
        asked = {"amount": self.random.randrange(100, 3000)} if self.random.random() < 0.7 else {}
        self.tenant.post(f"/transactions/{self.some()}/capture", asked)

    def cancel(self) -> None:
        self.tenant.post(f"/transactions/{self.some()}/cancel", {})

    def refund(self) -> None:
        asked: dict[str, Any] = {"account_id": self.seller, "transaction_id": self.some()}
        if self.random.random() < 0.7:
            asked["amount"] = self.random.randrange(50, 2000)
        self.tenant.post("/refunds", asked)

    def pay_past_us(self) -> None:
        asked: dict[str, Any] = {"amount": self.random.randrange(400, 9000), "confirm": True}
        if self.random.random() < 0.5:
            asked |= {"currency": "usd", "payment_method": self.random.choice(BANK_ACCOUNTS)}
            asked |= {"allowed_payment_method_types": ["us_bank_account"], "return_url": "https://example.com/back"}
            asked["mandate_data"] = {"customer_acceptance": {"type": "offline"}}
        else:
            asked |= {"currency": self.random.choice(("usd", "jpy")), "payment_method": self.random.choice(CARDS)}
            asked["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
            asked["capture_method"] = self.random.choice(("manual", "automatic"))
        made: Any = asked
        self.intents.append(stripe_client().v1.payment_intents.create(made, self.at).id)

    def refund_past_us(self) -> None:
        asked: Any = {"payment_intent": self.some(), "amount": self.random.randrange(50, 2000)}
        stripe_client().v1.refunds.create(asked, self.at)

    def capture_past_us(self) -> None:
        asked: Any = {"amount_to_capture": self.random.randrange(100, 3000)}
        stripe_client().v1.payment_intents.capture(self.some(), asked, self.at)

    def cancel_past_us(self) -> None:
        stripe_client().v1.payment_intents.cancel(self.some(), {}, self.at)

    def decide_dispute(self) -> None:
        row = self.any_of("dispute")
        if row is not None:
            dispute_orders.move(row.stripe_id, self.random.choice(list(dispute_orders.NEXT)))

    def decide_refund(self) -> None:
        row = self.any_of("refund")
        if row is not None:
            refund_lifecycle.order(row.stripe_id, self.random.choice(REFUND_ENDS))

    def pay_out(self) -> None:
        asked: Any = {"amount": self.random.randrange(100, 2000), "currency": "usd"}
        stripe_client().v1.payouts.create(asked, self.at)

    def cancel_payout(self) -> None:
        row = self.any_of("payout")
        if row is not None:
            stripe_client().v1.payouts.cancel(row.stripe_id, {}, self.at)

    def wait(self) -> None:
        due.move_clock(timedelta(hours=self.random.randrange(1, 96)))

    @property
    def at(self) -> Any:
        return {"stripe_account": self.seller}

    def some(self) -> str:
        return self.random.choice(self.intents) if self.intents else "pi_none"

    def any_of(self, kind: str) -> SandboxObject | None:
        rows = list(SandboxObject.objects.filter(object_type=kind, account=self.seller).order_by("pk"))
        return self.random.choice(rows) if rows else None


ACTS: tuple[Callable[[Lives], None], ...] = (
    *(Lives.create,) * 5,
    *(Lives.confirm,) * 6,
    *(Lives.capture,) * 3,
    *(Lives.refund,) * 3,
    *(Lives.pay_past_us,) * 2,
    *(Lives.cancel, Lives.refund_past_us, Lives.capture_past_us, Lives.cancel_past_us),
    *(Lives.decide_dispute, Lives.decide_refund) * 2,
    *(Lives.pay_out, Lives.cancel_payout, Lives.wait),
)
