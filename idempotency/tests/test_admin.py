"""Idempotency keys as operators see them."""

from commercecore_payments.tests.admin_pages import list_page, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from idempotency.models import IdempotencyKey
from idempotency.tests.keyed import KEY, under


class TestThePageOfAKey:
    def test_shows_whose_it_is_and_how_it_was_answered_but_not_the_answer(self, tenant: Tenant, seller: str) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        secret = tenant.post("/transactions", body, **under()).json()["data"]["client_secret"]
        row = IdempotencyKey.objects.get()
        client = staff_client(superuser=True)
        for address in (list_page(IdempotencyKey), record_page(row)):
            page = client.get(address).content.decode()
            assert KEY in page
            assert tenant.app.pk in page
            assert "201" in page
            assert secret not in page
            assert row.answer not in page

    def test_uses_plain_words(self, tenant: Tenant) -> None:
        tenant.post("/connected-accounts", {"email": "seller@example.com"}, **under())
        page = staff_client(superuser=True).get(record_page(IdempotencyKey.objects.get())).content.decode()
        assert "fencing token" not in page
        assert "Times begun" in page
        assert "API version" in page

    def test_lets_nobody_add_change_or_delete_one(self, tenant: Tenant) -> None:
        tenant.post("/connected-accounts", {"email": "seller@example.com"}, **under())
        row = IdempotencyKey.objects.get()
        client = staff_client(superuser=True)
        assert client.post(record_page(row), {"key": "another"}).status_code == 403
        assert client.post(record_page(row, "delete"), {"post": "yes"}).status_code == 403
        row.refresh_from_db()
        assert row.key == KEY

    def test_needs_the_permission_to_view_it(self, tenant: Tenant) -> None:
        tenant.post("/connected-accounts", {"email": "seller@example.com"}, **under())
        row = IdempotencyKey.objects.get()
        assert staff_client().get(record_page(row)).status_code == 403
