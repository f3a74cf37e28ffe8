"""Reviewing, restoring and purging documents over the API."""

from __future__ import annotations

from exports import documents
from exports.models import Document
from exports.states import Status
from tests import builders
from tests.exports.api import world as worlds


def in_review(world):
    return worlds.document_of(world.queue, status="to_review")


def test_a_review_is_started_by_one_caller_and_refused_to_another(api, world):
    document, other = in_review(world), worlds.caller("operator", name="ben")

    begun = api.post(f"documents/{document.pk}/start_review")
    again = api.post(f"documents/{document.pk}/start_review")
    refused = other.post(f"documents/{document.pk}/start_review", {})
    confirmed = other.post(f"documents/{document.pk}/confirm")
    taken = other.post(f"documents/{document.pk}/start_review", {"take_over": True})

    assert (begun.status_code, begun.json()["status"]) == (200, "reviewing")
    assert begun.json()["reviewer"].startswith("key:robot ")
    assert again.json()["review_began_at"] == begun.json()["review_began_at"]
    for reply in (refused, confirmed):
        assert (reply.status_code, reply.json()["code"]) == (409, "refused")
        assert "has been reviewing it since" in reply.json()["detail"]
    assert (taken.status_code, taken.json()["reviewer"]) == (200, "key:ben")


def test_leaving_a_review_leads_back(api, world):
    document = in_review(world)
    api.post(f"documents/{document.pk}/start_review")

    left = api.post(f"documents/{document.pk}/cancel_review", {"why": "later"})
    again = api.post(f"documents/{document.pk}/cancel_review")

    assert [reply.status_code for reply in (left, again)] == [200, 200]
    assert (left.json()["status"], left.json()["reviewer"], left.json()["review_began_at"]) == ("to_review", "", None)


def test_a_review_takes_no_other_words(api, world):
    reply = api.post(f"documents/{in_review(world).pk}/start_review", {"take_over": "perhaps"})

    assert (reply.status_code, reply.json()["errors"][0]["place"]) == (400, "take_over")


def test_a_deleted_document_is_restored(api, world):
    documents.delete(world.document, by=builders.owner())

    reply = api.post(f"documents/{world.document.pk}/restore", {"why": "no duplicate"})

    assert (reply.status_code, reply.json()["status"], reply.json()["deleted_at"]) == (200, "to_review", None)


def test_a_purged_document_still_answers_and_its_bytes_are_gone(api, world):
    documents.delete(world.document, by=builders.owner())

    purged = api.post(f"documents/{world.document.pk}/purge", {"why": "asked for"})
    shown = api.get(f"attempts/{world.attempt.pk}").json()
    exchange = api.get(f"exchanges/{world.exchange.pk}").json()
    downloads = [
        api.get(path)
        for path in (
            f"documents/{world.document.pk}/original",
            f"exchanges/{world.exchange.pk}/request/body",
            f"exchanges/{world.exchange.pk}/reply/body",
            f"artifacts/{world.artifact.pk}/content",
        )
    ]

    assert (purged.status_code, purged.json()["status"], purged.json()["has_original"]) == (200, "purged", False)
    assert (purged.json()["values"], purged.json()["purged_at"] is not None) == ({}, True)
    assert (exchange["request_kept"], exchange["reply_kept"], exchange["request_headers"]) == (False, False, [])
    assert exchange["request_size"] == 20
    (run,) = shown["runs"]
    assert [one["reply_kept"] for one in run["exchanges"]] == [False]
    assert [one["sha256"] for one in run["artifacts"]] == [world.artifact.sha256]
    assert [(reply.status_code, reply.json()["code"]) for reply in downloads] == [(410, "purged")] * 4
    assert world.artifact.sha256 in downloads[3].json()["detail"]


def test_a_purge_is_refused_to_what_is_not_deleted_and_to_who_is_no_owner(api, world):
    refused = api.post(f"documents/{world.document.pk}/purge", {"why": "asked for"})
    without = api.post(f"documents/{world.document.pk}/purge", {})
    forbidden = worlds.caller("integrator").post(f"documents/{world.document.pk}/purge", {"why": "asked for"})

    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert (without.status_code, without.json()["errors"][0]["place"]) == (400, "why")
    assert forbidden.status_code == 403
    assert Document.objects.get(pk=world.document.pk).status == Status.FAILED_EXPORT


def test_what_is_kept_is_said_to_be_kept_without_reading_it(api, world, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        listed = api.get("exchanges").json()["results"]

    assert [(one["request_kept"], one["reply_kept"]) for one in listed] == [(True, True)]
