"""Structured logging to stderr, with secrets made unprintable.

An event is a short constant phrase; everything variable is a key. `bind_contextvars` carries
run, cell and attempt.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
PREFIXED: tuple[re.Pattern[str], ...] = (
    re.compile(r"(?i)\b(authorization:\s*(?:bearer|basic)\s+)\S+"),
    re.compile(r"(?i)\b([a-z0-9_]*(?:password|passwd|secret|token|api[_-]?key)\s*[=:]\s*)[^\s\"']+"),
    re.compile(r"(?i)(://[^/\s:@]+:)[^/\s@]+(?=@)"),
)
MASK = "[redacted]"


def redact(text: str) -> str:
    """`text` with private keys, passwords, tokens and URL credentials masked; prefixes (`password=`) stay."""
    text = KEY_BLOCK.sub(MASK, text)
    for pattern in PREFIXED:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def _redact_event(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event


def setup(*, verbose: bool = False) -> None:
    """Send the lab's log to stderr: warnings and worse, or everything when `verbose`."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            _redact_event,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.WARNING),
        logger_factory=_stderr_logger,
        cache_logger_on_first_use=False,
    )


def _stderr_logger(*_names: object) -> structlog.PrintLogger:
    """To whatever stderr is now, not what it was at `setup`."""
    return structlog.PrintLogger(sys.stderr)


def get(name: str) -> Any:
    """The logger of a room (`lab.machine`)."""
    return structlog.get_logger(room=name)
