"""Stage runs as the logs of hooks: the newest first, by every filter."""

from __future__ import annotations

import json
import time
import uuid
from datetime import timedelta

import pytest

from tests import desk
from tests.exports.protocols.rossum.conftest import API, caller, hooked, stage

AT = f"http://testserver{API}"


@pytest.fixture
def queue(organization):
    return hooked()


@pytest.fixture
def owner(organization):
    return caller(organization, "owner", name="erp-robot")


@pytest.fixture
def logged(queue):
    """Three runs of two attempts: one that failed with its exchange, one that was blocked, one that went well."""
    first, second = (desk.attempt(desk.document(queue, number)) for number in ("1", "2"))
    failed = desk.run(first, "Render", "failed", kind="rest_api", note="Unknown supplier 4711")
    desk.exchange(failed, sent=b'{"number": "1"}', reply=b"Unknown supplier", status=422)
    time.sleep(0.002)  # ids tell milliseconds apart
    blocked = desk.run(first, "Clean", "blocked", 1)
    time.sleep(0.002)
    well = desk.run(second, "Render")
    return failed, blocked, well


def test_runs_are_logs_the_newest_first(owner, queue, logged):
    failed, blocked, well = logged

    body = owner.get(f"{API}/hooks/logs?page_size=100&ordering=&sideload=&content.schema_id=").json()

    assert list(body) == ["results"]
    assert [one["uuid"] for one in body["results"]] == [str(run.pk) for run in (well, blocked, failed)]
    shown = body["results"][2]
    assert (shown["log_level"], shown["status"], shown["status_code"]) == ("ERROR", "failed", 422)
    assert (shown["hook_id"], shown["annotation_id"]) == (stage("Render").pk, failed.attempt.document_id)
    assert (shown["queue_id"], shown["message"]) == (queue.pk, "Unknown supplier 4711")
    assert json.loads(shown["request"])["body"] == '{"number": "1"}'
    assert json.loads(shown["response"])["body"] == "Unknown supplier"


def test_logs_are_filtered(owner, queue, logged):
    failed, blocked, well = logged

    def found(query):
        return [one["uuid"] for one in owner.get(f"{API}/hooks/logs?{query}").json()["results"]]

    def these(*runs):
        return [str(run.pk) for run in runs]

    assert found(f"hook={stage('Clean').pk}") == these(blocked)
    assert found(f"annotation={well.attempt.document_id}") == these(well)
    assert found(f"queue={queue.pk}") == these(well, blocked, failed)
    assert found("log_level=ERROR,WARNING") == these(blocked, failed)
    assert found("status=completed") == these(well)
    assert found("status_code=422") == these(failed)
    assert found("search=SUPPLIER") == these(failed)
    assert found(f"request_id={failed.pk}") == these(failed)
    assert found(f"request_id={uuid.uuid4()}") == found("email=1") == found(f"queue={queue.pk + 1}") == []
    assert found("timestamp_after=2000-01-01&start_before=2100-01-01&page_size=1") == these(well)
    assert found(f"start_before={(failed.begun_at - timedelta(days=1)).isoformat()[:19]}") == []
    assert owner.get(f"{API}/hooks/logs?request_id=x").status_code == 400


def test_the_number_of_queries_of_logs_does_not_grow(owner, queue, logged, django_assert_max_num_queries):
    owner.get(f"{API}/hooks/logs")
    with django_assert_max_num_queries(20) as few:
        owner.get(f"{API}/hooks/logs")
    for number in range(5):
        desk.exchange(desk.run(desk.attempt(desk.document(queue, f"m{number}")), "Render"), sent=b"x", reply=b"y")
    with django_assert_max_num_queries(len(few)):
        assert len(owner.get(f"{API}/hooks/logs").json()["results"]) == 8
