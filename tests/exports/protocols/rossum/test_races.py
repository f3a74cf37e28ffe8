"""Two at once: what somebody moved since it was read stays where it is, and of several reports one counts."""

from __future__ import annotations

import threading

import pytest
import requests

from accounts import scope
from exports import documents
from exports.models import Attempt, Document
from exports.protocols.rossum import moves
from exports.states import State, Status
from pipelines.refusals import Refused
from tests import builders
from tests.exports.protocols.rossum.conftest import API, key_of


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices")


def standing(document):
    return Document.objects.get(pk=document.pk).status


@pytest.mark.parametrize("target", ["failed_export", "exported", "exporting", "to_review", "postponed"])
def test_what_somebody_moved_since_it_was_read_is_refused_and_stays_where_it_is(queue, target):
    read = builders.document(queue)
    documents.delete(read, by=builders.owner())
    read.status = Status.CONFIRMED  # as it was when the request came
    asked = moves.RobotRequest("PATCH", f"http://testserver{API}/annotations/{read.pk}")

    try:
        moves.move(read, target, by=builders.owner(), request=asked)
    except Refused:
        assert standing(read) == Status.DELETED
    else:
        assert (target, standing(read)) == ("to_review", "to_review")  # which a deleted document may be moved to, too
    assert Attempt.objects.count() == 0


def test_a_report_of_success_does_not_undo_a_failure_that_came_between(queue):
    read = builders.document(queue)
    asked = moves.RobotRequest("PATCH", f"http://testserver{API}/annotations/{read.pk}")
    moves.move(Document.objects.get(pk=read.pk), "failed_export", by=builders.owner(), request=asked, message="No")

    with pytest.raises(Refused, match="failed_export meanwhile"):
        moves.move(read, "exported", by=builders.owner(), request=asked)

    assert (standing(read), Attempt.objects.count()) == ("failed_export", 1)


def test_two_robots_that_report_on_one_annotation_at_once_leave_one_attempt(transactional_db, live_server):
    acme = builders.organization("Acme")
    with scope.to(acme.pk):
        document = builders.document(builders.queue("Invoices"))
        tokens = [key_of(acme, name=f"robot {number}") for number in range(4)]
    codes: list[int] = []

    def report(token, status):
        body = {"status": status, "messages": [{"error": "No"}]}
        url = f"{live_server.url}{API}/annotations/{document.pk}"
        codes.append(
            requests.patch(url, json=body, headers={"Authorization": f"Token {token}"}, timeout=30).status_code
        )

    threads = [
        threading.Thread(target=report, args=[token, status])
        for token, status in zip(tokens, ["exported", "failed_export"] * 2, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with scope.to(acme.pk):
        (attempt,) = Attempt.objects.all()
        assert standing(document) == ("exported" if attempt.state == State.SUCCEEDED else "failed_export")
    assert 200 in codes
    assert set(codes) <= {200, 400, 409}
