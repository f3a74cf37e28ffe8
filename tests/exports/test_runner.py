"""What becomes of an attempt, stage by stage, to whatever end."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from exports import loop, transitions, worklist
from exports.models import Attempt, Delivery, Document, Exchange, StageRun
from exports.states import Reason, RunState, State, Status
from pipelines.models import Destination
from tests import builders
from tests.exports.kinds import act, export, kinds, ran  # noqa: F401  # kinds is a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def test_every_stage_finished_is_a_success():
    attempt = export(act("a"), act("b"))

    assert (attempt.state, attempt.reason) == (State.SUCCEEDED, "")
    assert attempt.document.status == Status.EXPORTED
    assert attempt.document.exported_at is not None
    assert ran(attempt) == {"a": "finished", "b": "finished"}


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        ("reject", Reason.REJECTED),
        ("misconfigure", Reason.MISCONFIGURED),
        ("unconfirmed", Reason.UNCONFIRMED),
        ("bug", Reason.INTERNAL),
        ("error", Reason.REJECTED),
    ],
)
def test_each_way_a_stage_ends_badly_has_its_reason(do, reason):
    attempt = export(act("a"), act("b", do))

    assert (attempt.state, attempt.reason, attempt.stage) == (State.FAILED, reason, "b")
    assert attempt.document.status == Status.FAILED_EXPORT


def test_a_failed_stage_blocks_what_comes_after_and_leaves_other_branches_alone(kinds):
    attempt = export(
        act("a"), act("left", "reject", after=["a"]), act("right", after=["a"]), act("end", after=["left", "right"])
    )

    assert ran(attempt) == {"a": "finished", "left": "failed", "right": "finished", "end": "blocked"}
    assert "end" not in kinds


def test_an_error_message_fails_the_attempt_but_not_the_stages_after_it():
    attempt = export(act("judge", "error", message="Supplier is blocked"), act("after"))

    assert (attempt.state, attempt.reason, attempt.message) == (State.FAILED, Reason.REJECTED, "Supplier is blocked")
    assert ran(attempt)["after"] == RunState.FINISHED


def test_a_stage_that_always_runs_does_so_after_a_failure():
    attempt = export(act("a", "reject"), act("tell", always_run=True))

    assert ran(attempt) == {"a": "failed", "tell": "finished"}
    assert attempt.state == State.FAILED


def test_the_gravest_reason_is_the_attempts():
    attempt = export(
        act("x", "reject", after=[]), act("y", "unconfirmed", after=[]), act("z", "misconfigure", after=[])
    )

    assert (attempt.reason, attempt.stage) == (Reason.UNCONFIRMED, "y")


def test_a_bug_keeps_its_traceback_and_is_not_repeated(kinds):
    attempt = export(act("a", "bug"))

    assert "ZeroDivisionError" in StageRun.objects.get(attempt=attempt).traceback
    assert "ZeroDivisionError" in attempt.message
    assert "Traceback" not in attempt.message
    assert kinds == ["a"]


def test_the_unavailable_is_tried_again_by_itself_and_only_that_stage(kinds):
    attempt = export(act("a"), act("b", "unavailable", times=1), act("c"))

    assert (attempt.state, attempt.tries, attempt.stage) == (State.WAITING, 1, "b")
    assert attempt.due_at > timezone.now()
    Attempt.objects.update(due_at=timezone.now())
    assert transitions.wake(timezone.now()) == 1

    attempt = loop.run_now(attempt.pk)

    assert attempt.state == State.SUCCEEDED
    assert kinds == ["a", "b", "b", "c"]
    assert StageRun.objects.get(attempt=attempt, name="b").tries == 2


def test_the_unavailable_fails_as_exhausted_after_the_last_try(kinds):
    attempt = export(act("a", "unavailable"), max_tries=2)
    Attempt.objects.update(due_at=timezone.now())
    transitions.wake(timezone.now())

    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.EXHAUSTED)
    assert "Tried 2 times" in attempt.message
    assert kinds == ["a", "a"]


def test_a_branch_that_waits_does_not_hold_up_another():
    attempt = export(act("x", "unavailable", after=[]), act("y", after=[]), act("z", after=["x", "y"]))

    assert ran(attempt) == {"x": "waiting", "y": "finished"}


@pytest.mark.parametrize(
    ("rule", "state"), [(None, State.FAILED), ("verify", State.SUCCEEDED), ("idempotent", State.SUCCEEDED)]
)
def test_a_send_that_nobody_saw_end_follows_its_rule(kinds, rule, state):
    attempt = builders.attempt(act("send", kind="act_and_send", recovery=rule), act("after"))
    StageRun.own(
        attempt=attempt, name="send", kind="act_and_send", position=1, begun_at=timezone.now(), marked_at=timezone.now()
    ).save()

    attempt = loop.run_now(attempt.pk)

    assert attempt.state == state
    assert kinds == ([] if rule is None else ["send", "after"])
    assert attempt.reason == (Reason.UNCONFIRMED if rule is None else "")


@pytest.mark.parametrize(
    ("rule", "state", "files"), [("verify", State.SUCCEEDED, ["fields.json"]), ("ask", State.FAILED, [])]
)
def test_a_file_whose_end_nobody_saw_is_looked_for_or_asked_about(tmp_path, settings, rule, state, files):
    settings.FOLDER_ROOTS = [tmp_path]
    fields = {"type": "annotation_content", "format": "json", "filename_template": "fields.json"}
    config = {
        "credentials": {"type": "folder", "path": str(tmp_path)},
        "recovery": rule,
        "export_rules": [{"export_object_configurations": [fields]}],
    }
    attempt = builders.attempt({"name": "put", "kind": "file_storage", "config": config})
    StageRun.own(
        attempt=attempt, name="put", kind="file_storage", position=1, begun_at=timezone.now(), marked_at=timezone.now()
    ).save()

    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.reason) == (state, "" if rule == "verify" else Reason.UNCONFIRMED)
    assert [path.name for path in tmp_path.iterdir()] == files


def test_a_later_destination_that_is_paused_is_waited_for_without_a_try(kinds):
    open_one, paused = (Destination.own(name=name) for name in ("erp", "files"))
    open_one.save()
    paused.paused_at, paused.paused_why = timezone.now(), "moving house"
    paused.save()
    stages = [act(name, "deliver", kind="act_and_send") for name in ("first", "second")]
    stages[0]["destination"], stages[1]["destination"] = open_one, paused

    attempt = export(*stages, max_tries=1)

    assert (attempt.state, attempt.tries, attempt.stage) == (State.WAITING, 0, "second")
    assert attempt.message == "The destination files is paused (moving house). It is sent once that is resumed."
    assert [delivery.run.name for delivery in Delivery.objects.all()] == ["first"]
    assert list(Exchange.objects.values_list("run__name", flat=True)) == ["first"]

    Destination.objects.update(paused_at=None)
    Attempt.objects.update(due_at=timezone.now())
    transitions.wake(timezone.now())

    assert loop.run_now(attempt.pk).state == State.SUCCEEDED
    assert kinds == ["first", "second", "second"]


def test_a_stage_that_tries_by_itself_does_not_hold_its_worker_at_a_paused_destination():
    paused = builders.destination("erp", paused_at=timezone.now())
    config = {"request": {"url": "http://127.0.0.1:9/inv", "content": "x"}, "mode": "retry"}
    began = time.monotonic()

    attempt = export({"name": "Send", "kind": "rest_api", "config": config, "destination": paused}, max_tries=1)

    assert time.monotonic() - began < 5
    assert (attempt.state, attempt.tries, attempt.stage) == (State.WAITING, 0, "Send")
    assert not Exchange.objects.exists()


def test_a_probe_that_finds_the_send_ends_the_stage_well_with_its_proof(kinds):
    attempt = export(act("send", "unconfirmed", probe="there"), act("after"))

    assert (attempt.state, kinds) == (State.SUCCEEDED, ["send", "probe send", "after"])
    assert Delivery.objects.get().how == "GET answered 200 OK"


def test_a_probe_that_does_not_find_it_has_it_sent_again_after_another_look(kinds):
    attempt = export(act("send", "unconfirmed", probe="absent", times=1))
    assert (attempt.state, kinds) == (State.WAITING, ["send", "probe send"])
    Attempt.objects.update(due_at=timezone.now())
    transitions.wake(timezone.now())

    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, kinds) == (State.SUCCEEDED, ["send", "probe send", "probe send", "send"])


def test_a_probe_that_says_nothing_leaves_the_outcome_unknown(kinds):
    attempt = export(act("send", "unconfirmed", probe="unclear"))

    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.UNCONFIRMED)
    assert "The probe did not settle it: The probe was answered 503." in attempt.message
    assert kinds == ["send", "probe send"]


def test_a_send_without_an_end_is_probed_before_anything_else(kinds):
    attempt = builders.attempt(act("send", kind="act_and_send", probe="there"))
    StageRun.own(
        attempt=attempt, name="send", kind="act_and_send", position=1, begun_at=timezone.now(), marked_at=timezone.now()
    ).save()

    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, kinds) == (State.SUCCEEDED, ["probe send"])


def test_a_worker_given_up_for_dead_cannot_write():
    attempt = builders.attempt(act("a"))
    lease, ids = worklist.claim("first", 10)
    from exports import cases
    from exports.ledger import DirectLedger
    from exports.world import World

    (case,), _ = cases.load(ids)
    Attempt.objects.update(lease_ends_at=timezone.now() - timedelta(seconds=1))
    assert transitions.lapse(timezone.now()) == 1

    loop.drive_one(case, World(DirectLedger()))

    attempt.refresh_from_db()
    assert (attempt.state, attempt.lapses, attempt.lease) == (State.QUEUED, 1, None)
    assert StageRun.objects.count() == 0
    assert case.lease == lease


def test_an_attempt_that_kills_its_workers_is_given_up(kinds):
    attempt = builders.attempt(act("a"))
    Attempt.objects.update(lapses=5)

    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.INTERNAL)
    assert [message["content"] for message in Document.objects.get().messages] == [attempt.message]
    assert kinds == []


def test_a_long_stage_goes_on_from_its_checkpoint(kinds):
    attempt = builders.attempt(act("long", chunks=10, stop_at=6))
    with pytest.raises(KeyboardInterrupt):
        loop.run_now(attempt.pk)
    Attempt.objects.update(lease_ends_at=timezone.now())
    transitions.lapse(timezone.now() + timedelta(seconds=1))

    attempt = loop.run_now(attempt.pk)

    assert attempt.state == State.SUCCEEDED
    assert [name for name in kinds if name.startswith("chunk")] == [f"chunk {n}" for n in range(10)]


def test_a_pipeline_that_allows_one_try_says_so():
    attempt = export(act("a", "unavailable"), max_tries=1)

    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.EXHAUSTED)
    assert attempt.message == "unavailable by a The pipeline allows one try."


def test_what_stages_write_into_fields_is_a_new_version_of_the_document():
    attempt = export(act("a", assign={"erp_id": "77"}), act("b"), fields={"erp_id": "", "total": "12.50"})

    document = Document.objects.get()
    assert (document.fields.number, document.fields.by) == (2, f"attempt:{attempt.pk}")
    from pipelines.fields import Content

    assert Content(document.fields.content).values == {"erp_id": "77", "total": "12.50"}


def test_an_attempt_whose_revision_cannot_be_read_fails_and_says_so():
    attempt = builders.attempt(act("a"))
    type(attempt.revision).objects.update(definition={"format": 99})
    from exports import cases

    cases.definition_of.cache_clear()

    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.MISCONFIGURED)
    assert "cannot be read" in attempt.message
