"""The base of every API view: its version, its caller and Idempotency-Key, and headers that keep answers out of caches."""

from typing import Any, ClassVar

from django.db import close_old_connections
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from commercecore_payments.actors import Actor, HeldKey
from commercecore_payments.authentication import AppAuthentication, AppUserAuthentication, DeveloperTokenAuthentication
from commercecore_payments.error_responses import key_after
from commercecore_payments.errors import EncodedBody, KeyAfterwards, LengthRequired, UnknownVersion
from commercecore_payments.versions import HEADER, VERSIONS, requested_version
from idempotency.operations import StoredAnswer, forget_key, free_key, hold_key, store_answer
from idempotency.requests import fingerprint, replay, sent_key
from rate_limits.errors import RateLimited
from rate_limits.limiting import Allowance, limits_of, take


class ApiViewSet(ViewSet):
    """Answers in the version that the caller asked for, and says which that is; once for each Idempotency-Key.

    The key is held before the action begins. Its answer is stored, and a repeat is given it instead of the action.
    """

    # Actions whose answers are secrets that are never stored, encrypted or not. Under a key they are held like others.
    never_stored: ClassVar[frozenset[str]] = frozenset()

    held_key: HeldKey | None = None
    allowance: Allowance | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not self.action:  # which methods an address takes is told to everybody, whatever else is wrong with the request
            self.http_method_not_allowed(request)
        if "Transfer-Encoding" in request.headers:  # WSGI has no length for it, and REST framework would read nothing
            raise LengthRequired
        if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise EncodedBody
        super().initial(request, *args, **kwargs)
        if requested_version(request._request) not in VERSIONS:
            raise UnknownVersion
        self._hold_key(request)

    def check_throttles(self, request: Request) -> None:
        """Counts the request of a known caller, before anything else is done for it. Raises RateLimited.

        REST framework calls it right after the authentication. Its own throttles read, compare and write apart, and so let
        more in than they say.
        """
        caller: Any = request.user
        if caller is None:
            return
        app_id = caller.app.pk if caller.app is not None else ""
        limits = limits_of(developer_id=caller.developer.pk, token_id=caller.token_id, app_id=app_id)
        if not limits:
            return
        self.allowance = take(limits)
        if self.allowance.retry_after_s:
            raise RateLimited(retry_after_s=self.allowance.retry_after_s)

    def _hold_key(self, request: Request) -> None:
        """Takes the request's key, if it has one. Where it was answered before, that answer replaces the action."""
        key = sent_key(request)
        if key is None:
            return
        asked = fingerprint(request, user_id=self.actor.user_id)
        held = hold_key(key=key, fingerprint=asked, actor=self.actor)
        if isinstance(held, StoredAnswer):
            # As REST framework itself binds a method to its action.
            setattr(self, str(request.method).lower(), lambda *_args, **_kwargs: replay(held))
        else:
            self.held_key = held

    def handle_exception(self, error: Exception) -> Response:
        """Frees or forgets the key after what is no final answer; what nobody recognises goes on to be a 500."""
        afterwards = key_after(error)
        close_old_connections()  # a broken one: the key is then freed by a new one
        if self.held_key is not None and afterwards != KeyAfterwards.ANSWERED:
            (forget_key if afterwards == KeyAfterwards.FORGOTTEN else free_key)(self.held_key)
            self.held_key = None
        return super().handle_exception(error)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        version = requested_version(request._request)
        if version in VERSIONS:
            response.setdefault(HEADER, version)  # a replay names its own
        response["Cache-Control"] = "no-store"
        if self.allowance is not None:
            for name, value in self.allowance.headers().items():
                response[name] = value
        if self.held_key is not None:
            self._end_hold(self.held_key, response, version=version)
        return response

    def _end_hold(self, held: HeldKey, response: Response, *, version: str) -> None:
        if self.action in self.never_stored:
            free_key(held)
            return
        body = response.render().content.decode()  # once, for whoever asked and for repeats
        store_answer(held, status_code=response.status_code, body=body, api_version=version)

    @property
    def actor(self) -> Actor:
        """Who asks, for the operations."""
        caller: Any = self.request.user
        request_id: str = getattr(self.request._request, "request_id", "")
        return Actor(
            developer=caller.developer,
            app=caller.app,
            user_id=caller.user_id,
            request_id=request_id,
            idempotency_key=self.held_key,
        )


class DeveloperViewSet(ApiViewSet):
    """For routes that a developer's token alone opens."""

    authentication_classes = (DeveloperTokenAuthentication,)


class AppViewSet(ApiViewSet):
    """For routes that also need an app of the developer's."""

    authentication_classes = (AppAuthentication,)


class AppUserViewSet(ApiViewSet):
    """For routes that also need an app of the developer's and a user of the app's."""

    authentication_classes = (AppUserAuthentication,)


class PublicViewSet(ApiViewSet):
    """For routes that anybody may ask."""

    authentication_classes = ()
    permission_classes = ()
