"""Start, confirm, cancel, postpone, reject, delete and purge, by their own addresses."""

from __future__ import annotations

import threading

import pytest
import requests

from accounts import scope
from audit.models import Event
from exports.models import Attempt, Document
from exports.states import Status
from tests import builders, desk
from tests.exports.protocols.rossum.conftest import API, caller, key_of


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


@pytest.fixture
def owner(organization):
    return caller(organization, "owner", name="erp-robot")


def ask(robot, document, verb, body=None):
    return robot.post(f"{API}/annotations/{document.pk}/{verb}", body or {}, content_type="application/json")


def standing(document):
    return Document.objects.get(pk=document.pk).status


def test_a_review_is_started_and_the_starter_keeps_it(owner, queue):
    document = builders.document(queue, status="to_review")

    first, second = ask(owner, document, "start"), ask(owner, document, "start", {"statuses": ["reviewing"]})

    told = {"annotation": f"http://testserver{API}/annotations/{document.pk}", "session_timeout": "01:00:00"}
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (200, told)
    shown = owner.get(f"{API}/annotations/{document.pk}").json()
    assert (shown["status"], shown["modifier"]) == ("reviewing", owner.get(f"{API}/auth/user").json()["url"])


def test_whom_another_has_is_a_409(owner, queue, organization):
    document = builders.document(queue, status="to_review")
    ask(owner, document, "start")
    second = caller(organization, name="second")

    for verb in ("start", "confirm", "cancel", "postpone", "reject"):
        reply = ask(second, document, verb)
        assert reply.status_code == 409
        assert "erp-robot has been reviewing it" in reply.json()["detail"]
    assert standing(document) == Status.REVIEWING


def test_statuses_narrow_where_a_review_starts_from(owner, queue):
    document = builders.document(queue)

    assert ask(owner, document, "start", {"statuses": ["to_review"]}).status_code == 409
    assert ask(owner, document, "start", {"statuses": ["nonsense"]}).status_code == 400
    assert ask(owner, document, "start", {"statuses": "confirmed"}).status_code == 400
    assert standing(document) == Status.CONFIRMED
    assert ask(owner, document, "start", {"statuses": ["to_review", "confirmed"]}).status_code == 200


def test_what_is_exported_is_not_reviewed(owner, queue):
    document = builders.document(queue, status="exported")

    assert ask(owner, document, "start").status_code == 409


@pytest.mark.parametrize(
    ("verb", "status"),
    [("confirm", "confirmed"), ("cancel", "to_review"), ("postpone", "postponed"), ("delete", "deleted")],
)
def test_a_verb_is_answered_204_and_asking_twice_is_asking_once(owner, queue, verb, status):
    document = builders.document(queue, status="to_review")
    ask(owner, document, "start")

    replies = [ask(owner, document, verb) for _ in range(2)]

    assert [(reply.status_code, reply.content) for reply in replies] == [(204, b"")] * 2
    assert standing(document) == status


def test_confirming_in_a_queue_without_a_confirmed_state_exports_once(owner, queue):
    queue.use_confirmed_state = False
    queue.save()
    document = builders.document(queue, status="to_review")

    assert [ask(owner, document, "confirm").status_code for _ in range(2)] == [204, 204]
    assert standing(document) == Status.EXPORTING
    assert Attempt.objects.count() == 1


def test_a_rejection_keeps_its_note(owner, queue):
    document = builders.document(queue, status="to_review")

    reply = ask(owner, document, "reject", {"note_content": "Not ours"})

    assert (reply.status_code, reply.json()) == (200, {"status": "rejected", "note": None})
    assert Event.objects.get(verb="document.reject").why == "Not ours"


def test_nothing_waits_for_an_approval(owner, queue):
    confirmed, waiting = builders.document(queue), builders.document(queue, status="to_review")

    assert ask(owner, confirmed, "approve").json() == {"status": "confirmed"}
    assert ask(owner, waiting, "approve").status_code == 409


def test_only_what_is_deleted_is_purged(owner, queue):
    named, of_queue = (builders.document(queue, status="deleted") for _ in range(2))
    kept = builders.document(queue)
    elsewhere = builders.document(builders.queue(), status="deleted")
    at = f"http://testserver{API}"

    first = owner.post(
        f"{API}/annotations/purge_deleted",
        {"annotations": [f"{at}/annotations/{named.pk}", f"{at}/annotations/{kept.pk}"]},
        content_type="application/json",
    )
    assert (first.status_code, standing(named), standing(of_queue), standing(kept)) == (
        204,
        "purged",
        "deleted",
        "confirmed",
    )
    second = owner.post(
        f"{API}/annotations/purge_deleted", {"queue": f"{at}/queues/{queue.pk}"}, content_type="application/json"
    )

    assert (second.status_code, standing(of_queue), standing(elsewhere)) == (204, "purged", "deleted")


@pytest.mark.parametrize(
    "body",
    [{}, {"annotations": []}, {"annotations": ["x"]}, {"annotations": "x"}, {"queue": "x"}, {"queue": 999999}, []],
)
def test_a_purge_of_nothing_or_of_nonsense_is_refused(owner, queue, body):
    document = builders.document(queue, status="deleted")

    reply = owner.post(f"{API}/annotations/purge_deleted", body, content_type="application/json")

    assert reply.status_code == 400
    assert standing(document) == Status.DELETED


def test_only_owners_purge(organization, queue):
    builders.document(queue, status="deleted")
    reply = caller(organization, "integrator").post(
        f"{API}/annotations/purge_deleted", {"queue": queue.pk}, content_type="application/json"
    )

    assert reply.status_code == 403


def test_of_robots_that_start_the_same_annotations_one_gets_each(transactional_db, live_server):
    organization = builders.organization("Acme")
    with scope.to(organization.pk):
        queue = builders.queue("Invoices")
        found = [builders.document(queue, status="to_review") for _ in range(10)]
        tokens = [key_of(organization, name=f"robot {number}") for number in range(3)]
    got: list[tuple[int, int]] = []
    wrong: list[int] = []

    def race(number):
        session = requests.Session()
        session.headers["Authorization"] = f"Token {tokens[number]}"
        for document in found:
            reply = session.post(f"{live_server.url}{API}/annotations/{document.pk}/start", timeout=30)
            if reply.status_code == 200:
                got.append((number, document.pk))
            elif reply.status_code != 409:
                wrong.append(reply.status_code)

    threads = [threading.Thread(target=race, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert sorted(pk for _, pk in got) == [document.pk for document in found]
