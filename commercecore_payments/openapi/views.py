"""The pages for developers: the API's description as a file, in Swagger UI, and its errors."""

from collections.abc import Sequence
from functools import cache

from csp.constants import SELF
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView, SpectacularYAMLAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from commercecore_payments.openapi.catalogue import entries
from commercecore_payments.openapi.document import document
from commercecore_payments.versions import CURRENT, DOCUMENTED

# Beside what every page is allowed: Swagger UI is a script, from this service, and asks this service for the description and for
# what is tried out. It needs no script and no style that stands in the page.
SWAGGER_UI: dict[str, Sequence[str]] = {"script-src": [SELF], "connect-src": [SELF]}


# Each way of writing the description, by its media type.
WAYS: dict[str, type[BaseRenderer]] = {
    kind.media_type: kind for kind in (*SpectacularJSONAPIView.renderer_classes, *SpectacularYAMLAPIView.renderer_classes)
}


@cache
def written(media_type: str) -> str | bytes:
    """The description as such a file, written once for each process: as YAML that keeps a core busy for a second."""
    return WAYS[media_type]().render(document())


def description(request: Request) -> HttpResponse:
    """The file of the kind that was asked for. Nothing of it depends on who asks."""
    renderer = request.accepted_renderer
    charset = f"; charset={renderer.charset}" if renderer.charset else ""
    return HttpResponse(written(renderer.media_type), content_type=f"{renderer.media_type}{charset}")


class DescriptionAsJson(SpectacularJSONAPIView):
    """`/openapi.json`"""

    def _get_schema_response(self, request: Request) -> HttpResponse:
        return description(request)


class DescriptionAsYaml(SpectacularYAMLAPIView):
    """`/openapi.yaml`"""

    def _get_schema_response(self, request: Request) -> HttpResponse:
        return description(request)


@method_decorator(csp_replace(SWAGGER_UI), name="dispatch")
class DocumentationView(SpectacularSwaggerSplitView):
    """Swagger UI, all of whose files come from this service. Its script is a request of its own: nothing stands in the page."""

    template_name = "commercecore_payments/swagger.html"
    template_name_js = "commercecore_payments/swagger.js"
    url_name = "openapi-json"


@require_safe
def error_catalogue(request: HttpRequest) -> HttpResponse:
    """`/docs/errors`: every code, when it occurs and what to do."""
    context = {"entries": entries(), "current": CURRENT, "documented": DOCUMENTED}
    return render(request, "commercecore_payments/errors.html", context)
