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
    def is_everything(self) -> bool:
        return self.since is None and self.until is None and not self.app_id

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
        if moment is None:
            return self.since is None and self.until is None
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)

    def is_young(self, moment: datetime | None) -> bool:
        """Whether it happened less than `grace` ago. Stripe's clock may be ahead of ours, and the sandbox's by weeks."""
        return moment is not None and abs(now() - moment) < self.grace
