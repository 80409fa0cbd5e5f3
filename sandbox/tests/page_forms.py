"""The pages of the sandbox as a browser without a screen reads them and fills them in."""

import re
from typing import Any
from urllib.parse import urlsplit

RETURN = "https://shop.example/back?step=2"
REFRESH = "https://shop.example/again"


def path(url: str) -> str:
    """The path of an address of this service."""
    return urlsplit(url).path


def text(response: Any) -> str:
    """A page's HTML."""
    return str(response.content.decode())


def filled(response: Any) -> dict[str, str]:
    """The form of a page as a browser would send it unchanged: its inputs, and the first option of each choice."""
    html = response.content.decode()
    inputs = dict(re.findall(r'<input[^>]*? name="(\w+)"[^>]*? value="([^"]*)"', html))
    return inputs | dict(re.findall(r'<select name="(\w+)".*?<option value="(\w+)"', html, re.DOTALL))
