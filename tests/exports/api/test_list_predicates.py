"""A list of the API, the preview of a job with the same filter, and the job: one predicate, whose faults are named."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from exports import searching
from exports.bulk import working
from exports.models import Attempt, Job
from tests.exports.api import world as worlds


def ids(reply):
    return [row["id"] for row in reply.json()["results"]]


@pytest.mark.parametrize("of", ["attempts", "documents"])
@pytest.mark.parametrize(
    "query",
    [
        {"queue": "{queue}"},
        {"open": "1", "stage": "Send"},
        {"side": "data", "last": "1"},
        {"http_status": "503"},
        {"created_after": "2026-01-01T00:00:00Z", "tries": "1.."},
        {"external_id": "a-1,a-2"},
        {"field.document_id": "INV-4*"},
        {"group": "{group}", "last": "1"},
        {"id": "{id}"},
    ],
)
def test_list_preview_and_job_are_one_predicate(api, world, of, query):
    if of == "documents" and "http_status" in query:  # a name of the list of attempts only
        query = {"code": query["http_status"]}
    worlds.make()
    worlds.attempt_of(worlds.document_of(world.queue, external_id="a-1"), world.revision, state="waiting", reason="",
                      http_status=503)  # fmt: skip
    searching.index_new()
    here = {
        "queue": world.queue.pk,
        "group": world.failure_group.pk,
        "id": {"attempts": world.attempt, "documents": world.document}[of].pk,
    }
    filters = {name: text.format(**here) for name, text in query.items()}

    listed = ids(api.get(f"{of}?{urlencode(filters)}&page_size=200"))
    asked = {"kind": "assign" if of == "documents" else "ignore", "of": of, "filter": filters}
    preview = api.post("jobs/preview", asked).json()
    job = api.post("jobs", {**asked, "why": "to compare"}).json()["id"]
    for _ in range(50):
        working.advance(1)
    items = Job.objects.get(pk=job).items.values_list("document_id" if of == "documents" else "attempt_id", flat=True)

    assert preview["total"] == len(listed)
    assert sorted(items) == sorted(listed)
    assert listed != []


def test_chosen_documents_are_chosen_by_their_own_ids(api, world):
    other = worlds.document_of(world.queue)
    Attempt.objects.filter(pk=world.attempt.pk).update(document=world.document)

    seen = api.post("jobs/preview", {"kind": "assign", "of": "documents", "attempts": [other.pk]}).json()

    assert (seen["total"], seen["count"]) == (1, 1)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("attempts?code=4x4", "code"),
        ("attempts?http_status=many", "http_status"),
        ("attempts?tries=..", "tries"),
        ("attempts?assignee=me", "assignee"),
        ("documents?created_after=yesterday", "created_after"),
        ("documents?arrived=1d&created_after=2026-01-01", "arrived"),
        ("documents?id=1&document=1", "document"),
        ("documents?id=", "id"),
        ("documents?field.=1", "field."),
    ],
)
def test_a_filter_that_is_not_understood_names_its_place(api, world, query, place):
    reply = api.get(query)

    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")
    assert reply.json()["errors"][0]["place"] == place


def test_deleted_documents_are_listed_where_they_are_named(api, world):
    gone = worlds.document_of(world.queue, status="deleted", external_id="gone")

    assert gone.pk not in ids(api.get("documents"))
    assert ids(api.get("documents?status=deleted")) == [gone.pk]
    assert ids(api.get("documents?external_id=gone")) == [gone.pk]
    assert ids(api.get(f"documents?id={gone.pk}")) == [gone.pk]
