"""Who may do what: the groups that come with the service, and every action as each of them."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import TextField
from django.test import Client
from django.urls import reverse

from commercecore_payments.admin.actions import question_of
from commercecore_payments.admin.confirmation import ConfirmedActions
from commercecore_payments.tests.admin_pages import OWN_RECORDS, add_page, list_page, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from sandbox.models import SandboxObject
from staff.groups import DEVELOPER_RELATIONS, FINANCE, RIGHTS, SUPPORT, VIEWER, permissions_of
from staff.rights import Right
from staff.tests.people import make_member, member
from staff.tests.scenes import ACTS, play

# Those that the sandbox's own records have, and those of other parts of the service that have tests of their own.
RIGHTS_WITHOUT_A_BUTTON_ON_A_RECORD = {Right.EXPORT_RECORDS}


def rows() -> dict[Any, Any]:
    """All that an action could have moved, here and at Stripe. The look at a balance, which a preview takes, writes there too."""
    here = {model: list(model._base_manager.order_by("pk").values()) for model in OWN_RECORDS if model != SandboxObject}
    money = SandboxObject.objects.filter(object_type__in=("payment_intent", "charge", "refund"))
    return {**here, SandboxObject: [(one.stripe_id, one.data["status"]) for one in money.order_by("pk")]}


class TestTheGroups:
    @pytest.mark.parametrize("group", RIGHTS)
    def test_come_with_the_migrations_and_hold_what_their_table_says(self, db: None, group: str) -> None:
        held = Group.objects.get(name=group).permissions.values_list("content_type__app_label", "codename")
        assert {f"{app}.{codename}" for app, codename in held} == set(permissions_of(group))

    def test_hold_permissions_that_django_knows_by_the_same_names(self, db: None) -> None:
        """A permission that hung on no model of ours would be Django's of nothing, and would open nothing."""
        given = Permission.objects.filter(group__isnull=False).distinct().select_related("content_type")
        strays = [one.codename for one in given if one.content_type.model_class() is None]
        misnamed = [one.name for one in given if one.content_type.app_label == "staff" and one.name != Right(one.codename).label]
        assert (strays, misnamed) == ([], [])

    def test_never_may_delete(self, db: None) -> None:
        assert [one for group in RIGHTS for one in permissions_of(group) if ".delete_" in one] == []

    def test_keep_from_support_and_developer_relations_what_moves_money_out(self) -> None:
        money = {Right.REFUND, Right.APPROVE_REFUND, Right.CAPTURE, Right.CANCEL}
        assert {group for group, rights in RIGHTS.items() if money & set(rights)} == {FINANCE}
        assert RIGHTS[VIEWER] == ()

    def test_show_a_viewer_every_list_and_developer_relations_no_payments(self, tenant: Tenant) -> None:
        viewer, relations = member("viewer", VIEWER), member("relations", DEVELOPER_RELATIONS)
        hidden = {model for model in OWN_RECORDS if viewer.get(list_page(model)).status_code != 200}
        shown = {model._meta.model_name for model in OWN_RECORDS if relations.get(list_page(model)).status_code == 200}
        callers = {"developer", "app", "developertoken", "revokedjsonwebtoken", "idempotencykey"}
        assert hidden == set()
        assert shown == callers | {"stripeevent", "event", "webhookendpoint", "delivery"}

    def test_show_developer_relations_no_payments_of_an_app_either(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        pages = [record_page(tenant.app), record_page(tenant.developer)]
        viewer, relations = member("viewer", VIEWER), member("relations", DEVELOPER_RELATIONS)
        shown = ["".join(client.get(page).content.decode() for page in pages) for client in (viewer, relations)]
        assert [[text in page for text in (transaction_id, seller)] for page in shown] == [[True, True], [False, False]]


class TestEveryAction:
    def test_of_the_admin_is_in_the_table_of_these_tests(self) -> None:
        asked = {
            (known.model._meta.model_name, name, question_of(getattr(type(known), name)).right)
            for known in admin.site._registry.values()
            if isinstance(known, ConfirmedActions)
            for name in (*known.actions_detail, *known.actions_list)
        }
        of_other_parts = {one for one in asked if one[2] in RIGHTS_WITHOUT_A_BUTTON_ON_A_RECORD}
        reversals = {(model, name) for model, name, _ in asked if name in ("enable", "switch_on", "withdraw")}
        played = {(act.name, act.right) for act in ACTS}
        left = {(name, right) for model, name, right in asked - of_other_parts if (model, name) not in reversals}
        assert left == played

    @pytest.mark.parametrize("group", RIGHTS)
    def test_is_offered_to_those_who_may_and_refused_to_the_others(self, tenant: Tenant, seller: str, group: str) -> None:
        play(tenant, seller)
        client = member("anna", group)
        before = rows()
        offered, opened, refused = set(), set(), set()
        for act in ACTS:
            page, address = client.get(act.page), act.form
            offered |= {str(act)} if f'href="{address}"' in page.content.decode() else set()
            asked = client.get(address).status_code
            opened |= {str(act)} if asked == 200 else set()
            statuses = (asked, client.post(address, {"reason": "x", **act.answers}).status_code)
            refused |= {str(act)} if statuses == (403, 403) else set()
        expected = {str(act) for act in ACTS if act.right in RIGHTS[group]}
        assert (offered, opened, refused) == (expected, expected, {str(act) for act in ACTS} - expected)
        assert rows() == before

    def test_takes_the_permission_to_see_its_record_too(self, tenant: Tenant, seller: str) -> None:
        play(tenant, seller)
        user = make_member("anna", SUPPORT)
        user.groups.clear()
        user.user_permissions.add(Permission.objects.get(codename="resync", content_type__app_label="staff"))
        client = Client()
        client.force_login(user)
        act = next(act for act in ACTS if act.name == "read_from_stripe")
        assert client.get(record_page(act.of(), act.name)).status_code == 403


class TestASecretColumn:
    """What no page shows is not found out by filters either, which anybody can write into the address of a list."""

    def test_is_not_filtered_by(self, tenant: Tenant) -> None:
        client = staff_client(superuser=True)
        secret = {"get_data", "post_data", "digest", "fingerprint", "password", "onboarding_link_nonce"}
        columns = [
            (known.model, field.name)
            for known in admin.site._registry.values()
            for field in known.model._meta.concrete_fields
            if field.name in secret or (not field.editable and isinstance(field, TextField) and not field.primary_key)
        ]
        open_ones = [
            f"{model.__name__}.{name}"
            for model, name in columns
            if client.get(list_page(model), {f"{name}__startswith": "a"}).status_code != 400
        ]
        assert (len(columns), open_ones) == (9, [])


class TestUsersAndGroups:
    def test_are_changed_by_superusers_alone(self, db: None) -> None:
        """Whoever else might change them could take every right, or a superuser's password."""
        verbs = [f"auth.{verb}_{model}" for verb in ("view", "add", "change", "delete") for model in ("user", "group")]
        client = staff_client(*verbs)
        user, group = User.objects.get(), Group.objects.get(name=VIEWER)
        pages = [
            record_page(user),
            record_page(group),
            record_page(group, "delete"),
            add_page(User),
            add_page(Group),
            reverse("admin:auth_user_password_change", args=[user.pk]),
        ]
        assert [client.post(page, {"is_superuser": "on", "post": "yes"}).status_code for page in pages] == [403] * 6
        assert [client.get(list_page(model)).status_code for model in (User, Group)] == [200, 200]
