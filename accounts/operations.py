"""What is done with connected accounts: create, onboard, log in, read.

`accounts.deletion` deletes them, and `accounts.bring_up_to_date` follows what becomes of them at Stripe.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.errors import AccountExists, AccountInUse, AccountNotFound, LoginLinkRefused
from accounts.events import changes_told
from accounts.links import onboarding_done_url, onboarding_url
from accounts.models import ONE_HOUR, ConnectedAccount
from accounts.models import Status as AccountStatus
from commercecore_payments import statements
from commercecore_payments.actors import Actor
from commercecore_payments.environments import current_environment
from commercecore_payments.statements import Selection
from developers.models import Developer
from gateway import reads
from gateway.endings import Ending, carry_out, not_found
from gateway.errors import StripeRejected
from gateway.models import Kind, Operation, Status, new_operation_id
from gateway.operations import OPERATION_METADATA_KEY, earlier_under_key, raise_for_outcome, reserve
from gateway.outcomes import Outcome
from gateway.snapshots import AccountSnapshot, BalanceSnapshot

# The five of the published documentation; all are asked for at once, so that one onboarding serves them all.
CAPABILITIES = ("bank_transfer_payments", "card_payments", "link_payments", "transfers", "us_bank_transfer_payments")

# Stripe publishes no lifetime for login links. Its account links live for 300 s, and so much we promise of these.
LOGIN_LINK_LIFETIME_S = 300


# An account by Stripe's id, its developer, and two states: `ConnectedAccountQuerySet.existing` for every request.
EXISTING_ACCOUNT = Selection(
    {"account": ConnectedAccount},
    f"""FROM {ConnectedAccount._meta.db_table} account
        WHERE account.environment = %s AND account.stripe_account_id = %s AND account.developer_id = %s
        AND account.status IN (%s, %s)""",
)

BEING_DELETED = "The account is being deleted."
# A deletion locks the row, too. Other tables may refer to it meanwhile, which a stronger lock would keep them from.
LOCK_OF_AN_OPEN_ACCOUNT = "NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class LoginLink:
    """A one-time address of the seller's dashboard; neither stored nor logged."""

    url: str
    expires_in_s: int

    @property
    def token(self) -> str:
        """The last part of the address: what makes it open once."""
        return self.url.rstrip("/").rsplit("/", 1)[-1]


def find_account(*, account_id: str, developer: Developer) -> ConnectedAccount:
    """The developer's own account. Raises AccountNotFound, for another developer's too."""
    found = EXISTING_ACCOUNT.first(
        [current_environment(), account_id, developer.pk, AccountStatus.ACTIVE.value, AccountStatus.DELETING.value]
    )
    if found is None or not account_id:
        raise AccountNotFound
    account: ConnectedAccount = found[0]
    return account


def find_account_of_request(*, account_id: str, actor: Actor) -> ConnectedAccount:
    """Like `find_account`; a repeat under an Idempotency-Key finds a deleted one too, to tell what the first attempt brought.

    Whatever is reserved anew calls `keep_account_open`, which refuses a deleted account.
    """
    if actor.idempotency_key is None or actor.idempotency_key.attempt == 1:
        return find_account(account_id=account_id, developer=actor.developer)
    accounts = ConnectedAccount.objects.of(actor.developer).filter(stripe_account_id=account_id)
    account = accounts.first() if account_id else None
    if account is None:
        raise AccountNotFound
    return account


def read_balance(account: ConnectedAccount) -> BalanceSnapshot:
    """The account's money at Stripe now. Raises AccountInUse, and what `gateway.reads.ask` raises."""
    refuse_while_deleting(account)
    return reads.retrieve_balance(account.stripe_account_id)


def create_account(*, email: str, actor: Actor) -> ConnectedAccount:
    """Creates an Express account at Stripe for a seller (`email` in lower case), and the link to its onboarding.

    A repeat while the outcome of the first is unknown continues the first, and one under the same Idempotency-Key is
    answered with what the first brought. Raises AccountExists, and what `gateway.operations.raise_for_outcome` raises.
    """
    earlier = earlier_under_key(Kind.ACCOUNT_CREATE, actor=actor) or _unfinished_creation(email=email, actor=actor)
    operation, outcome = carry_out(earlier, lambda: _reserve_creation(email=email, actor=actor), CREATION)
    raise_for_outcome(operation, outcome)
    return ConnectedAccount.objects.get(pk=operation.subject_id)


def _unfinished_creation(*, email: str, actor: Actor) -> Operation | None:
    account = ConnectedAccount.objects.of(actor.developer).in_use().filter(email=email).first()
    return Operation.objects.of(account).open().filter(kind=Kind.ACCOUNT_CREATE).first() if account else None


def _reserve_creation(*, email: str, actor: Actor) -> Operation:
    try:
        with transaction.atomic(durable=True):
            account = ConnectedAccount.objects.create(developer=actor.developer, email=email)
            operation_id = new_operation_id()
            parameters = {
                "type": "express",
                "country": settings.DEFAULT_COUNTRY,
                "email": email,
                "capabilities": {name: {"requested": True} for name in CAPABILITIES},
                "metadata": {"developer_id": actor.developer.pk, OPERATION_METADATA_KEY: operation_id},
            }
            return reserve(Kind.ACCOUNT_CREATE, subject=account, actor=actor, parameters=parameters, operation_id=operation_id)
    except IntegrityError:  # the unique index on the email decides, for callers at the same moment too
        raise AccountExists from None


def settle_creation(operation: Operation, outcome: Outcome) -> None:
    """The account is known by Stripe's id from now on; one that Stripe refused to make frees its email."""
    account = ConnectedAccount.objects.select_for_update().get(pk=operation.subject_id)
    if outcome.succeeded and isinstance(outcome.value, AccountSnapshot):
        account.mark_created(outcome.value)
    else:
        account.mark_failed()


def _look_for_account(operation: Operation) -> Outcome:
    account = reads.find_account(operation)
    if account is None:
        return not_found("Stripe lists no account that names this operation.")
    return Outcome(status=Status.SUCCEEDED, value=account)


CREATION = Ending(settle=settle_creation, look=_look_for_account)


def refresh_account(account: ConnectedAccount) -> AccountSnapshot:
    """Reads the account from Stripe and keeps what it says, so that a finished onboarding shows at once."""
    refuse_while_deleting(account)
    snapshot = reads.retrieve_account(account.stripe_account_id)
    take_over(account, snapshot)
    account.refresh_from_db()
    return snapshot


def take_over(account: ConnectedAccount, snapshot: AccountSnapshot) -> bool:
    """Takes over what was just read from Stripe, and tells the developer's apps; whether that could be done.

    What was written here since `account` was read may be newer.
    """
    with transaction.atomic(durable=True):
        stored = ConnectedAccount.objects.select_for_update().get(pk=account.pk)
        if stored.updated_at != account.updated_at:
            return False
        with changes_told(stored):
            stored.apply(snapshot)
    return True


def continue_onboarding(account: ConnectedAccount) -> str:
    """The address where the seller continues: the present link, or a new one when less than an hour of it is left."""
    refresh_account(account)
    if not account.onboarding_link_is_alive(at_least=ONE_HOUR):
        renew_onboarding_link(account)
    return onboarding_url(account)


def renew_onboarding_link(account: ConnectedAccount) -> None:
    """Replaces the onboarding link: one that was sent before stops working."""
    with transaction.atomic(durable=True):
        stored = ConnectedAccount.objects.select_for_update().get(pk=account.pk)
        stored.renew_onboarding_link()
        stored.save()
    account.refresh_from_db()


def open_onboarding(account: ConnectedAccount) -> str:
    """A fresh link of Stripe's, good once and for 300 seconds. An expired one leads back to our own."""
    link = reads.create_account_link(
        account.stripe_account_id, return_url=onboarding_done_url(account), refresh_url=onboarding_url(account)
    )
    return link.url


def create_login_link(account: ConnectedAccount) -> LoginLink:
    """A one-time login to the seller's dashboard. Raises LoginLinkRefused before the onboarding is finished."""
    refuse_while_deleting(account)
    try:
        link = reads.create_login_link(account.stripe_account_id)
    except StripeRejected as refusal:
        raise LoginLinkRefused(
            # Documented to the letter, the missing space included.
            f"An error occurred while creating the login link.Request {refusal.stripe_request_id}: {refusal.message}"
        ) from refusal
    return LoginLink(url=link.url, expires_in_s=LOGIN_LINK_LIFETIME_S)


def keep_account_open(account: ConnectedAccount) -> None:
    """Call it first in every transaction that reserves a payment or a refund: no deletion begins before its end.

    Raises AccountNotFound where the account is deleted, and AccountInUse where it is being deleted right now.
    """
    found = statements.lock(ConnectedAccount, account.pk, "status", strength=LOCK_OF_AN_OPEN_ACCOUNT)
    status = found[0] if found is not None else AccountStatus.DELETED
    if status == AccountStatus.DELETING:
        raise AccountInUse(BEING_DELETED)
    if status != AccountStatus.ACTIVE:
        raise AccountNotFound


def while_open(account: ConnectedAccount) -> statements.While:
    """The same for whatever is inserted in the very statement that locks the account; `keep_account_open` says why it is not."""
    return statements.While(
        ConnectedAccount, {"id": account.pk, "status": AccountStatus.ACTIVE}, strength=LOCK_OF_AN_OPEN_ACCOUNT
    )


def refuse_while_deleting(account: ConnectedAccount) -> None:
    """Raises AccountInUse while it is not known whether the account is there."""
    if account.is_being_deleted:
        raise AccountInUse(BEING_DELETED)
