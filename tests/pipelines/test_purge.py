"""Purge: what is detached, and what publication is told of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.blobs import Blob
from pipelines.contract import Outcome, Received
from pipelines.stages import purge
from tests.pipelines.boxes import inbox, run

KEPT = {"reply_headers": b"", "reply_payload": b"", "invoice_json": b""}


@pytest.mark.parametrize(
    ("config", "detached"),
    [
        ({}, ["reply_headers", "reply_payload", "invoice_json"]),
        ({"prefix": "reply_"}, ["reply_headers", "reply_payload"]),
        ({"keys": ["invoice_json", "never_there"]}, ["invoice_json"]),
        ({"keys": ["invoice_json"], "prefix": "reply_h"}, ["reply_headers", "invoice_json"]),
    ],
)
def test_what_is_named_is_detached(config, detached):
    outcome = run(purge, config, inbox({}, KEPT))

    assert list(outcome.detach) == detached
    assert list(outcome.messages) == []


def test_with_nothing_attached_there_is_nothing_to_do():
    assert run(purge, {}, inbox({})) == Outcome(skipped="nothing is attached that would be detached")


def test_publication_learns_what_it_takes():
    everything, some = purge.Config(), purge.Config(keys=("a",), prefix="r_")

    assert purge.removes(everything, "anything")
    assert [key for key in ("a", "b", "r_x") if purge.removes(some, key)] == ["a", "r_x"]
    assert purge.reads(some) == purge.writes(some) == frozenset()
    assert purge.SENDS is False


def test_a_blank_key_is_refused():
    with pytest.raises(ValidationError, match="leave keys out"):
        purge.Config(keys=("",))


def test_files_that_came_with_the_document_stay():
    file = Received("received.1.1", "", Blob.of(b"a", name="a.csv"))
    box = inbox({}, {"reply": b"old", "received.1.1": b"a"}, received=[file])

    assert list(run(purge, {}, box).detach) == ["reply"]
