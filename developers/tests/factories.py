"""Developers, Apps and tokens for tests."""

from datetime import datetime

import factory
from factory.django import DjangoModelFactory

from developers.models import App, Developer, DeveloperToken
from developers.operations import issue_token


class DeveloperFactory(DjangoModelFactory[Developer]):
    class Meta:
        model = Developer

    name = factory.Sequence(lambda number: f"Developer {number}")


class AppFactory(DjangoModelFactory[App]):
    class Meta:
        model = App

    developer = factory.SubFactory(DeveloperFactory)
    name = factory.Sequence(lambda number: f"App {number}")


def make_token(
    developer: Developer | None = None, *, name: str = "tests", expires_at: datetime | None = None
) -> tuple[DeveloperToken, str]:
    """A token of `developer` (a new one where none is given): its row and its clear text."""
    return issue_token(developer=developer or DeveloperFactory.create(), name=name, expires_at=expires_at)
