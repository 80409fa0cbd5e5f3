"""A run: begun or continued, carried out piece by piece, and ended. A kill costs the piece that was being compared."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet

from accounts.models import ConnectedAccount
from commercecore_payments.clock import database_now, elapsed_s, now
from commercecore_payments.errors import ServiceError
from developers.models import App
from gateway.errors import StripeConfigurationRefused, StripeUnreachable
from gateway.listing import get
from gateway.reads import ACCOUNT_HAS_LEFT
from reconciliation.booking import Cases, DifferenceBook
from reconciliation.books import Books
from reconciliation.comparing import Comparer, ComparerOf, MendingComparer
from reconciliation.errors import NothingToCompare, RunTakenOver, RunUnderWay
from reconciliation.kinds.accounts import ACCOUNTS, of_one
from reconciliation.kinds.application_fees import APPLICATION_FEES
from reconciliation.kinds.balance_transactions import BALANCE_TRANSACTIONS
from reconciliation.kinds.charges import CHARGES
from reconciliation.kinds.disputes import DISPUTES
from reconciliation.kinds.duplicates import paid_twice
from reconciliation.kinds.payment_intents import PAYMENT_INTENTS
from reconciliation.kinds.payouts import PAYOUTS
from reconciliation.kinds.refunds import REFUNDS
from reconciliation.models import ObjectKind, Run
from reconciliation.processes import is_gone, name_of, this_process
from reconciliation.scope import Scope

# What belongs to one account, in this order: what differs of a payment explains what differs of its charge and of its balance.
OF_AN_ACCOUNT = (PAYMENT_INTENTS, REFUNDS, CHARGES, DISPUTES, PAYOUTS, BALANCE_TRANSACTIONS)
KINDS_OF_AN_ACCOUNT = (*(comparison.kind for comparison in OF_AN_ACCOUNT), ObjectKind.ORDER)
# Longer than a call to Stripe takes at the worst (gateway.models.CALL_BUDGET, 40 s): a sign of life comes after each page.
LEASE = timedelta(seconds=60)
# Seconds between two signs of life: some pages take milliseconds.
SIGN_OF_LIFE_EVERY_S = 5.0
# What the platform's list of fees is called where it could not be compared; an account is called by its id.
FEES = "application fees"

logger = logging.getLogger(__name__)

Progress = Callable[[ObjectKind, int], None]


def _no_progress(_kind: ObjectKind, _compared: int) -> None:
    return None


def begin(scope: Scope, *, mends: bool, asked: str, asked_by: str) -> Run:
    """A new run, held by this process, or the one that was asked for in the same words and stopped before its end.

    Raises RunUnderWay while another process carries it out, and NothingToCompare for an account or an app that is not known.
    """
    refuse_unknown(scope)
    stopped: Run | None = Run.objects.filter(status=Run.Status.RUNNING, asked=asked).first()
    if stopped is not None:
        return hold(stopped)
    try:
        with transaction.atomic():
            run = new_run(scope, mends=mends, asked=asked, asked_by=asked_by)
    except IntegrityError:  # another process began it at this very moment
        raise RunUnderWay(holder="another process") from None
    return hold(run)


def new_run(scope: Scope, *, mends: bool, asked: str, asked_by: str, by_worker: bool = False) -> Run:
    """A run that nobody holds yet. Raises IntegrityError where one that was asked for in the same words has not ended."""
    run: Run = Run.objects.create(
        since=scope.since,
        until=scope.until,
        account_id=scope.account_id,
        app_id=scope.app_id,
        grace_s=int(scope.grace.total_seconds()),
        mends=mends,
        asked=asked,
        asked_by=asked_by,
        by_worker=by_worker,
    )
    return run


def refuse_unknown(scope: Scope) -> None:
    """Raises NothingToCompare for an account or an app that is not known here."""
    if scope.account_id and not ConnectedAccount.objects.filter(stripe_account_id=scope.account_id).exists():
        raise NothingToCompare(f"There is no connected account {scope.account_id}.")
    if scope.app_id and not App.objects.filter(pk=scope.app_id).exists():
        raise NothingToCompare(f"There is no app {scope.app_id}.")


def hold(run: Run) -> Run:
    """Takes a run for this process: a new one, or one whose process is gone, as can be seen from here or its lease says.

    Raises RunUnderWay while another process holds it.
    """
    if run.holder == this_process():
        return run
    moment = database_now()
    is_free = Q(holder="") | Q(leased_until__lt=moment)
    if is_gone(run.holder):
        is_free |= Q(holder=run.holder)
    claimed = Run.objects.filter(is_free, pk=run.pk, status=Run.Status.RUNNING).update(
        holder=this_process(),
        leased_until=moment + LEASE,
        resumed=run.resumed + (run.leased_until is not None),  # a new one is begun, and not resumed
    )
    if not claimed:
        raise RunUnderWay(holder=name_of(run.holder))
    run.refresh_from_db()
    return run


def scope_of(run: Run) -> Scope:
    return Scope(
        since=run.since,
        until=run.until,
        account_id=run.account_id,
        app_id=run.app_id,
        grace=timedelta(seconds=run.grace_s),
    )


def accounts_of(scope: Scope) -> QuerySet[ConnectedAccount]:
    """Whose books are compared, in their order: those of deleted accounts are closed."""
    accounts = ConnectedAccount.objects.active().exclude(stripe_account_id="").order_by("pk")
    if scope.account_id:
        accounts = accounts.filter(stripe_account_id=scope.account_id)
    return accounts.filter(developer__apps=scope.app_id) if scope.app_id else accounts


def release(run: Run) -> None:
    """Lets any process go on with it."""
    Run.objects.filter(pk=run.pk, holder=this_process()).update(holder="")


class Runner:
    """Carries out a run that this process holds, a piece at a time."""

    def __init__(self, run: Run, *, progress: Progress = _no_progress) -> None:
        self.run = run
        self._scope = scope_of(run)
        self._cases = Cases(run)
        self._progress = progress
        self._compared: Counter[str] = Counter()
        self._signed_at_s = 0.0

    def next_piece(self) -> bool:
        """The list of accounts, the books of one account, or what is left at the end; whether there is another piece.

        What could not be compared is written down, and the rest is compared all the same. Raises RunTakenOver,
        StripeUnreachable, and, of the list of accounts, as `gateway.reads.ask`.
        """
        run = self.run
        self._cases.begin_piece()
        if not run.accounts_compared:
            compare_accounts(self._scope, self._comparer_of)
            self._cases.close_gone(self._scope, (ObjectKind.ACCOUNT,))
            run.accounts_compared = True
            self._keep("accounts_compared")
            return True
        account = accounts_of(self._scope).filter(pk__gt=run.last_account).first()
        if account is not None:
            if self._is_whole(account.stripe_account_id, partial(compare_account, account)):
                self._cases.close_gone(self._scope, KINDS_OF_AN_ACCOUNT, account)
            run.last_account = account.pk
            self._keep("last_account")
            return True
        if self._is_whole(FEES, compare_fees):
            self._cases.close_gone(self._scope, (ObjectKind.APPLICATION_FEE,))
        self._finish()
        return False

    def _comparer_of(self, books: Books) -> Comparer:
        if self.run.mends:
            return MendingComparer(books, self._cases, tell=self._tell)
        return Comparer(books, self._cases, tell=self._tell)

    def _is_whole(self, what: str, compare: Callable[..., bool]) -> bool:
        """Whether the books called `what` were compared to their end. Raises RunTakenOver and StripeUnreachable."""
        try:
            is_whole = compare(self._scope, self._comparer_of)
        except (RunTakenOver, OperationalError, InterfaceError):
            raise
        except StripeUnreachable as error:
            self._wait_for_stripe(what, error)
            return False
        except ServiceError as error:
            self.run.not_compared[what] = error.message
            return False
        except Exception as error:  # what Stripe lists of one account must not keep all others from being compared
            logger.exception("run %s could not compare %s", self.run.pk, what)
            self.run.not_compared[what] = f"{type(error).__name__}: the log says more."
            return False
        self.run.not_compared.pop(what, None)
        return is_whole

    def _wait_for_stripe(self, what: str, error: StripeUnreachable) -> None:
        """Raises it, so that all is tried once more later; the second time only where Stripe answers nothing else either."""
        if what in self.run.not_compared:
            get("/v1/balance")
            return
        self.run.not_compared[what] = error.message
        self._keep_holding(not_compared=self.run.not_compared)
        raise error

    def _tell(self, kind: ObjectKind, compared: int) -> None:
        self._compared[kind.value] += compared
        self._progress(kind, compared)
        if elapsed_s() - self._signed_at_s > SIGN_OF_LIFE_EVERY_S:
            self._keep_holding()
            self._signed_at_s = elapsed_s()

    def _keep_holding(self, **written: object) -> None:
        held = Run.objects.filter(pk=self.run.pk, holder=this_process(), status=Run.Status.RUNNING)
        if not held.update(leased_until=database_now() + LEASE, **written):
            raise RunTakenOver

    def _keep(self, *names: str) -> None:
        """Writes down a piece that is done, with what it has counted."""
        self.run.compared = {kind.value: self._total(kind) for kind in ObjectKind if self._total(kind)}
        self._compared.clear()
        names = (*names, "compared", "young", "not_compared")
        self._keep_holding(**{name: getattr(self.run, name) for name in names})

    def _total(self, kind: ObjectKind) -> int:
        return int(self.run.compared.get(kind.value, 0)) + self._compared[kind.value]

    def _finish(self) -> None:
        self._cases.sum_up()
        self.run.status, self.run.finished_at, self.run.holder, self.run.error = Run.Status.FINISHED, now(), "", ""
        summed = ("differences", "accepted", "mended", "left_open", "at_stake")
        self._keep("status", "finished_at", "holder", "error", *summed)


def compare_everything(scope: Scope, book: DifferenceBook, *, progress: Progress = _no_progress) -> None:
    """The whole comparison at one go, mending nothing: for a book that keeps nothing. Raises as `gateway.reads.ask`."""

    def comparer_of(books: Books) -> Comparer:
        return Comparer(books, book, tell=progress)

    compare_accounts(scope, comparer_of)
    for account in list(accounts_of(scope)):
        compare_account(account, scope, comparer_of)
    compare_fees(scope, comparer_of)


def compare_accounts(scope: Scope, comparer_of: ComparerOf) -> None:
    """The list of connected accounts; of a single one, the account. An app's comparison is not about accounts."""
    if scope.app_id:
        return
    comparer = comparer_of(Books(scope))
    if not scope.account_id:
        comparer.compare(ACCOUNTS)
        return
    for suspected in of_one(Books(scope)):
        comparer.take_up(ACCOUNTS, suspected)
    comparer.tell(ObjectKind.ACCOUNT, 1)


def compare_account(account: ConnectedAccount, scope: Scope, comparer_of: ComparerOf) -> bool:
    """All that belongs to one account; whether Stripe showed it. One that has left is told of as such."""
    books = Books(scope, account)
    comparer = comparer_of(books)
    try:
        for comparison in OF_AN_ACCOUNT:
            comparer.compare(comparison)
    except StripeConfigurationRefused as error:
        if error.fault.code != ACCOUNT_HAS_LEFT:
            raise
        return False  # the list of accounts has told of it
    for duplicate in paid_twice(books):
        comparer.take_up(PAYMENT_INTENTS, duplicate)
    return True


def compare_fees(scope: Scope, comparer_of: ComparerOf) -> bool:
    """The platform's own list of the fees that it took of all accounts. True: it is all there is."""
    comparer_of(Books(scope)).compare(APPLICATION_FEES)
    return True
