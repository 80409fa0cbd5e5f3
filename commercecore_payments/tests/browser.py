"""A real Chromium for tests: the fixtures of a page, and how somebody on the staff signs in."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Without these Chromium looks for its maker's servers, and its sandbox refuses to run as root.
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SWITCHES += ["--disable-component-update", "--disable-sync"]
PASSWORD = "a long password for the tests"

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page of a fresh browser. A script error fails the test, and whatever a page's content security policy refuses."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright's loop runs in the test's own thread
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda message: errors.extend(refused_by_policy(message)))
        yield opened
        browser.close()
    assert errors == []


def refused_by_policy(message: ConsoleMessage) -> list[str]:
    """What Chromium writes where a page asks for something that its content security policy does not allow."""
    return [f"{message.page.url if message.page else ''}: {message.text}"] if "Content Security Policy" in message.text else []


@pytest.fixture
def base(live_server: Any, settings: Any) -> str:
    """The address of the running service, which its links begin with."""
    settings.PUBLIC_BASE_URL = live_server.url
    settings.ALLOWED_HOSTS = ["*"]
    return str(live_server.url)


def sign_in(page: Page, address: str) -> None:
    """Opens a page that asks for the staff's sign-in, and signs a new operator in."""
    get_user_model().objects.create_superuser("admin", "", PASSWORD)
    page.goto(address)
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
