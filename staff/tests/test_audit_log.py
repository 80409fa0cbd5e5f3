"""The audit log: exactly what was done, by whom, why and with what outcome; never a secret, and never changed."""

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from commercecore_payments import clock
from commercecore_payments.admin import confirmation
from commercecore_payments.tests.admin_pages import REASON, add_page, list_page, perform, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from developers.models import App, Developer, DeveloperToken
from gateway.models import Kind, Operation
from gateway.tests.faults import stripe_fails, time_out_after
from refunds.errors import RestHasChanged
from refunds.models import Refund
from staff.audit import entries_about
from staff.groups import DEVELOPER_RELATIONS, VIEWER
from staff.interrupted import write_down_next
from staff.tests.people import make_member, member
from transactions import payment_actions
from transactions.models import Transaction

HALF = {"amount": "5.00", "stripe_reason": "duplicate"}


@pytest.fixture
def payment(tenant: Tenant, seller: str) -> Transaction:
    tenant.pay(seller)
    found: Transaction = Transaction.objects.get()
    return found


def written(record: Any) -> dict[str, Any]:
    """What the one entry about the record says of the action."""
    [entry] = entries_about(record)
    return {"who": entry.actor.username, **entry.additional_data}


class TestAnAction:
    def test_that_was_done_is_written_down(self, payment: Transaction) -> None:
        response = perform(member("anna"), payment, "refund", HALF)
        operation = Operation.objects.get(kind=Kind.REFUND_CREATE)
        assert written(payment) == {
            "who": "anna",
            "action": "refund",
            "reason": REASON,
            "outcome": "done",
            "message": f"The refund of 5.00 USD has succeeded: {operation.result_id}.",
            "answers": {"amount": "500", "stripe_reason": "duplicate"},
            "operation": operation.pk,
            "request": response["X-Request-ID"],
            "environment": "sandbox",
        }
        [entry] = entries_about(payment)
        assert (entry.object_repr, entry.remote_addr, entry.cid) == (str(payment), "127.0.0.1", response["X-Request-ID"])
        assert (operation.operator, operation.request_id) == ("anna", response["X-Request-ID"])

    def test_that_was_refused_is_written_down(self, payment: Transaction, tenant: Tenant, seller: str) -> None:
        client = member("anna")
        page = client.get(record_page(payment, "refund"))
        assert tenant.refund(seller).status_code == 201
        Transaction.objects.update(amount_refunded_minor=0)  # as an answer that is still on its way leaves it
        form = {**HALF, "reason": REASON, "form_token": page.context["form_token"], "amount": "5.00"}
        with pytest.MonkeyPatch.context() as patch:  # the API's refund came after the form was checked
            for module in ("transactions.forms", "transactions.payment_actions"):
                patch.setattr(f"{module}.refundable_minor", lambda _: 1000)
            client.post(record_page(payment, "refund"), form)
        facts = written(payment)
        assert (facts["outcome"], facts["message"], facts["operation"]) == ("refused", RestHasChanged.message, "")

    def test_whose_outcome_is_unknown_is_written_down_and_told_with_its_operation(
        self, payment: Transaction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = member("anna")
        with stripe_fails(monkeypatch, time_out_after, path="/refunds"):
            response = perform(client, payment, "refund", HALF)
        operation = Operation.objects.get(kind=Kind.REFUND_CREATE)
        facts = written(payment)
        assert (facts["outcome"], facts["operation"]) == ("unknown", operation.pk)
        page = client.get(response["Location"]).content.decode()
        assert "The outcome is not known yet: it may or may not have happened." in page
        assert f'href="{record_page(operation)}">The operation {operation.pk}</a>' in page

    def test_that_broke_off_is_written_down_and_raised(self, payment: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
        def breaks(_payment: Transaction) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(payment_actions, "refresh_transaction", breaks)
        with pytest.raises(ZeroDivisionError):
            perform(member("anna"), payment, "read_from_stripe")
        facts = written(payment)
        message = "It broke off (ZeroDivisionError): it may or may not have happened."
        assert (facts["outcome"], facts["message"]) == ("broke_off", message)

    def test_during_which_the_process_died_is_written_down_by_a_worker(
        self, payment: Transaction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After Stripe has done it, and before the entry; a day later the form is still not forgotten."""

        def dies(*_: Any, **__: Any) -> None:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(confirmation, "record_action", dies)
            with pytest.raises(SystemExit):
                perform(member("anna"), payment, "refund", HALF)
        assert (write_down_next(), entries_about(payment).count()) == (False, 0)
        with clock.moved_ahead(timedelta(hours=25)):
            perform(member("ben"), Refund.objects.get(), "read_from_stripe")
            assert [write_down_next(), write_down_next()] == [True, False]
        facts = written(payment)
        assert {name: facts[name] for name in ("who", "action", "reason", "outcome", "answers")} == {
            "who": "anna",
            "action": "refund",
            "reason": REASON,
            "outcome": "unknown",
            "answers": {"amount": "500", "stripe_reason": "duplicate"},
        }
        assert facts["message"].startswith("The service ended while it was carried out, at 20")

    def test_that_shows_a_secret_leaves_none_of_it(self, tenant: Tenant) -> None:
        response = perform(member("anna", DEVELOPER_RELATIONS), DeveloperToken.objects.get(), "rotate", {"hours": "0"})
        secret = response.context["done"].secret
        rows = str(list(LogEntry.objects.values()))
        assert secret in response.content.decode()
        digests = DeveloperToken.objects.values_list("digest", flat=True)
        assert [text for text in (secret, tenant.token, *digests) if text in rows] == []


class TestAnEditByForm:
    def test_of_a_user_tells_old_and_new_and_nothing_of_the_password(self, db: None) -> None:
        operator = staff_client(superuser=True)
        form = {"username": "anna", "usable_password": "true", "password1": "a long password", "password2": "a long password"}
        operator.post(add_page(User), form)
        user = User.objects.get(username="anna")
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        operator.post(address, {**form, "password1": "another long one", "password2": "another long one"})
        changed, added = entries_about(user)
        assert (added.action, changed.action, changed.actor.username) == (
            LogEntry.Action.CREATE,
            LogEntry.Action.UPDATE,
            "operator",
        )
        assert changed.changes == {"password": ["***", "***"]}
        assert added.changes["password"] == ["***", "***"]

    def test_of_a_users_groups_names_them(self, db: None) -> None:
        operator = staff_client(superuser=True)
        user = User.objects.create_user("anna", is_staff=True)
        group = Group.objects.get(name=VIEWER)
        joined = {"date_joined_0": "2026-11-24", "date_joined_1": "12:00:00"}
        assert operator.post(record_page(user), {"username": "anna", "groups": [group.pk], **joined}).status_code == 302
        changes = [entry.changes for entry in entries_about(user) if "groups" in (entry.changes or {})]
        assert changes == [{"groups": {"type": "m2m", "operation": "add", "objects": ["Viewer"]}}]

    def test_of_an_app_tells_old_and_new(self, tenant: Tenant) -> None:
        client = member("anna", DEVELOPER_RELATIONS)
        client.post(record_page(tenant.app), {"name": "Renamed", "api_version": ""})
        newest = entries_about(App.objects.get())[0]
        assert (newest.actor.username, newest.changes) == ("anna", {"name": [tenant.app.name, "Renamed"]})


class TestTheApisOwnWork:
    def test_is_not_in_the_audit_log(self, tenant: Tenant, seller: str) -> None:
        before = LogEntry.objects.count()
        tenant.pay(seller)
        tenant.refund(seller, amount=100)
        assert LogEntry.objects.count() == before


class TestAnEntry:
    def test_is_never_changed_nor_deleted(self, transactional_db: None) -> None:
        Developer.objects.create(name="Ada's Flowers")
        before = list(LogEntry.objects.order_by("pk").values())
        entry = LogEntry.objects.all()[0]
        for forbidden in (
            lambda: LogEntry.objects.update(object_repr="somebody else"),
            lambda: LogEntry.objects.filter(pk=entry.pk).delete(),
            entry.delete,
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                forbidden()
        assert list(LogEntry.objects.order_by("pk").values()) == before != []

    def test_keeps_its_user_whom_nobody_deletes(self, payment: Transaction) -> None:
        anna = make_member("anna")
        operator = staff_client(superuser=True)
        assert operator.post(record_page(anna, "delete"), {"post": "yes"}).status_code == 403
        operator.post(list_page(User), {"action": "delete_selected", "_selected_action": [str(anna.pk)], "post": "yes"})
        assert User.objects.filter(pk=anna.pk).exists()

    def test_is_found_by_who_when_and_what(self, payment: Transaction) -> None:
        anna = make_member("anna")
        client = Client()
        client.force_login(anna)
        perform(client, payment, "read_from_stripe")
        perform(client, payment, "refund", HALF)
        perform(member("ben"), payment, "read_from_stripe")

        def found(**query: Any) -> list[tuple[str, str]]:
            rows = client.get(list_page(LogEntry), query).context["cl"].result_list
            return [(row.actor.username, row.additional_data["action"]) for row in rows if row.additional_data]

        both = {"did": "read_from_stripe"}
        assert found(**both) == [("ben", "read_from_stripe"), ("anna", "read_from_stripe")]
        assert found(**both, actor__id__exact=anna.pk) == [("anna", "read_from_stripe")]
        assert found(outcome="refused") == []
        assert found(timestamp_to="2020-01-01") == []
        page = client.get(list_page(LogEntry), {"did": "refund"}).content.decode()
        choice = f'<option value="{anna.pk}"'  # of the filter by user, for those who may not look users up
        assert [text for text in (choice, "Refund", "anna", REASON, f'href="{record_page(payment)}"') if text not in page] == []

    def test_of_another_environment_is_not_shown(self, payment: Transaction, settings: Any) -> None:
        client = member("anna")
        perform(client, payment, "read_from_stripe")
        settings.STRIPE_ENVIRONMENT = "live"
        assert client.get(list_page(LogEntry), {"did": "read_from_stripe"}).context["cl"].result_count == 0


class TestTheRemoteAddress:
    @pytest.mark.parametrize(("proxies", "expected"), [(0, "127.0.0.1"), (1, "203.0.113.7"), (2, "198.51.100.9")])
    def test_is_what_our_own_proxies_have_seen_as_for_a_login(
        self, payment: Transaction, settings: Any, proxies: int, expected: str
    ) -> None:
        """With TLS before the service alone, no proxy is known to name addresses: what is named is anybody's word."""
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        settings.TRUSTED_PROXY_COUNT = proxies
        client = member("anna")
        client.defaults["HTTP_X_FORWARDED_FOR"] = "192.0.2.1, 198.51.100.9, 203.0.113.7"
        perform(client, payment, "read_from_stripe")
        assert [entry.remote_addr for entry in entries_about(payment)] == [expected]


class TestADevelopersName:
    def test_of_one_who_was_never_touched_by_the_staff_has_no_user(self, db: None) -> None:
        Developer.objects.create(name="Ada's Flowers")
        assert [entry.actor for entry in entries_about(Developer.objects.get())] == [None]
