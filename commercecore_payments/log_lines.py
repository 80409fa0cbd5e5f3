"""What every log line is made of: one chain for our own log, Django's, the SDK's and gunicorn's.

Whoever logs, by `logging` or by `structlog`: what is known of the request joins the line, every secret is hidden in all of it,
and nothing that a stranger wrote begins a line of its own.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.contextvars import merge_contextvars
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

from commercecore_payments.log_format import JSON
from commercecore_payments.logs import without_secrets_within
from commercecore_payments.management.terminal import printable

# What stands at the beginning of a line, in this order; of the rest each is named.
BEGINNING = ("timestamp", "level", "logger", "event")
# What is known of a request, in the order in which people read it.
OF_A_REQUEST = ("request_id", "method", "path", "status", "duration_ms", "developer_id", "app_id", "operation_id")
# Made once: json.dumps makes one for every line.
ENCODER = json.JSONEncoder(separators=(",", ":"))


class LogFormatter(ProcessorFormatter):
    """Makes the line of a record, its exception and traceback included. `style` is one of log_format.FORMATS."""

    def __init__(self, style: str = JSON) -> None:
        super().__init__(
            processors=[
                merge_contextvars,
                _what_the_record_tells,
                structlog.processors.format_exc_info,
                ProcessorFormatter.remove_processors_meta,
                _hide_secrets,
                as_json if style == JSON else as_line,
            ]
        )

    def format(self, record: logging.LogRecord) -> str:
        """A message that does not fit its arguments is told without them: `logging` itself would print them as they are."""
        try:
            return super().format(record)
        except (TypeError, ValueError, KeyError):
            told = logging.makeLogRecord(record.__dict__)
            told.msg, told.args = f"A log line could not be made: {record.msg!r}", ()
            return super().format(told)


def _what_the_record_tells(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """When (in UTC), how bad and by which logger, before the rest."""
    record: logging.LogRecord = event["_record"]
    moment = datetime.fromtimestamp(record.created, UTC)
    return {
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event["event"],
        **{name: event[name] for name in OF_A_REQUEST if name in event},
        **event,
    }


def _hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return dict(without_secrets_within(event))


def as_json(_logger: WrappedLogger, _method: str, event: Mapping[str, Any]) -> str:
    """One line of ASCII: line breaks and all that is not printable are escaped."""
    return ENCODER.encode(event)


def as_line(_logger: WrappedLogger, _method: str, event: Mapping[str, Any]) -> str:
    """For a terminal. A traceback follows in lines of its own, which are indented: none of them looks like the next record."""
    parts = [printable(str(event.get(name, ""))) for name in BEGINNING]
    more = [f"{name}={printable(str(value))}" for name, value in event.items() if name not in (*BEGINNING, "exception")]
    below = [f"    {printable(line)}" for line in str(event.get("exception", "")).splitlines()]
    return "\n".join([" ".join([*parts, *more]), *below])


def logger_named(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes facts beside its text, which become fields of the line."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


structlog.configure(
    processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
