"""What each area of the service tells a browser to refuse. That its pages work so, test_browser*.py sees in Chromium."""

import subprocess
import sys
from typing import Any

from csp.decorators import csp_replace
from django.http import HttpResponse
from django.test import Client, RequestFactory

from commercecore_payments.browser_protection import NO_PAGE, PERMISSIONS_POLICY, ContentSecurityPolicy, policy_of
from commercecore_payments.tests.admin_pages import staff_client
from commercecore_payments.tests.service import PROJECT_DIR, environment_of_its_own
from commercecore_payments.tests.tenants import Tenant


def directives(response: Any) -> dict[str, str]:
    parts = (part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))
    return {name: " ".join(rest) for name, *rest in parts}


class TestAnAnswer:
    def test_that_is_no_page_can_be_shown_as_none(self, tenant: Tenant) -> None:
        answers = [tenant.get("/status"), tenant.get("/transactions/pi_1"), tenant.client.get("/api/nothing")]
        answers += [tenant.client.post("/webhooks/stripe"), tenant.client.get("/static/commercecore_payments/icon.svg")]
        for answer in answers:
            assert directives(answer) == {name: values[0] for name, values in NO_PAGE.items()}
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert (answer["Permissions-Policy"], answer["Cross-Origin-Resource-Policy"]) == (PERMISSIONS_POLICY, "same-origin")

    def test_that_is_a_page_runs_no_script_and_stands_in_no_frame(self, tenant: Tenant) -> None:
        operator = staff_client(superuser=True)
        link = tenant.post("/connected-accounts", {"email": "seller@example.com"}).json()["links"]["onboarding_url"]
        browser = Client()
        pages = {
            "landing": browser.get("/"),
            "nothing": browser.get("/nothing"),
            "onboarding done": browser.get(f"{link}/done"),
            "dead link": browser.get("/onboarding/nothing"),
            "sandbox": operator.get("/sandbox/clock"),
            "admin": operator.get("/admin/"),
        }
        policies = {name: directives(answer) for name, answer in pages.items()}
        for policy in policies.values():
            assert [policy[name] for name in ("default-src", "frame-ancestors", "base-uri")] == ["'none'"] * 3
        assert {name: policy.get("script-src") for name, policy in policies.items()} == {
            **dict.fromkeys(pages), "admin": "'self' 'unsafe-eval'"}  # fmt: skip
        assert {name: policy["form-action"] for name, policy in policies.items()} == {
            **dict.fromkeys(pages, "'self'"), "sandbox": "'self' https: http:"}  # fmt: skip
        for answer in pages.values():
            assert (answer["X-Frame-Options"], answer["Cross-Origin-Opener-Policy"]) == ("DENY", "same-origin")

    def test_that_is_somebodys_own_is_kept_nowhere(self, db: None) -> None:
        stranger, operator = Client(), staff_client(superuser=True)
        for address in ("/admin/", "/admin/login/", "/admin/nothing/", "/onboarding/nothing", "/sandbox/", "/sandbox/clock"):
            for browser in (stranger, operator):
                assert "no-store" in browser.get(address)["Cache-Control"], address

    def test_may_have_a_policy_of_its_own(self) -> None:
        """As a view says with django-csp's decorators; it is otherwise that of its area."""
        view = csp_replace({"script-src": ["'self'"]})(lambda _: HttpResponse("a page"))
        answer = ContentSecurityPolicy(view)(RequestFactory().get("/docs"))
        assert (directives(answer)["script-src"], directives(answer)["default-src"]) == ("'self'", "'none'")
        assert "script-src" not in policy_of(RequestFactory().get("/docs"), HttpResponse("a page"))


class TestASignedPost:
    def test_is_needed_by_every_form(self, db: None) -> None:
        """Without the form's token Django refuses it; Stripe's door alone goes by a signature, and the API by the token."""
        operator = staff_client(superuser=True, csrf=True)
        for address in ("/admin/login/", "/admin/logout/", "/sandbox/clock", "/sandbox/faults", "/sandbox/checkout"):
            assert operator.post(address, {}).status_code == 403, address
        assert operator.post("/webhooks/stripe").status_code == 400
        assert operator.post("/api/v1/refunds").status_code == 400


class TestADeployment:
    def test_has_cookies_that_no_script_and_no_other_host_reaches_and_is_asked_over_https_alone(self, tmp_path: Any) -> None:
        names = ["SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"]
        names += ["SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"]
        code = f"from django.conf import settings; print([getattr(settings, name) for name in {names}])"
        with environment_of_its_own(tmp_path) as variables:
            variables |= {
                "PUBLIC_BASE_URL": "https://pay.example.com",
                "DJANGO_SETTINGS_MODULE": "commercecore_payments.settings",
            }
            run = subprocess.run(
                [sys.executable, "-c", code], cwd=PROJECT_DIR, env=variables, capture_output=True, text=True, check=True
            )
        assert run.stdout.strip() == ("['__Host-sessionid', '__Host-csrftoken', True, True, True, True, True, 31536000]")
