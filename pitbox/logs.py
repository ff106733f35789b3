"""Structured logs: a static message with fields, as JSON or for a terminal."""

import contextlib
import logging
import sys
from typing import Any, TextIO, cast

import structlog

from pitbox.settings import Log


class _Lossy:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def lossy(stream: TextIO) -> TextIO:
    """Return a stream that loses what the given one does not take.

    A full disk must not end a program by its log.
    """
    return cast(TextIO, _Lossy(stream))


# The default before `configure`: log lines never mix with a command's output on stdout.
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger("info"),
    logger_factory=lambda *_: structlog.PrintLogger(lossy(sys.stderr)),
)


def configure(settings: Log, service: str) -> None:
    """Write this process's logs to stderr, each line with the service's name."""
    console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.level),
        logger_factory=structlog.PrintLoggerFactory(lossy(sys.stderr)),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    structlog.contextvars.bind_contextvars(service=service)


def get(name: str) -> Any:
    """Return the logger of one part of PitBox."""
    return structlog.get_logger(part=name)
