"""`/connected-accounts`: sellers, opened by a developer's token alone."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import operations, serializers
from accounts.deletion import delete_account
from accounts.links import onboarding_url
from accounts.lists import list_accounts
from accounts.models import ConnectedAccount
from commercecore_payments.envelopes import envelope, next_page
from commercecore_payments.viewsets import DeveloperViewSet


class ConnectedAccountViewSet(DeveloperViewSet):
    # Their links let whoever has them in, and Stripe's work once: a repeat needs a new one, and nobody keeps the old one.
    never_stored = frozenset({"onboarding", "login"})

    def create(self, request: Request) -> Response:
        """`POST /connected-accounts`"""
        body = serializers.CreateAccountRequest.read(request.data)
        account = operations.create_account(email=body["email"], actor=self.actor)
        links = {"onboarding_url": onboarding_url(account)}
        return envelope(request, serializers.created_account(account), status=201, links=links)

    def onboarding(self, request: Request) -> Response:
        """`POST /connected-accounts/onboarding`"""
        account = self._named_in_body(request)
        links = {"onboarding_url": operations.continue_onboarding(account)}
        return envelope(request, serializers.onboarding_account(account), status=201, links=links)

    def login(self, request: Request) -> Response:
        """`POST /connected-accounts/login`"""
        link = operations.create_login_link(self._named_in_body(request))
        return envelope(request, serializers.login_link(link), status=201, links={"login_url": link.url})

    def list(self, request: Request) -> Response:
        """`GET /connected-accounts`"""
        asked = serializers.ListAccountsQuery.of_query(request.query_params)
        page = list_accounts(**asked, developer=self.actor.developer)
        last = page.goes_on_behind
        links = next_page(request, starting_after=last.stripe_account_id if last is not None else None)
        return envelope(request, serializers.account_list(page), status=200, links=links)

    def balance(self, request: Request, identifier: str) -> Response:
        """`GET /connected-accounts/{id}/balance`"""
        account = operations.find_account(account_id=identifier, developer=self.actor.developer)
        return envelope(request, serializers.account_balance(account, operations.read_balance(account)), status=200)

    def retrieve(self, request: Request, identifier: str) -> Response:
        """`GET /connected-accounts/{id}`"""
        account = operations.find_account(account_id=identifier, developer=self.actor.developer)
        snapshot = operations.refresh_account(account)
        return envelope(request, serializers.account_details(account, snapshot), status=200)

    def destroy(self, request: Request, identifier: str) -> Response:
        """`DELETE /connected-accounts/{id}`"""
        delete_account(account_id=identifier, actor=self.actor)
        return envelope(request, {"account_id": identifier, "deleted": True}, status=200)

    def _named_in_body(self, request: Request) -> ConnectedAccount:
        body = serializers.AccountRequest.read(request.data)
        return operations.find_account(account_id=body["account_id"], developer=self.actor.developer)
