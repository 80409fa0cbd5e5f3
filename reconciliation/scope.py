"""What a comparison is about, and what is too young to be compared."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from commercecore_payments.clock import now

# By then every call has ended (gateway.models.CALL_BUDGET), recovery has looked twice (RECOVERY_AGES), and an event that Stripe
# sent has been applied. Half of that is no difference yet, only two systems on their way.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Scope:
    """All accounts and all times, unless something is named: what Stripe made from `since` on and before `until`."""

    since: datetime | None = None
    until: datetime | None = None
    account_id: str = ""
    app_id: str = ""
    grace: timedelta = GRACE

    @property
    def in_words(self) -> str:
        """`account acct_1, since 2026-12-01 02:00 UTC`; `everything` where nothing is named."""
        named = (("account", self.account_id), ("app", self.app_id))
        bounds = (("since", self.since), ("before", self.until))
        told = [f"{what} {name}" for what, name in named if name]
        told += [f"{word} {moment:%Y-%m-%d %H:%M} UTC" for word, moment in bounds if moment is not None]
        told = told or ["everything"]
        if self.grace != GRACE:
            told.append(f"older than {self.grace.total_seconds():.0f} s" if self.grace else "of any age")
        return ", ".join(told)

    @property
    def created(self) -> dict[str, Any]:
        """The parameters of Stripe's lists."""
        bounds = {}
        if self.since is not None:
            bounds["gte"] = int(self.since.timestamp())
        if self.until is not None:
            bounds["lt"] = int(self.until.timestamp())
        return {"created": bounds} if bounds else {}

    def holds(self, moment: datetime | None) -> bool:
        """Whether what was made at that moment is compared."""
        bounds = self.created.get("created", {})
        if moment is None:
            return not bounds
        # In whole seconds, as Stripe counts: what its list leaves out has not been compared.
        second = int(moment.timestamp())
        return bool(bounds.get("gte", second) <= second < bounds.get("lt", second + 1))

    def is_young(self, moment: datetime | None) -> bool:
        """Whether it happened less than `grace` ago. Stripe's clock may be ahead of ours, and the sandbox's by weeks."""
        return moment is not None and abs(now() - moment) < self.grace
