"""The base of every API view: its version, its caller, and headers that keep answers out of caches."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from commercecore_payments.actors import Actor
from commercecore_payments.authentication import AppUserAuthentication, DeveloperTokenAuthentication
from commercecore_payments.errors import LengthRequired, UnknownVersion
from commercecore_payments.versions import HEADER, VERSIONS, requested_version


class ApiViewSet(ViewSet):
    """Answers in the version that the caller asked for, and says which that is."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if "Transfer-Encoding" in request.headers:  # WSGI has no length for it, and REST framework would read nothing
            raise LengthRequired
        super().initial(request, *args, **kwargs)
        if requested_version(request._request) not in VERSIONS:
            raise UnknownVersion

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        version = requested_version(request._request)
        if version in VERSIONS:
            response[HEADER] = version
        response["Cache-Control"] = "no-store"
        return response

    @property
    def actor(self) -> Actor:
        """Who asks, for the operations."""
        caller: Any = self.request.user
        request_id: str = getattr(self.request._request, "request_id", "")
        return Actor(developer=caller.developer, app=caller.app, user_id=caller.user_id, request_id=request_id)


class DeveloperViewSet(ApiViewSet):
    """For routes that a developer's token alone opens."""

    authentication_classes = (DeveloperTokenAuthentication,)


class AppUserViewSet(ApiViewSet):
    """For routes that also need an app of the developer's and a user of the app's."""

    authentication_classes = (AppUserAuthentication,)


class PublicViewSet(ApiViewSet):
    """For routes that anybody may ask."""

    authentication_classes = ()
    permission_classes = ()
