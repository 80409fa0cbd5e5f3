"""What the tests of explanations share."""

from stripe_events.tests.conftest import no_head_start

__all__ = ["no_head_start"]
