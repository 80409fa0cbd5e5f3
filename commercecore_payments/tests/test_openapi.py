"""The description of the API: it names every route, it is served, and answers that it does not describe are noticed."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from commercecore_payments.management.commands import write_error_catalogue
from commercecore_payments.openapi import auto_schema, catalogue, described
from commercecore_payments.openapi.document import document, generated
from commercecore_payments.openapi.views import WAYS
from commercecore_payments.testing.api_answers.judge import Answer, problems
from commercecore_payments.tests.browser import needs_chromium
from commercecore_payments.views import ENDPOINTS

REFUSED = {
    "detail": "No such refund.",
    "error": "Not Found",
    "meta": {
        "success": False,
        "status_code": 404,
        "request_method": "GET",
        "request_path": "http://testserver/api/v1/refunds/re_1",
        "request_id": "req_1",
    },
    "details": {"message": "No such refund.", "code": "refund_not_found", "fields": {}},
}
HEADERS = {"X-Request-ID": "req_1", "CommerceCore-Version": "2026-12-01", "Content-Type": "application/json"}


def judged(**changes: Any) -> list[str]:
    """What is wrong with a sound answer, of which something is changed."""
    sound = {"method": "GET", "path": "/api/v1/refunds/re_1", "status": 404, "headers": HEADERS, "body": REFUSED}
    asked = {**sound, **changes}
    return problems(Answer(**{**asked, "body": json.dumps(asked["body"]).encode()}))


class TestTheDescription:
    def test_is_valid_and_warns_of_nothing(self, tmp_path: Path) -> None:
        file = tmp_path / "openapi.yaml"
        call_command("spectacular", validate=True, fail_on_warn=True, file=str(file))
        written = yaml.load(file.read_text(), yaml.CSafeLoader)
        assert written["openapi"] == "3.1.1"
        assert written == document()

    def test_names_every_endpoint_that_the_landing_page_lists(self) -> None:
        listed = {name for name, _ in ENDPOINTS}
        assert set(described.all_operations()) == listed | {"GET /", "GET /status"}

    def test_fails_for_a_route_that_nobody_described(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(auto_schema, "all_operations", dict)
        with pytest.raises(described.NotDescribed, match="stands in no schema"):
            generated.__wrapped__()

    def test_calls_no_two_operations_alike(self) -> None:
        ids = [operation["operationId"] for found in document()["paths"].values() for operation in found.values()]
        assert len(set(ids)) == len(ids) == len(described.all_operations())

    def test_is_the_same_for_all_who_ask_first_at_the_same_moment(self) -> None:
        generated.cache_clear()
        with ThreadPoolExecutor(4) as pool:
            first, *others = pool.map(lambda _: document(), range(4))
        assert "/api/v1/refunds/{id}" in first["paths"]
        assert all(other is first for other in others)

    def test_lets_every_request_be_called_by_an_id_of_the_callers(self) -> None:
        operations = [operation for found in document()["paths"].values() for operation in found.values()]
        assert all({"$ref": "#/components/parameters/RequestId"} in operation["parameters"] for operation in operations)
        told = document()["components"]["parameters"]["RequestId"]
        assert (told["name"], told["in"], told["schema"]) == ("X-Request-ID", "header", {"type": "string"})

    def test_says_what_every_field_of_a_request_and_every_query_is_for(self) -> None:
        operations = [(path, one) for path, found in document()["paths"].items() for one in found.values()]
        queries = [(path, one) for path, operation in operations for one in operation["parameters"] if one.get("in") == "query"]
        bodies = {
            operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for _, operation in operations
            if "requestBody" in operation
        }
        shapes = document()["components"]["schemas"]
        fields = [(body, name, field) for body in sorted(bodies) for name, field in shapes[body]["properties"].items()]
        assert (len(queries), len(fields)) == (39, 39)
        assert [(path, query["name"]) for path, query in queries if not query.get("description")] == []
        assert [(body, name) for body, name, field in fields if not field.get("description")] == []

    def test_is_served_in_both_forms(self, client: Client) -> None:
        assert json.loads(client.get("/openapi.json").content) == document()
        assert client.get("/openapi.yaml").content.startswith(b"openapi: 3.1.1")

    @pytest.mark.parametrize(
        ("address", "accepted", "answered"),
        [
            ("/openapi.json", "*/*", "application/vnd.oai.openapi+json"),
            ("/openapi.json", "application/json", "application/json"),
            ("/openapi.yaml", "*/*", "application/vnd.oai.openapi; charset=utf-8"),
            ("/openapi.yaml", "application/yaml", "application/yaml; charset=utf-8"),
        ],
    )
    def test_is_written_once_for_all_who_ask(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, address: str, accepted: str, answered: str
    ) -> None:
        """Else anybody could keep the cores busy with it, which serve payments."""
        first = client.get(address, headers={"Accept": accepted})
        for kind in WAYS.values():
            monkeypatch.setattr(kind, "render", lambda *_: pytest.fail("It was written again."))
        again = client.get(address, headers={"Accept": accepted})
        assert (again.status_code, again["Content-Type"], again.content) == (200, answered, first.content)


class TestAnAnswer:
    def test_that_is_described_is_let_through(self) -> None:
        assert judged() == []

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"status": 410}, "the status is not described; the code is 'refund_not_found'"),
            ({"body": {**REFUSED, "hint": "x"}}, "Additional properties are not allowed ('hint' was unexpected) at the top"),
            ({"headers": {}}, "the header X-Request-ID is missing"),
            ({"headers": {**HEADERS, "X-More": "1"}}, "the header x-more is not described"),
            ({"headers": {**HEADERS, "CommerceCore-Version": "1"}}, "the header CommerceCore-Version is '1'"),
        ],
    )
    def test_that_is_not_is_noticed(self, changes: dict[str, Any], problem: str) -> None:
        assert judged(**changes) == [f"GET /api/v1/refunds/re_1 answers {changes.get('status', 404)}: {problem}"]

    def test_with_a_code_of_another_operation_is_noticed(self) -> None:
        body = {**REFUSED, "details": {**REFUSED["details"], "code": "order_not_found"}}  # type: ignore[dict-item]
        [problem] = judged(body=body)
        assert "is not one of" in problem

    def test_in_the_status_of_the_other_version_is_noticed(self) -> None:
        body = {**REFUSED, "error": "Internal Server Error", "meta": {**REFUSED["meta"], "status_code": 500}}  # type: ignore[dict-item]
        body["details"] = {**REFUSED["details"], "code": "already_confirmed"}  # type: ignore[dict-item]
        found = judged(method="POST", path="/api/v1/transactions/confirm", status=500, body=body)
        assert found == [
            "POST /api/v1/transactions/confirm answers 500: already_confirmed is no error with this status in version 2026-12-01"
        ]


class TestTheErrorCatalogue:
    def test_in_the_documentation_is_current(self) -> None:
        assert write_error_catalogue.CATALOGUE.read_text() == catalogue.as_markdown(), "manage.py write_error_catalogue"

    def test_explains_every_code_that_the_api_answers(self, client: Client) -> None:
        codes = document()["components"]["schemas"]["ErrorDetails"]["properties"]["code"]["enum"]
        assert [entry.code for entry in catalogue.entries()] == codes
        shown = client.get("/docs/errors").content.decode()
        assert all(f'id="{code}"' in shown for code in codes)

    def test_says_of_an_error_of_reads_alone_that_no_key_matters(self) -> None:
        of_reads = {entry.code for entry in catalogue.entries() if entry.repeat == catalogue.OF_A_READ}
        assert of_reads == {"refund_not_found", "unknown_starting_point"}

    def test_says_which_status_comes_in_which_version(self) -> None:
        [entry] = [entry for entry in catalogue.entries() if entry.code == "already_confirmed"]
        assert (entry.status, entry.documented_status, entry.operations) == (409, 500, ["POST /transactions/confirm"])


@needs_chromium
@pytest.mark.django_db(transaction=True)
class TestTheDocumentationPage:
    def test_shows_every_operation_and_asks_nobody_else(self, page: Any, base: str) -> None:
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
        document()  # made beforehand: on a busy machine it takes longer than a page is waited for
        page.goto(f"{base}/docs")
        page.locator("[id*=createTransaction]").first.wait_for()
        assert page.locator("html.dark-mode").count() == 1
        assert page.locator(".opblock").count() == len(described.all_operations()) + len(document()["webhooks"])
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.goto(f"{base}/docs/errors")
        assert page.locator("section.panel").count() == len(catalogue.entries())
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert [url for url in asked if not url.startswith((base, "data:"))] == []
        assert said == []
