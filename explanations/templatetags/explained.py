"""The explanation of a payment within a page of the admin."""

from django import template

from explanations.page import Page, page_of
from transactions.models import Transaction

register = template.Library()


@register.inclusion_tag("explanations/explanation.html")
def explanation_of(payment: Transaction) -> dict[str, Page]:
    return {"page": page_of(payment)}
