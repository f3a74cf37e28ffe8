"""Log lines: one an event, readable by people or machines, without credentials."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from config import logs


def record(message, *args, error=None, **extra):
    made = logging.makeLogRecord({"name": "waybill", "levelname": "INFO", "levelno": 20, "created": 1_772_368_200.25})
    made.msecs = 250
    made.msg, made.args, made.exc_info = message, args, error
    vars(made).update(extra)
    return made


def line(*args, **extra):
    form = logs.settings(level="INFO", as_json=False)["formatters"]["line"]
    return logs.Lines(form["format"]).format(record(*args, **extra))


def test_a_line_has_its_time_in_utc_and_its_facts_as_words():
    said = line("moved %s", "attempt:12", state="failed", why="no connection", count=3)

    assert said == ('2026-03-01T12:30:00.250Z INFO waybill moved attempt:12 state=failed why="no connection" count=3')


def test_nobody_forges_a_line():
    said = line("document %s", "a\n2026 INFO fake", title='x" y\nz')

    assert said.count("\n") == 0
    assert said.endswith(r'document a\n2026 INFO fake title="x\" y\nz"')


def test_a_traceback_comes_after_its_line():
    try:
        int("password=hunter2hunter2")
    except ValueError:
        said = line("failed", error=sys.exc_info(), attempt=3)

    first, *rest = said.splitlines()
    assert first.endswith("failed attempt=3")
    assert rest[-1] == "ValueError: invalid literal for int() with base 10: 'password=[hidden]'"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Authorization: Bearer eyJhbGciOi.x-y_z", "Authorization: Bearer [hidden]"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic [hidden]'}"),
        ('"authorization": "secret-value"', '"authorization": "[hidden]"'),
        ("header ('Authorization', 'AWS4 x')", "header ('Authorization', '[hidden] x')"),
        ("Cookie: sid=abc123", "Cookie: [hidden]"),
        ("GET /x?access_token=abc&a=1", "GET /x?access_token=[hidden]&a=1"),
        ("client_secret=abc&grant_type=x", "client_secret=[hidden]&grant_type=x"),
        ("sftp://robot:hunter2@host:22/in", "sftp://robot:[hidden]@host:22/in"),
        ("postgresql://waybill:p%40ss@db/x", "postgresql://waybill:[hidden]@db/x"),
        ("key wb_0123456789ab_abcDEF-_x used", "key wb_0123456789ab_[hidden] used"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----[hidden]-----END OPENSSH PRIVATE KEY-----",
        ),
        ("the password was wrong", "the password was wrong"),
        ("https://erp.example:8443/a@b", "https://erp.example:8443/a@b"),
        ("Idempotency-Key: 0192 attempt=12 basic test", "Idempotency-Key: 0192 attempt=12 basic test"),
    ],
)
def test_what_looks_like_a_credential_is_hidden(said, kept):
    assert logs.hide(said) == kept


def test_json_hides_by_name_and_by_form():
    said = logs.Json().format(
        record("sent", password="hunter2", request={"headers": [["Authorization", "Bearer abcdefgh"]]}, size=3)
    )

    assert json.loads(said) == {
        "at": "2026-03-01T12:30:00.250000+00:00",
        "level": "INFO",
        "logger": "waybill",
        "message": "sent",
        "password": "[hidden]",
        "request": {"headers": [["Authorization", "Bearer [hidden]"]]},
        "size": 3,
    }


def test_json_keeps_the_traceback_and_its_own_names():
    try:
        int("bad")
    except ValueError:
        said = json.loads(logs.Json().format(record("failed", error=sys.exc_info(), level="mine", subject=ValueError)))

    assert said["traceback"].endswith("ValueError: invalid literal for int() with base 10: 'bad'")
    assert said["level"] == "INFO"
    assert said["subject"] == "<class 'ValueError'>"


@pytest.mark.parametrize("as_json", [True, False])
def test_the_settings_are_what_logging_takes(as_json):
    settings = logs.settings(level="WARNING", as_json=as_json)

    assert settings["root"] == {"handlers": ["stderr"], "level": "WARNING"}
    assert settings["formatters"]["line"]["()"] is (logs.Json if as_json else logs.Lines)
