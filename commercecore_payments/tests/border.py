"""The security border as tests see it: one view behind each authentication class, what it tells and how it refuses."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from commercecore_payments.authentication import AppAuthentication, AppUserAuthentication, DeveloperTokenAuthentication
from commercecore_payments.versions import answers_documented_statuses, requested_version

# Each refusal: its status, its message and its code.
UNAUTHORIZED = (401, "Unauthorized", "unauthorized")
INVALID = (401, "Invalid or expired token", "invalid_token")
NO_APP = (400, "Provide app_id in the header", "app_id_required")
TWO_APPS = (400, "The app_id is given more than once, with different values.", "app_id_conflict")
NO_USER = (401, "Please provide a valid user token in the header", "user_id_required")
FORBIDDEN = (403, "This app may not be used with this token.", "app_forbidden")
USER = "usr_t3hbYiDlxwF0WR6z49FymVg_2"


class DeveloperView(APIView):
    """Answers who calls, as the routes of connected accounts see it."""

    authentication_classes = [DeveloperTokenAuthentication]

    def get(self, request: Request) -> Response:
        caller: Any = request.user
        return Response(
            {
                "developer": caller.developer.id,
                "app": caller.app.id if caller.app else None,
                "user_id": caller.user_id,
                "token_id": caller.token_id,
                "auth": request.auth,
                "version": requested_version(request._request),
                "documented": answers_documented_statuses(request._request),
            }
        )


class AppView(DeveloperView):
    """The same, as the routes of events and webhook endpoints see it."""

    authentication_classes = [AppAuthentication]


class AppUserView(DeveloperView):
    """The same, as the routes of transactions, refunds and payment methods see it."""

    authentication_classes = [AppUserAuthentication]


def ask(view: type[APIView], headers: Mapping[str, str], query: str = "") -> HttpResponseBase:
    return view.as_view()(APIRequestFactory().get(f"/api/v1/anything{query}", headers=dict(headers)))


def caller(view: type[APIView], headers: Mapping[str, str], query: str = "") -> dict[str, Any]:
    response: Any = ask(view, headers, query)
    assert response.status_code == 200, response.data
    data: dict[str, Any] = response.data
    return data


def refusal(view: type[APIView], headers: Mapping[str, str], query: str = "") -> tuple[int, str, str]:
    """The status, message and code of a refusal, once its whole body has been found to be the documented one."""
    response: Any = ask(view, headers, query).render()  # type: ignore[attr-defined]
    body = json.loads(response.content)
    status, message, code = response.status_code, body["detail"], body["details"]["code"]
    phrase = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden"}[status]
    assert body == {
        "detail": message,
        "error": phrase,
        "meta": {
            "success": False,
            "status_code": status,
            "request_method": "GET",
            "request_path": "http://testserver/api/v1/anything",
            "request_id": "",
        },
        "details": {"message": message, "code": code, "fields": {}},
    }
    assert response.get("WWW-Authenticate") == ('Bearer realm="api"' if status == 401 else None)
    return status, message, code
