"""Versions of the API, told by the header `CommerceCore-Version` or pinned by an App.

The first version answers as the documentation of 2024 shows it, its 500s for a caller's mistakes included. The next
answers those with the right statuses and differs in nothing else.
"""

from django.http import HttpRequest

HEADER = "CommerceCore-Version"
DOCUMENTED = "2024-09-26"  # the day the published documentation was saved
CURRENT = "2026-12-01"
VERSIONS = (DOCUMENTED, CURRENT)
VERSION_CHOICES = [(version, version) for version in VERSIONS]


def requested_version(request: HttpRequest) -> str:
    """The header's version, else the App's pin, else the documented one. It may name none that exists."""
    return request.headers.get(HEADER) or getattr(request, "pinned_version", "") or DOCUMENTED


def answers_documented_statuses(request: HttpRequest) -> bool:
    return requested_version(request) == DOCUMENTED
