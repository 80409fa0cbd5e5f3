"""What is seeded agrees on both sides, so that a comparison finds what was planted, and nothing else."""

from typing import Any

import pytest

from gateway.listing import pages
from payouts.models import Payout
from proofs.drift_seeds import SeededBooks, seed_books
from refunds.models import Refund
from transactions.models import Transaction


@pytest.fixture
def seeded(transactional_db: None) -> SeededBooks:
    return seed_books(accounts=2, payments=60, seed=1)


def listed(path: str, account_id: str, **parameters: Any) -> list[dict[str, Any]]:
    """All of a list, in small pages."""
    return [one for page in pages(path, account_id=account_id, parameters={"limit": 7, **parameters}) for one in page]


def amounts(account_id: str) -> list[int]:
    """What was paid at one seller, in minor units, in the order in which it was written."""
    payments = Transaction.objects.filter(account__stripe_account_id=account_id).order_by("pk")
    return list(payments.values_list("amount_minor", flat=True))


class TestSeededBooks:
    def test_agree_on_every_payment_refund_and_payout(self, seeded: SeededBooks) -> None:
        for account_id in seeded.accounts:
            intents = listed("/v1/payment_intents", account_id)
            assert [one["created"] for one in intents] == sorted((one["created"] for one in intents), reverse=True)
            there = {(one["id"], one["status"], one["amount"], one["amount_received"]) for one in intents}
            assert len(there) == len(intents) > 20
            columns = ("stripe_payment_intent_id", "status", "amount_minor", "amount_received_minor")
            assert there == set(Transaction.objects.filter(account__stripe_account_id=account_id).values_list(*columns))
            # Stripe tells what a partial capture releases as a refund, too: no money moves for it.
            refunds = [one for one in listed("/v1/refunds", account_id) if one["balance_transaction"]]
            ours = Refund.objects.filter(transaction__account__stripe_account_id=account_id)
            assert {(one["id"], one["amount"]) for one in refunds} == set(ours.values_list("stripe_refund_id", "amount_minor"))
        assert Payout.objects.count() > 5
        for payout in Payout.objects.select_related("account"):
            carried = listed("/v1/balance_transactions", payout.account.stripe_account_id, payout=payout.stripe_payout_id)
            assert sum(one["net"] for one in carried if one["type"] != "payout") == payout.amount_minor

    def test_are_the_same_for_the_same_seed_whatever_ids_stripe_drew(self, seeded: SeededBooks) -> None:
        again = seed_books(accounts=2, payments=60, seed=1)
        assert [amounts(each) for each in again.accounts] == [amounts(each) for each in seeded.accounts]
        assert again.objects == seeded.objects
