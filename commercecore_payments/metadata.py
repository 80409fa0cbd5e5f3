"""Metadata at Stripe: whose keys are whose."""

from collections.abc import Mapping

# Keys that begin so are ours: by them an object is found again. They are neither taken from callers nor shown to them.
OWN_PREFIX = "commercecore_"


def callers_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """What the caller put there, without our own keys."""
    return {key: value for key, value in metadata.items() if not key.startswith(OWN_PREFIX)}
