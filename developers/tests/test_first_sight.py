"""Requests that see the same new developer at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from developers.errors import AppForbidden
from developers.models import App, Developer
from developers.operations import Credential, authenticate_token, find_app
from developers.tests.factories import AppFactory, DeveloperFactory
from developers.tests.issuer import APP_ID, DEVELOPER_ID, SECRET_KEYS, claims, sign

pytestmark = pytest.mark.django_db(transaction=True)

# Seconds in which the second request reaches the row that the first has not committed; it then waits for the first.
HEAD_START_S = 0.3
# Seconds after which a request that waits for ever has failed the test.
PATIENCE_S = 30


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.JWT_KEYS = SECRET_KEYS


def authenticated(text: str) -> Credential:
    """What a worker's thread finds, its own connection given back."""
    try:
        return authenticate_token(text=text)
    finally:
        connection.close()


def while_uncommitted(text: str, **app: Any) -> Credential:
    """What a request with the token `text` finds that began while another had made `app` and not yet committed it."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        with transaction.atomic():
            AppFactory.create(**app)
            second = threads.submit(authenticated, text)
            threading.Event().wait(HEAD_START_S)
            assert not second.done()
        return second.result(PATIENCE_S)


class TestASecondRequest:
    def test_takes_the_developer_and_the_app_that_the_first_is_about_to_commit(self) -> None:
        credential = while_uncommitted(sign(), id=APP_ID, developer__id=DEVELOPER_ID, name="made by the first")

        assert credential.developer == Developer.objects.get()
        assert App.objects.values_list("id", "developer_id", "name").get() == (APP_ID, DEVELOPER_ID, "made by the first")

    def test_takes_a_new_app_of_a_developer_who_was_known(self) -> None:
        developer = DeveloperFactory.create(id=DEVELOPER_ID)

        while_uncommitted(sign(), id=APP_ID, developer=developer, name="made by the first")

        assert App.objects.values_list("id", "developer_id", "name").get() == (APP_ID, DEVELOPER_ID, "made by the first")

    def test_leaves_an_app_to_the_developer_who_is_about_to_commit_it(self) -> None:
        DeveloperFactory.create(id=DEVELOPER_ID)
        first = DeveloperFactory.create()

        credential = while_uncommitted(sign(claims(app_ids=[APP_ID, "ap_own"])), id=APP_ID, developer=first)

        assert set(App.objects.values_list("id", "developer_id")) == {(APP_ID, first.id), ("ap_own", DEVELOPER_ID)}
        with pytest.raises(AppForbidden):
            find_app(credential=credential, app_id=APP_ID)


class TestEightRequestsAtOnce:
    def test_make_one_developer_and_each_app_once(self) -> None:
        start = threading.Barrier(8)
        texts = [sign(claims(jti=str(number), app_ids=[APP_ID, f"ap_{number}"])) for number in range(8)]

        def run(text: str) -> Credential:
            start.wait(PATIENCE_S)
            return authenticated(text)

        with ThreadPoolExecutor(max_workers=8) as threads:
            found = [future.result(PATIENCE_S) for future in [threads.submit(run, text) for text in texts]]

        assert {credential.developer.id for credential in found} == {DEVELOPER_ID}
        assert Developer.objects.count() == 1
        assert set(App.objects.values_list("id", flat=True)) == {APP_ID, *(f"ap_{number}" for number in range(8))}
