"""The settings of a service that a test starts beside itself: the real ones, and an app that judges what it exchanges."""

from commercecore_payments.settings import *  # noqa: F403 - a service's settings, whatever they are
from commercecore_payments.settings import INSTALLED_APPS as REAL_APPS

# The last one: the models of all others are there when it begins to listen.
INSTALLED_APPS = [*REAL_APPS, "commercecore_payments.testing.stripe_types"]
