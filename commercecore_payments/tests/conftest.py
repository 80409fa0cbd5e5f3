"""What the tests of the running service share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from commercecore_payments.tests.service import environment_of_its_own


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a service of its own, on the kind of database that the tests run on."""
    with environment_of_its_own(tmp_path) as variables:
        yield variables
