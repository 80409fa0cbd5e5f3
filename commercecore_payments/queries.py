"""What an address asks for behind its question mark. What it does not know, or is told twice, is refused, as in a body."""

from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from commercecore_payments.error_responses import invalid_body
from commercecore_payments.serializers import MAX_TEXT_LENGTH, StrictSerializer

# As many as Stripe's own lists give at most (docs.stripe.com/api/pagination); 20 fill a page that a person looks at.
MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 20
# What is told of the fields that lists share.
HOW_MANY = "How many rows a page has at most."
STARTING_AFTER = "The id of the last row of the page before; `links.next` has it already."
# The last second of the year 9999, after which Python has no dates.
LATEST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


class QuerySerializer(StrictSerializer):
    """What an address asks for behind its question mark."""

    @classmethod
    def of_query(cls, query: QueryDict) -> dict[str, Any]:
        """What was asked for. `app_id` tells who asks, and is not about the list. Raises InvalidBody."""
        asked = {name: values for name, values in query.lists() if name != "app_id"}
        repeated = [name for name, values in asked.items() if len(values) > 1]
        try:
            if repeated:
                raise serializers.ValidationError({name[:MAX_TEXT_LENGTH]: ["Named more than once."] for name in repeated})
            return cls.read({name: value for name, [value] in asked.items()})
        except serializers.ValidationError as error:
            raise invalid_body(error.detail, opening="Invalid query.") from error


class SecondField(serializers.IntegerField):
    """A moment in seconds since 1970, as the API tells its times; a moment in UTC from here on."""

    default_error_messages = {"invalid": "A moment is a whole number of seconds since 1970, such as 1796040000."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": LATEST_SECOND, **options})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return datetime.fromtimestamp(super().run_validation(data), UTC)  # the bounds are those of the number


class ListQuery(QuerySerializer):
    """One page of a list: at most `limit` rows. A list adds `starting_after`, an id of its own kind, and its own filters."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE, help_text=HOW_MANY)
    created_from = SecondField(required=False, help_text="Those of this second and after it: seconds since 1970, in UTC.")
    created_before = SecondField(required=False, help_text="Those before this second: seconds since 1970, in UTC.")
