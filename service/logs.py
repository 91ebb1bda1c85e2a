"""structlog set-up: one event a step, and only allow-listed keys get out."""

import logging
import sys
from contextlib import suppress
from io import StringIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

ALLOWED = frozenset(
    {
        "alert_id",
        "attempts",
        "channel",
        "control_id",
        "count",
        "entry_id",
        "error",
        "event",
        "feed",
        "kind",
        "level",
        "messages",
        "outbox_id",
        "peer",
        "port",
        "reason",
        "repeats",
        "role",
        "size",
        "source",
        "state",
        "stay_id",
        "timestamp",
        "traceback",
        "trigger",
    }
)
"""No key may hold a person: ids, counts and words of ours only."""


def configure(log_format: str, level: int = logging.INFO) -> None:
    """Log to stderr from ``level`` up, as ``json`` lines or for a ``console``."""
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            traceback_without_values,
            only_allowed,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(_Unbroken()),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    quiet_libraries()


def only_allowed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop every key that is not on the list and say how many were dropped."""
    kept = {key: value for key, value in event.items() if key in ALLOWED}
    if len(kept) < len(event):
        kept["count"] = len(event) - len(kept)
        kept["error"] = "keys dropped that may not be logged"
    return kept


def traceback_without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Turn ``failure`` into its type and the places it passed: its text may quote data."""
    failure = event.pop("failure", None)
    if isinstance(failure, BaseException):
        event["error"] = type(failure).__name__
        event["traceback"] = _places(failure)
    return event


def quiet_libraries() -> None:
    """Libraries log through the standard module; their texts may quote data, so only types pass."""
    root = logging.getLogger()
    root.handlers = [_TypesOnly()]
    root.setLevel(logging.WARNING)
    # An outage makes it repeat itself without end; what it means is told by topic and channel.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


class _Unbroken(StringIO):
    """Standard error: a full disk behind it, or a reader that has gone, stops no thread."""

    def write(self, line: str) -> int:
        """The line, or nothing where it cannot be kept."""
        with suppress(OSError):
            sys.stderr.write(line)
        return len(line)

    def flush(self) -> None:
        """Out at once, where that can be done."""
        with suppress(OSError):
            sys.stderr.flush()


class _TypesOnly(logging.Handler):
    """Passes on who logged and at what level, never the text."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning(
            "library_logged", source=record.name, state=record.levelname.lower()
        )


def _places(failure: BaseException) -> list[str]:
    places = []
    trace = failure.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places
