"""One Waybill pulls from another that serves the same protocol: what both sides made of it fits together."""

from __future__ import annotations

import pytest

from accounts import scope
from exports import contents, loop
from exports.models import Attempt, ClientTask, Document
from exports.sources import aluma as kind
from exports.sources import poller
from exports.states import State
from pipelines import vault
from tests import builders
from tests.exports.kinds import act
from tests.exports.kinds import kinds as kinds
from tests.exports.protocols.aluma.conftest import PDF, after, exported, key_of
from tests.exports.sources import alumasource, pretend

pytestmark = [pytest.mark.usefixtures("kinds"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def puller(live_server, monkeypatch):
    """Another organization, whose source asks the server of the first."""
    monkeypatch.setattr(kind, "RATE", None)
    offering = builders.organization("Offering")
    pulling = builders.organization("Pulling")
    key = key_of(offering)

    def made(*stages):
        with scope.to(pulling.pk):
            destination = builders.destination("The other Waybill", allowed_networks=["127.0.0.1/32", "::1/128"])
            vault.put("aluma_client_secret", key, by=builders.owner(), destination=destination)
            config = {"url": f"{live_server.url}/aluma", "client_id": key.split("_")[1]}
            return pretend.source(*stages, kind="aluma", destination=destination, config=config)

    return offering, pulling, made


def turn(organization, source):
    with scope.to(organization.pk):
        source.refresh_from_db()
        assert poller.poll_now(source)
        for attempt in Attempt.objects.filter(state=State.QUEUED):
            loop.run_now(attempt.pk)


def test_a_task_goes_from_one_to_the_other_whole_and_both_know_that_it_did(puller):
    offering, pulling, made = puller
    with scope.to(offering.pk):
        task = exported()
    source = made()

    turn(pulling, source), turn(pulling, source)

    with scope.to(pulling.pk):
        document = Document.objects.get()
        text, scan = document.received.all()
        assert (document.status, str(text), str(scan)) == ("exported", "0007.csv", "scans/2026/0007.pdf")
        assert contents.blob(scan.content).read() == PDF
        assert pretend.claim(source, document.external_id).state == "reported"
    with scope.to(offering.pk):
        assert after(task).state == State.SUCCEEDED


def test_a_refusal_of_one_is_the_failure_of_the_other(puller):
    offering, pulling, made = puller
    with scope.to(offering.pk):
        task = exported()
    source = made(act("send", "reject", message="Supplier 77 is blocked"))

    turn(pulling, source), turn(pulling, source)

    with scope.to(offering.pk):
        failed = after(task)
        assert (failed.state, failed.reason) == (State.FAILED, "rejected")
        assert "Supplier 77 is blocked" in failed.message


def test_what_cannot_be_done_now_is_offered_again(puller):
    offering, pulling, made = puller
    with scope.to(offering.pk):
        task = exported()
    source = made(act("send", "park", minutes=600, times=1))
    turn(pulling, source)

    with scope.to(pulling.pk):
        alumasource.stop()
    with scope.to(offering.pk):
        assert ClientTask.objects.get(pk=task.pk).attempt.state == State.PARKED
    with scope.to(pulling.pk):
        alumasource.wait_over(source)
    turn(pulling, source), turn(pulling, source)

    with scope.to(offering.pk):
        assert after(task).state == State.SUCCEEDED
