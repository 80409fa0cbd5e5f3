"""What the people of a simulated marketplace ask for: every decision comes from one random generator.

They know what the service answered, and nothing else: an id that was lost with its answer is found by asking again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from proofs.world import World

CARDS = (
    "pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_mastercard", "pm_card_bypassPending",
    "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_chargeCustomerFail",
    "pm_card_authenticationRequired", "pm_card_threeDSecureRequiredChargeDeclined", "pm_card_authenticationRequiredOnSetup",
    "pm_card_pendingRefund", "pm_card_refundFail", "pm_card_unknown",
)  # fmt: skip
DECLINED_CARDS = ("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds")
CARDS_TO_SAVE = (
    "pm_card_visa", "pm_card_visa", "pm_card_mastercard", "pm_card_authenticationRequiredOnSetup", "pm_card_chargeDeclined",
    "pm_card_chargeCustomerFail",
)  # fmt: skip
# What there is nothing to ask about, such as a capture where no payment is held, is replaced by another request.
TRIES = 4
# What a buyer takes whose other card was refused, and how often it is a card and not another order.
GOOD_CARDS, ANOTHER_CARD = ("pm_card_visa", "pm_card_mastercard", "pm_card_bypassPending"), 0.5
CONFIRM = "/transactions/confirm"
USERS = ("usr_ada", "usr_ada", "usr_ada", "usr_bob")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of the API. `about` is what it is about, as the log shows it: ids are new at each run, numbers are not."""

    verb: str
    path: str
    body: dict[str, Any]
    user: str = "usr_ada"
    key: str = ""
    about: str = ""

    def send(self, world: World) -> Any:
        if self.verb == "GET":
            return world.get(self.path, user=self.user)
        if self.verb == "DELETE":
            return world.delete(self.path, key=self.key, user=self.user)
        return world.post(self.path, self.body, key=self.key, user=self.user)


@dataclass
class Payment:
    """A payment as its shop knows it."""

    number: int
    seller: str
    order_id: str
    user: str
    body: dict[str, Any]
    transaction_id: str = ""
    status: str = ""
    # How often it was asked to be confirmed, and whether one of these confirmations may still charge its buyer.
    confirmations: int = 0
    may_be_charged: bool = False
    # Its buyer was told that nothing was charged, and has bought the same by another order: nobody asks for this one again.
    is_given_up: bool = False


@dataclass
class Buyers:
    """Everybody who asks, and what they know so far."""

    world: World
    random: Random
    payments: list[Payment] = field(default_factory=list)
    refund_ids: list[str] = field(default_factory=list)
    saved: list[tuple[str, str]] = field(default_factory=list)
    with_keys: list[Ask] = field(default_factory=list)
    # What was asked and never told: whoever wants it asks again.
    unanswered: Ask | None = None
    # What was told "not done", and is tried in another way now, unless it is asked for again before.
    refused: Payment | None = None
    orders: int = 0
    keys: int = 0
    emails: int = 0

    def ask(self) -> Ask | None:
        """The next request; None where nothing is there yet to ask about."""
        if self.unanswered is not None and self.random.random() < 0.55:
            return self.ask_again(self.unanswered)
        if self.refused is not None:
            return self._another_way(self.refused)
        acts, weights = list(WEIGHTS), list(WEIGHTS.values())
        tries = (act(self) for act in self.random.choices(acts, weights, k=TRIES))
        ask = next((found for found in tries if found is not None), None)
        if ask is None or ask.verb == "GET" or ask.key:
            return ask
        return self._under_a_key(ask)

    def ask_again(self, ask: Ask) -> Ask:
        """The same once more, as a caller does who was told nothing; at times with another card."""
        if ask.path != CONFIRM or self.random.random() < 0.7:
            return ask
        return self._with_card(ask, self.random.choice(CARDS))

    def ask_with_declined_card(self, ask: Ask) -> Ask:
        """A buyer who was told nothing of a confirmation soon tries another card, which is declined."""
        return self._with_card(ask, self.random.choice(DECLINED_CARDS))

    def _with_card(self, ask: Ask, card: str) -> Ask:
        about = f"{ask.about.partition(' with ')[0]} with {card}"
        entered = self.world.enter_card(ask.body["account_id"], card)
        return Ask(ask.verb, ask.path, {**ask.body, "payment_method_id": entered}, ask.user, about=about)

    def _another_way(self, payment: Payment) -> Ask:
        """What a buyer does who was told that nothing was charged: another card, or the same bought by another order."""
        self.refused = None
        if self.random.random() < ANOTHER_CARD:
            return self._confirmation(payment, self.random.choice(GOOD_CARDS))
        payment.is_given_up = True
        return self._new_order(payment.seller, payment.user, payment.body)

    def _under_a_key(self, ask: Ask) -> Ask:
        if self.random.random() < 0.5:
            return ask
        self.keys += 1
        keyed = Ask(ask.verb, ask.path, ask.body, ask.user, f"key-{self.keys}", ask.about)
        self.with_keys.append(keyed)
        return keyed

    # What is asked

    def create(self) -> Ask:
        if self.payments and self.random.random() < 0.3:
            return self._create_again()
        body: dict[str, Any] = {"amount": self.random.choice((500, 1000, 2000, 9999))}
        if self.random.random() < 0.35:
            body["capture_method"] = "manual"
        if self.random.random() < 0.25:
            body["application_fee_amount"] = self.random.choice((1, 50, 333))
        return self._new_order(self.random.choice(self.world.sellers), self.random.choice(USERS), body)

    def _new_order(self, seller: str, user: str, body: dict[str, Any]) -> Ask:
        self.orders += 1
        payment = Payment(self.orders, seller, f"order_{self.orders}", user, body)
        self.payments.append(payment)
        return self._creation(payment)

    def _create_again(self) -> Ask:
        payment = self.random.choice([payment for payment in self.payments if not payment.is_given_up] or self.payments)
        if self.random.random() < 0.4:
            payment.body = {**payment.body, "amount": self.random.choice((600, 1000, 3000))}
        return self._creation(payment)

    def _creation(self, payment: Payment) -> Ask:
        body = {"order_id": payment.order_id, "account_id": payment.seller, **payment.body}
        return Ask("POST", "/transactions", body, payment.user, about=f"order {payment.number} {payment.body}")

    def confirm(self) -> Ask | None:
        payment = self._known_payment("requires_payment_method", "requires_confirmation", "requires_action")
        if payment is None:
            return None
        own = [method for user, method in self.saved if user == payment.user]
        method = self.random.choice(own) if own and self.random.random() < 0.4 else self.random.choice(CARDS)
        named = method if method.startswith("pm_card") else f"saved card {own.index(method)}"
        options = {"off_session": True} if self.random.random() < 0.15 else {}
        return self._confirmation(payment, method, named, **options)

    def _confirmation(self, payment: Payment, method: str, named: str = "", **options: bool) -> Ask:
        body: dict[str, Any] = {"account_id": payment.seller, "transaction_id": payment.transaction_id}
        body |= {"payment_method_id": self.world.enter_card(payment.seller, method), **options}
        about = f"payment {payment.number} with {named or method}"
        return Ask("POST", CONFIRM, body, payment.user, about=about)

    def capture(self) -> Ask | None:
        payment = self._known_payment("requires_capture")
        if payment is None:
            return None
        whole = payment.body["amount"]
        amount = self.random.choice((None, None, whole // 2, whole, whole + 1))
        body = {} if amount is None else {"amount": amount}
        if self.random.random() < 0.15:
            body["application_fee_amount"] = 10
        return self._on(payment, "capture", body)

    def cancel(self) -> Ask | None:
        payment = self._known_payment("requires_payment_method", "requires_action", "requires_capture")
        return self._on(payment, "cancel", {}) if payment is not None else None

    def _on(self, payment: Payment, act: str, body: dict[str, Any]) -> Ask:
        path = f"/transactions/{payment.transaction_id}/{act}"
        return Ask("POST", path, body, payment.user, about=f"payment {payment.number} {body or ''}")

    def refund(self) -> Ask | None:
        payment = self._known_payment("succeeded")
        if payment is None:
            return None
        amount = self.random.choice((None, 100, 100, 250, payment.body["amount"] // 2))
        body: dict[str, Any] = {"order_id": payment.order_id, "account_id": payment.seller}
        body |= {} if amount is None else {"amount": amount}
        if "application_fee_amount" in payment.body and self.random.random() < 0.5:
            body["refund_application_fee"] = True
        return Ask("POST", "/refunds", body, payment.user, about=f"order {payment.number} amount {amount}")

    def read(self) -> Ask | None:
        if self.refund_ids and self.random.random() < 0.3:
            number = self.random.randrange(len(self.refund_ids))
            return Ask("GET", f"/refunds/{self.refund_ids[number]}", {}, about=f"refund {number}")
        payment = self._known_payment()
        if payment is None:
            return None
        return Ask("GET", f"/transactions/{payment.transaction_id}", {}, payment.user, about=f"payment {payment.number}")

    def read_about(self, intent_id: str) -> Ask | None:
        """A read of this payment, or at times of a refund, whose ids alone are known; None for a payment that nobody knows."""
        payment = next((known for known in self.payments if known.transaction_id == intent_id), None)
        if payment is None:
            return None
        if self.refund_ids and self.random.random() < 0.3:
            number = self.random.randrange(len(self.refund_ids))
            return Ask("GET", f"/refunds/{self.refund_ids[number]}", {}, payment.user, about=f"refund {number}")
        return Ask("GET", f"/transactions/{intent_id}", {}, payment.user, about=f"payment {payment.number}")

    def save(self) -> Ask:
        card, body = self.random.choice(CARDS_TO_SAVE), {}
        if self.random.random() < 0.3:
            body = {"preferred": True}
        return Ask("POST", "/payment-methods", {"payment_method_id": card, **body}, self.random.choice(USERS), about=card)

    def prefer(self) -> Ask | None:
        return self._on_saved("POST", "/preferred")

    def detach(self) -> Ask | None:
        return self._on_saved("DELETE", "")

    def _on_saved(self, verb: str, path: str) -> Ask | None:
        if not self.saved:
            return None
        number = self.random.randrange(len(self.saved))
        user, method = self.saved[number]
        return Ask(verb, f"/payment-methods/{method}{path}", {}, user, about=f"saved card {number}")

    def list_methods(self) -> Ask:
        return Ask("GET", "/payment-methods", {}, self.random.choice(USERS))

    def open_account(self) -> Ask:
        self.emails += self.random.random() < 0.7 or not self.emails
        return Ask("POST", "/connected-accounts", {"email": f"late{self.emails}@example.com"}, about=f"account {self.emails}")

    def delete_account(self) -> Ask | None:
        if self.random.random() < 0.6 or len(self.world.sellers) == 1:
            return None
        return self.delete_seller(self.random.randrange(len(self.world.sellers)))

    def delete_seller(self, number: int) -> Ask:
        return Ask("DELETE", f"/connected-accounts/{self.world.sellers[number]}", {}, about=f"seller {number}")

    def repeat(self) -> Ask | None:
        """The same request under its key, or another body under the same key."""
        recent = [ask for ask in self.with_keys[-6:] if not self.is_about_given_up(ask)]
        if not recent:
            return None
        earlier = self.random.choice(recent)
        if self.random.random() < 0.8 or "amount" not in earlier.body:
            return Ask(earlier.verb, earlier.path, earlier.body, earlier.user, earlier.key, f"again {earlier.about}")
        body = {**earlier.body, "amount": 777}
        return Ask(earlier.verb, earlier.path, body, earlier.user, earlier.key, f"other body {earlier.about}")

    def _known_payment(self, *likely: str) -> Payment | None:
        """A payment whose id is known: mostly one that is in a `likely` status, at times any."""
        known = [payment for payment in self.payments if payment.transaction_id and not payment.is_given_up]
        fitting = [payment for payment in known if payment.status in likely and payment.seller in self.world.sellers]
        is_likely = self.random.random() < 0.85
        chosen = fitting if is_likely and likely else known
        return self.random.choice(chosen) if chosen else None

    def payment_of(self, ask: Ask) -> Payment | None:
        """The payment that a request is about, by its id; none where it names an order, or nothing of the kind."""
        named = {ask.body.get("transaction_id"), *ask.path.split("/")}
        return next((payment for payment in self.payments if payment.transaction_id and payment.transaction_id in named), None)

    def is_about_given_up(self, ask: Ask) -> bool:
        payment = self.payment_of(ask)
        return payment is not None and payment.is_given_up

    def given_up(self) -> list[Payment]:
        return [payment for payment in self.payments if payment.is_given_up]

    # What is learned from the answers

    def learn(self, ask: Ask, answer: Any) -> None:
        self.unanswered = ask if answer.status_code == 503 and not self.is_about_given_up(ask) else None
        data = answer.json().get("data") if answer.status_code < 300 else None
        if not isinstance(data, dict):
            return
        if ask.path.startswith("/transactions"):
            self._learn_payment(ask, data)
        elif ask.path == "/payment-methods" and ask.verb == "POST":
            self._learn_method(ask.user, data)
        elif ask.path == "/refunds" and data.get("refund_id") and data["refund_id"] not in self.refund_ids:
            self.refund_ids.append(data["refund_id"])

    def _learn_payment(self, ask: Ask, data: dict[str, Any]) -> None:
        for payment in self.payments:
            is_created = ask.path == "/transactions" and payment.order_id == ask.body["order_id"]
            is_known = payment.transaction_id == data.get("transaction_id")
            if is_known or (is_created and payment.seller == ask.body["account_id"]):
                payment.transaction_id = data.get("transaction_id", payment.transaction_id)
                payment.status = data.get("status", payment.status)

    def _learn_method(self, user: str, data: dict[str, Any]) -> None:
        method = data.get("payment_method_id") or data.get("id")
        if method and (user, method) not in self.saved:
            self.saved.append((user, method))


WEIGHTS: dict[Callable[[Buyers], Ask | None], int] = {
    Buyers.create: 18,
    Buyers.confirm: 24,
    Buyers.capture: 8,
    Buyers.cancel: 5,
    Buyers.refund: 12,
    Buyers.read: 5,
    Buyers.save: 5,
    Buyers.prefer: 2,
    Buyers.detach: 2,
    Buyers.list_methods: 1,
    Buyers.open_account: 1,
    Buyers.delete_account: 1,
    Buyers.repeat: 8,
}
