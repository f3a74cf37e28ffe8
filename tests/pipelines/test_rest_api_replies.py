"""The REST API stage against a real server: what it makes of the answer, and when it sends again."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import timedelta
from email.utils import format_datetime

import pytest

from pipelines.contract import Checkpoint, Message
from pipelines.errors import Misconfigured, Rejected, Unavailable, Unconfirmed
from pipelines.stages import rest_api
from pipelines.stages.rest_api import Config
from tests.pipelines.tools import NOW, LocalTools, inbox
from tests.servers import http as servers
from tests.servers.http import reply


@pytest.fixture
def tools():
    made = LocalTools()
    yield made
    made.http.close()


KEEP = {"response_headers_reference_key": "head", "response_payload_reference_key": "body"}


def run(erp, tools, document=None, **config):
    request = {"url": f"{erp.url}/inv", "content": "x", **config.pop("request", {})}
    return rest_api.run(Config.model_validate({"request": request, **config}), document or inbox(), tools)


def test_the_reply_is_kept_in_the_two_documents(erp, tools):
    erp.will(reply(201, b'{"id": 7}', headers=[("Content-Type", "application/json"), ("X-A", "1"), ("X-A", "2")]))

    outcome = run(erp, tools, **KEEP)

    assert json.loads(outcome.artifacts["head"].read()) == {
        "status_code": 201,
        "headers": {"content_type": "application/json", "x_a": "1, 2", "content_length": "9"},
        "raw": [["Content-Type", "application/json"], ["X-A", "1"], ["X-A", "2"], ["Content-Length", "9"]],
    }
    assert outcome.artifacts["head"].media_type == "application/json"
    assert (outcome.artifacts["body"].read(), outcome.artifacts["body"].media_type) == (
        b'{"id": 7}',
        "application/json",
    )
    assert outcome.messages == ()


def test_nothing_is_kept_without_keys(erp, tools):
    assert run(erp, tools).artifacts == {}


@pytest.mark.parametrize("status", [400, 404, 409, 422, 501])
def test_a_refusal_is_rejected_with_the_others_own_words(erp, tools, status):
    erp.will(reply(status, {"errors": [{"field": "vendor", "message": "Supplier 17 is blocked"}], "trace": "x1"}))

    with pytest.raises(Rejected) as told:
        run(erp, tools)

    assert told.value.message.startswith(f"The other side answered {status} ")
    assert told.value.message.endswith(": vendor: Supplier 17 is blocked")


def test_a_refusal_keeps_its_documents_before_it_fails(erp, tools):
    erp.will(reply(422, {"message": "no"}))

    steps = run(erp, tools, **KEEP)

    assert isinstance(steps, Generator)
    kept = next(steps)
    assert isinstance(kept, Checkpoint)
    assert kept.artifacts["body"].read() == b'{"message": "no"}'
    with pytest.raises(Rejected):
        next(steps)


@pytest.mark.parametrize("status", [500, 502, 504, 520])
def test_a_failure_over_there_is_unconfirmed(erp, tools, status):
    erp.will(reply(status, "<html><style>x{}</style><h1>Bad&nbsp;gateway</h1></html>"))

    with pytest.raises(Unconfirmed, match=r"Bad gateway\. Whether it took the document is unknown"):
        run(erp, tools)

    assert len(erp.seen) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_other_side_is_unavailable_for_as_long_as_it_says(erp, tools, status, value, seconds):
    erp.will(reply(status, headers={"Retry-After": value} if value else {}))

    with pytest.raises(Unavailable) as told:
        run(erp, tools)

    assert told.value.retry_after == seconds


def test_a_redirect_is_misconfigured_and_names_where_it_points(erp, tools):
    erp.will(reply(301, headers={"Location": "https://new.example/inv"}))

    with pytest.raises(Misconfigured, match=r"Redirects are not followed.*It names https://new\.example/inv") as told:
        run(erp, tools)

    assert told.value.place == "config.request.url"


def test_with_an_evaluator_downstream_the_status_is_data(erp, tools):
    tools.judged_downstream = True
    erp.will(reply(422, b"no"), reply(500, b"oh"), reply(503))

    assert json.loads(run(erp, tools, **KEEP).artifacts["head"].read())["status_code"] == 422
    assert run(erp, tools).messages == ()
    with pytest.raises(Unavailable):
        run(erp, tools)


@pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
def test_under_rossums_rule_every_status_counts(erp, tools, status):
    tools.every_status_counts = True
    erp.will(reply(status))

    assert run(erp, tools).messages == ()


RESOLVER = {"status_code_resolver": {"error": [400, 422, 503], "warning": [202]}}


@pytest.mark.parametrize(("status", "kind"), [(422, "error"), (503, "error"), (202, "warning")])
def test_the_resolver_tells_the_replys_body(erp, tools, status, kind):
    erp.will(reply(status, b"The total is wrong.\n"))

    outcome = run(erp, tools, **RESOLVER, **KEEP)

    assert outcome.messages == (Message(kind, "The total is wrong."),)
    assert set(outcome.artifacts) == {"head", "body"}


def test_a_resolved_reply_that_says_nothing_is_told_by_its_status(erp, tools):
    erp.will(reply(400))

    assert run(erp, tools, **RESOLVER).messages == (
        Message("error", "The other side answered 400 Bad Request and said nothing."),
    )


def test_a_message_has_rossums_limit(erp, tools):
    erp.will(reply(400, b"x" * 5000))

    assert len(run(erp, tools, **RESOLVER).messages[0].content) == 4096


def test_what_the_resolver_does_not_list_is_judged_as_without_it(erp, tools):
    erp.will(reply(404), reply(404))

    with pytest.raises(Rejected):
        run(erp, tools, **RESOLVER)
    tools.every_status_counts = True
    assert run(erp, tools, **RESOLVER).messages == ()


def test_a_reply_beyond_the_cap_is_kept_in_part_with_a_warning(erp, tools):
    tools.cap = 100
    erp.will(reply(200, b"x" * 1000))

    outcome = run(erp, tools, **KEEP)

    assert outcome.artifacts["body"].size == 100
    assert outcome.messages == (Message("warning", "Only the first 100 bytes of the reply were kept."),)


def test_waiting_mode_sends_once(erp, tools):
    erp.will(reply(503), reply(200))

    with pytest.raises(Unavailable):
        run(erp, tools)

    assert (len(erp.seen), tools.slept) == (1, [])
    assert tools.calls[0][1].timeout == 55.0


def test_retry_mode_sends_up_to_three_times_what_was_not_accepted(erp, tools):
    erp.will(reply(503), reply(429, headers={"Retry-After": "3"}), reply(201))

    outcome = run(erp, tools, mode="retry")

    assert outcome.messages == ()
    assert (len(erp.seen), tools.slept) == (3, [1, 3.0])
    assert tools.calls[0][1].timeout == 10.0
    assert len({seen.header("Idempotency-Key") for seen in erp.seen}) == 1


def test_retry_mode_gives_up_after_three(erp, tools):
    erp.will(reply(503), reply(503), reply(503), reply(200))

    with pytest.raises(Unavailable):
        run(erp, tools, mode="retry")

    assert len(erp.seen) == 3


def test_retry_mode_leaves_a_long_wait_to_the_attempt(erp, tools):
    erp.will(reply(503, headers={"Retry-After": "120"}))

    with pytest.raises(Unavailable) as told:
        run(erp, tools, mode="retry")

    assert (told.value.retry_after, len(erp.seen), tools.slept) == (120.0, 1, [])


@pytest.mark.parametrize("answer", [reply(502), reply(500), servers.cut()], ids=["502", "500", "cut"])
def test_retry_mode_never_repeats_a_post_whose_outcome_is_unknown(erp, tools, answer):
    erp.will(answer, reply(200))

    with pytest.raises(Unconfirmed):
        run(erp, tools, mode="retry")

    assert len(erp.seen) == 1


@pytest.mark.parametrize("answer", [reply(502), servers.cut()], ids=["502", "cut"])
@pytest.mark.parametrize("config", [{"recovery": "idempotent"}, {"request": {"method": "GET"}}], ids=["key", "get"])
def test_what_may_be_repeated_is_repeated_whatever_became_of_it(erp, tools, answer, config):
    erp.will(answer, reply(200))

    assert run(erp, tools, mode="retry", **config).messages == ()
    assert len(erp.seen) == 2


def test_in_waiting_mode_what_may_be_repeated_is_left_to_the_attempt(erp, tools):
    erp.will(servers.cut())

    with pytest.raises(Unavailable, match="sent again, which does no harm"):
        run(erp, tools, recovery="idempotent")


def test_retry_on_names_further_statuses_that_accepted_nothing(erp, tools):
    erp.will(reply(500))

    with pytest.raises(Unavailable):
        run(erp, tools, retry_on=[500])
