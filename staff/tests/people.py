"""People of the staff for tests: members of the groups that come with the service, each at a browser."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.test import Client

from staff.groups import FINANCE


def make_member(username: str, group: str = FINANCE) -> User:
    user = User.objects.create_user(username, email=f"{username}@example.com", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member(username: str, group: str = FINANCE) -> Client:
    """The browser of a new member of the group."""
    return browser_of(make_member(username, group))


def told(response: Any) -> list[str]:
    """The banners after an action."""
    return [str(message) for message in get_messages(response.wsgi_request)]
