"""Structured logs: one line an event, key=value for people or JSON for machines; credentials hidden by their form.

What stages keep is redacted by value (pipelines/redaction.py). Here nobody knows the values: a library that logs a
header or an address must not bring a password into a file that many may read.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


HIDDEN = "[hidden]"
_CREDENTIALS = re.compile(
    r"""
      (?P<scheme> \b(?:bearer|basic|digest|negotiate|api-key|token)[ ]+ ) [A-Za-z0-9._~+/=-]{8,}
    | (?P<key> \bwb_[0-9a-f]{12}_ ) [A-Za-z0-9_-]+
    | (?P<address> :// [^\s/:@"']* : ) [^\s/@"']+ (?= @ )
    | (?P<name> (?: password | passwd | passphrase | secret(?:_?key)? | (?:access|refresh|id|auth|session)[_-]?token
        | api[_-]?key | access[_-]?key | authorization | (?:set-)?cookie | credentials? )
        (?: ["'\\]+ \s* [:=,] | \s* [:=] ) \s* ["'\\]* (?: (?:bearer|basic) [ ]+ )? )
      (?! \[ ) [^\s"'\\,;&)}\]]+
    | (?P<pem> -----BEGIN [A-Z ]* PRIVATE[ ]KEY----- ) .*? (?= -----END | \Z )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def hide(text: str) -> str:
    """The text without what looks like a credential: scheme and name stay, the value goes."""
    return _CREDENTIALS.sub(lambda hit: f"{hit[hit.lastgroup or 0]}{HIDDEN}", text)


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _PLAIN}


def _plain(value: object) -> str:
    """A value as one word; in quotes where it holds spaces, quotes or line ends, so that none can forge a line."""
    text = str(value)
    return text if re.fullmatch(r"[^\s\"=]+", text) else json.dumps(text, ensure_ascii=False)


class Lines(logging.Formatter):
    """`time level logger message key=value …`, then the traceback where there is one."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 (logging's)
        return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03}Z"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        record.message = record.message.replace("\r", "\\r").replace("\n", "\\n")
        words = [super().formatMessage(record), *(f"{key}={_plain(value)}" for key, value in _extras(record).items())]
        return " ".join(words)

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record))


class Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        line = {"at": at, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        line |= {key: value for key, value in _extras(record).items() if key not in line}
        return json.dumps(_hidden(line), default=lambda value: hide(str(value)))


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {key: HIDDEN if _names_one(key, each) else _hidden(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(each) for each in value]
    return value


def _names_one(key: object, value: object) -> bool:
    return isinstance(value, str) and bool(value) and hide(f"{key}=x") != f"{key}=x"


def settings(*, level: str, as_json: bool) -> dict[str, Any]:
    """Django's LOGGING."""
    form = {"()": Json} if as_json else {"()": Lines, "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": form},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "paramiko": {"level": "WARNING"},
            "asyncssh": {"level": "WARNING"},
            "fontTools": {"level": "WARNING"},
        },
    }
