"""Asking the other side, at a person's wish, what became of a send that nobody saw end."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts.policy import Principal
from audit.models import Event
from exports import documents, inquiry, loop
from exports.models import Attempt, Delivery, Document, Exchange
from exports.states import Reason, State, Status
from pipelines import vault
from pipelines.fields import Operation
from pipelines.refusals import Refused
from tests import builders
from tests.servers import http
from tests.servers.http import cut, reply

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def erp():
    with http.running() as server:
        yield server


def lost(erp, *, probe: bool = True) -> Attempt:
    """An attempt whose request was taken and never answered; the probe of that time did not say either."""
    place = builders.destination("ERP", allowed_networks=["127.0.0.0/8"])
    vault.put("erp_key", "s3cr3t-value", by=builders.owner())
    config = {"request": {"url": f"{erp.url}/in", "data": {"no": "@{number}"}}}
    if probe:
        question = {"url": erp.url + "/in/@{number}", "headers": {"X-Api-Key": "{secret.erp_key}"}}
        config["probe"] = {"request": question}
    erp.will(cut(), reply(503))
    made = builders.attempt({"name": "Send", "kind": "rest_api", "destination": place, "config": config})
    attempt = loop.run_now(made.pk)
    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.UNCONFIRMED), attempt.message
    erp.script.clear()
    erp.seen.clear()
    return attempt


def events(attempt) -> list[tuple[str, str, dict]]:
    found = Event.objects.filter(subject=f"attempt:{attempt.pk}", verb__in=["attempt.ask", "attempt.settle"])
    return list(found.order_by("id").values_list("verb", "actor", "detail"))


def test_what_is_found_there_settles_the_attempt_with_its_receipt(erp):
    attempt = lost(erp)
    erp.will(reply(200, {"id": 4711, "echo": "s3cr3t-value"}))

    answer = inquiry.ask(attempt, by=builders.owner())

    assert (answer.arrived, answer.reference) == (True, f"{erp.url}/in/1")
    attempt.refresh_from_db()
    assert (attempt.state, Document.objects.get().status) == (State.SUCCEEDED, Status.EXPORTED)
    assert Delivery.objects.get().place == f"{erp.url}/in/1"
    assert [(seen.method, seen.target, seen.header("X-Api-Key")) for seen in erp.seen] == [
        ("GET", "/in/1", "s3cr3t-value")
    ]
    assert [verb for verb, _, _ in events(attempt)] == ["attempt.ask", "attempt.settle"]


def test_what_was_asked_and_answered_is_kept_without_secrets(erp):
    attempt = lost(erp)
    erp.will(reply(404, "no s3cr3t-value here"))

    inquiry.ask(attempt, by=builders.owner())

    kept = Exchange.objects.filter(attempt=attempt).order_by("-id")[0]
    assert (kept.purpose, kept.status) == ("probe", 404)
    assert bytes(kept.reply_content.inline) == b"no [secret:erp_key] here"
    assert dict(kept.request_headers)["X-Api-Key"] == "[secret]"


def test_what_is_not_there_is_only_told_and_nothing_is_sent_again(erp):
    attempt = lost(erp)
    erp.will(reply(404))

    answer = inquiry.ask(attempt, by=builders.owner())

    assert (answer.arrived, answer.told) == (False, "The other side says that it is not there.")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.UNCONFIRMED)
    assert Attempt.objects.count() == 1
    assert [detail["arrived"] for _, _, detail in events(attempt)] == [False]
    assert [seen.method for seen in erp.seen] == ["GET"]


def test_an_answer_that_says_nothing_leaves_it_unknown(erp):
    attempt = lost(erp)
    erp.will(reply(500))

    answer = inquiry.ask(attempt, by=builders.owner())

    assert answer.arrived is None
    assert "does not say whether it arrived" in answer.told
    attempt.refresh_from_db()
    assert attempt.reason == Reason.UNCONFIRMED


def test_nobody_waits_for_a_silent_other_side(erp, monkeypatch):
    monkeypatch.setattr(inquiry, "SECONDS", 1.0)
    attempt = lost(erp)
    erp.will(http.silence())

    answer = inquiry.ask(attempt, by=builders.owner())

    assert answer.arrived is None
    assert Attempt.objects.get().reason == Reason.UNCONFIRMED


def test_the_other_side_is_asked_about_the_fields_that_were_sent(erp):
    attempt = lost(erp)
    documents.send_back(attempt.document, by=builders.owner())
    tree = attempt.document.fields.content
    changed = Operation("replace", id=tree[0]["children"][0]["id"], value={"content": {"value": "99"}})
    documents.correct(attempt.document, by=builders.owner(), operations=[changed], version=1)
    erp.will(reply(404))

    inquiry.ask(attempt, by=builders.owner())

    assert erp.seen[-1].target == "/in/1"


def test_without_a_probe_or_a_doubt_there_is_nothing_to_ask(erp):
    attempt = lost(erp, probe=False)

    with pytest.raises(Refused, match="names no probe"):
        inquiry.ask(attempt, by=builders.owner())
    Attempt.objects.update(reason=Reason.REJECTED)
    attempt.refresh_from_db()
    with pytest.raises(Refused, match="outcome is known"):
        inquiry.ask(attempt, by=builders.owner())

    assert erp.seen == []


def test_who_may_not_settle_may_not_ask(erp):
    attempt = lost(erp)
    viewer = Principal("user:vera", attempt.organization_id, frozenset())

    with pytest.raises(PermissionDenied):
        inquiry.ask(attempt, by=viewer)

    assert erp.seen == []
