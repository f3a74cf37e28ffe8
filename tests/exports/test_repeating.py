"""Sending again exactly what an attempt sent: the same bytes under the same key, whatever the fields have become."""

from __future__ import annotations

import pytest

from audit.models import Event
from exports import attempts, contents, loop
from exports.models import Artifact, Delivery, Document, Exchange, ReceivedFile, StageRun
from exports.states import Reason, State
from pipelines import vault
from pipelines.refusals import Refused
from tests import builders
from tests.exports.sent import TEMPLATE, again, corrected, erp, place, ran, stages  # noqa: F401  # two are fixtures
from tests.servers.http import cut, reply

pytestmark = pytest.mark.usefixtures("organization")


def test_the_same_bytes_leave_again_under_the_same_key_although_the_fields_have_changed(erp, place):
    erp.will(reply(200, {"id": ""}), reply(200, {"id": "4711"}))
    first = ran(*stages(erp, place))
    assert (first.state, first.message) == (State.FAILED, "No ERP number")
    corrected(first.document, number="INV-2")
    vault.put("erp_key", "second-s3cr3t", by=builders.owner(), destination=place)

    second = again(first)

    assert second.state == State.SUCCEEDED, second.message
    before, after = erp.seen
    assert (before.body, after.body) == (b'{"no": "INV-1"}', b'{"no": "INV-1"}')
    assert after.header("Idempotency-Key") == before.header("Idempotency-Key") != ""
    assert (before.header("X-No"), after.header("X-No")) == ("INV-1", "INV-1")
    assert before.header("Authorization") == "Bearer first-s3cr3t"
    assert after.header("Authorization") == "Bearer second-s3cr3t"
    fields = Document.objects.get().fields.content
    assert {node["schema_id"]: node["content"]["value"] for node in fields[0]["children"]} == {
        "number": "INV-2", "erp_id": "4711",
    }  # fmt: skip


def test_rebuilt_sends_what_todays_fields_say(erp, place):
    erp.will(reply(200, {"id": ""}), reply(200, {"id": "4711"}))
    first = ran(*stages(erp, place))
    corrected(first.document, number="INV-2")

    second = again(first, frozen=False)

    assert (second.state, second.frozen) == (State.SUCCEEDED, False)
    before, after = erp.seen
    assert after.body == b'{"no": "INV-2"}'
    assert after.header("Idempotency-Key") != before.header("Idempotency-Key")


def test_nothing_is_rendered_again_and_the_reply_is_judged_anew(erp, place):
    erp.will(reply(200, {"id": ""}), reply(200, {"id": ""}))
    first = ran(*stages(erp, place))

    second = again(first)

    assert (second.state, second.reason, second.message) == (State.FAILED, Reason.REJECTED, "No ERP number")
    notes = dict(StageRun.objects.filter(attempt=second).values_list("name", "note"))
    assert notes["Render"].startswith("Taken over from attempt 1")
    assert notes["Send"] == notes["Read"] == ""
    assert not Artifact.objects.filter(attempt=second, key="invoice").exists()
    assert len(erp.seen) == 2


def test_it_is_told_in_the_attempt_and_the_audit_trail(erp, place):
    erp.will(reply(422))
    first = ran(*stages(erp, place))

    second = attempts.requeue(first, by=builders.owner(), why="again", frozen=True)

    assert (second.frozen, second.revision, second.repeats) == (True, first.revision, first)
    assert Event.objects.get(verb="attempt.queue", subject=f"attempt:{second.pk}").detail["frozen"] is True


def test_a_repeat_of_a_repeat_sends_the_first_bytes(erp, place):
    erp.will(reply(422), reply(422), reply(200, {"id": "4711"}))
    first = ran(*stages(erp, place))
    corrected(first.document, number="INV-2")

    third = again(again(first))

    assert third.state == State.SUCCEEDED
    assert [seen.body for seen in erp.seen] == [b'{"no": "INV-1"}'] * 3
    assert len({seen.header("Idempotency-Key") for seen in erp.seen}) == 1


def test_what_was_delivered_is_sent_once_more_under_its_key_only_when_that_is_said(erp, place):
    erp.will(reply(200, {"id": "1"}), reply(200, {"id": "1"}))
    first = ran(*stages(erp, place))

    with pytest.raises(Refused, match="although it was"):
        again(first)
    second = again(first, although_delivered=True)

    assert second.state == State.SUCCEEDED
    before, after = erp.seen
    assert (after.body, after.header("Idempotency-Key")) == (before.body, before.header("Idempotency-Key"))


def test_an_unknown_outcome_that_did_not_arrive_can_be_sent_again_as_it_was(erp, place):
    erp.will(cut(), reply(200, {"id": "1"}))
    first = ran(*stages(erp, place))
    assert first.reason == Reason.UNCONFIRMED
    corrected(first.document, number="INV-2")

    second = attempts.settle(first, by=builders.owner(), delivered=False, why="not there", frozen=True)
    second = loop.run_now(second.pk)

    assert second.state == State.SUCCEEDED
    before, after = erp.seen
    assert (after.body, after.header("Idempotency-Key")) == (before.body, before.header("Idempotency-Key"))


def test_only_what_comes_after_the_stage_is_sent_again(erp, place):
    one, two = stages(erp, place)[:2]
    erp.will(reply(200), reply(422), reply(200))
    three = {**two, "name": "Book", "config": {**two["config"], "response_payload_reference_key": "booked"}}
    first = ran(one, two, three)

    second = again(first, resume_from="Book")

    assert second.state == State.SUCCEEDED
    assert len(erp.seen) == 3
    assert erp.seen[2].header("Idempotency-Key") == erp.seen[1].header("Idempotency-Key")
    assert StageRun.objects.get(attempt=second, name="Send").note.startswith("Taken over")


def test_what_was_taken_over_is_found_where_it_was_sent(erp, place):
    one, two = stages(erp, place)[:2]
    erp.will(reply(200), reply(422), reply(422), reply(200), reply(200))
    three = {**two, "name": "Book", "config": {**two["config"], "response_payload_reference_key": "booked"}}
    second = again(ran(one, two, three), resume_from="Book")

    third = again(second)

    assert third.state == State.SUCCEEDED
    keys = [seen.header("Idempotency-Key") for seen in erp.seen]
    assert (keys[3], keys[4]) == (keys[0], keys[1])


def test_a_stage_that_never_sent_is_built_from_todays_fields(erp, place):
    one, two = stages(erp, place)[:2]
    erp.will(reply(422), reply(200), reply(200))
    told = {"url": f"{erp.url}/book", "content": "@{number}"}
    first = ran(one, two, {"name": "Book", "kind": "rest_api", "destination": place, "config": {"request": told}})
    corrected(first.document, number="INV-2")

    second = again(first)

    assert second.state == State.SUCCEEDED
    assert [seen.body for seen in erp.seen] == [b'{"no": "INV-1"}', b'{"no": "INV-1"}', b"INV-2"]


def test_a_form_leaves_again_to_the_byte(erp, place):
    erp.will(reply(422), reply(200))
    form = {"file_key": "file", "file_name": "Rechnung ä.json", "data": {"no": "@{number}", "lines": ["a", "b"]}}
    one, two = stages(erp, place)[:2]
    two["config"]["request"] = {"url": f"{erp.url}/in", **form}
    first = ran(one, two)
    corrected(first.document, number="INV-2")

    second = again(first)

    assert second.state == State.SUCCEEDED, second.message
    before, after = erp.seen
    assert after.body == before.body
    assert after.header("Content-Type") == before.header("Content-Type")
    assert after.header("Idempotency-Key") == before.header("Idempotency-Key")


def test_a_large_body_is_taken_whole_from_its_artifact(erp, place):
    erp.will(reply(422), reply(200))
    one, two = stages(erp, place)[:2]
    one["config"] = {
        "export_configs": [{"export_reference_key": "invoice", "file_content_template": "{{ field.number * 30000 }}"}]
    }
    first = ran(one, two)
    assert Exchange.objects.get().request_size == 150_000

    second = again(first)

    assert second.state == State.SUCCEEDED
    assert [len(body) for body in erp.bodies] == [150_000, 150_000]
    assert erp.bodies[0] == erp.bodies[1]


def test_an_original_is_taken_by_its_hash(erp, place):
    erp.will(reply(422), reply(200))
    send = {"request": {"url": f"{erp.url}/in", "content": "#{original_file}"}}
    started = builders.attempt({"name": "Send", "kind": "rest_api", "destination": place, "config": send})
    document = started.document
    document.original = contents.keep(b"%PDF-1.4" + b"x" * 100_000, document.organization_id)
    document.original.save()
    document.media_type = "application/pdf"
    document.save()
    first = loop.run_now(started.pk)

    second = again(first)

    assert second.state == State.SUCCEEDED
    assert erp.bodies[0] == erp.bodies[1] == b"%PDF-1.4" + b"x" * 100_000
    assert erp.seen[1].header("Content-Type") == "application/pdf"


def test_files_are_put_again_as_they_were(tmp_path, settings):
    settings.FOLDER_ROOTS = [tmp_path]
    rules = {
        "credentials": {"type": "folder", "path": str(tmp_path)},
        "path_to_directory": "{number}",
        "export_object_configurations": [
            {"type": "custom_format", "filename_template": "{number}.json", "export_reference_key": "invoice"},
            {"type": "annotation_content", "filename_template": "{number}.csv", "format": "csv"},
        ],
    }
    wrong = {"name": "Judge", "kind": "evaluate", "config": {"condition": "field.number == 'INV-1'"}}
    first = ran({"name": "Render", "kind": "template", "config": TEMPLATE},
                {"name": "Put", "kind": "file_storage", "config": rules}, wrong)  # fmt: skip
    assert first.reason == Reason.REJECTED, first.message
    before = {path.name: path.read_bytes() for path in (tmp_path / "INV-1").iterdir()}
    for path in (tmp_path / "INV-1").iterdir():
        path.unlink()
    corrected(first.document, number="INV-2")

    second = again(first)

    assert second.state == State.SUCCEEDED, second.message
    assert {path.name: path.read_bytes() for path in (tmp_path / "INV-1").iterdir()} == before
    assert sorted(before) == ["INV-1.csv", "INV-1.json"]
    assert not (tmp_path / "INV-2").exists()
    keys = Delivery.objects.filter(attempt=second).order_by("id").values_list("key", flat=True)
    assert list(keys) == ["invoice", "annotation_content.csv"]


def test_large_files_that_came_with_the_document_are_put_again(tmp_path, settings):
    settings.FOLDER_ROOTS = [tmp_path]
    rules = {"credentials": {"type": "folder", "path": str(tmp_path)},
             "export_object_configurations": [{"type": "received_files"}]}  # fmt: skip
    wrong = {"name": "Judge", "kind": "evaluate", "config": {"condition": "field.number == 'INV-1'"}}
    started = builders.attempt(
        {"name": "Put", "kind": "file_storage", "config": rules}, wrong, fields={"number": "INV-1"}
    )
    for position, content in enumerate((b"a" * 100_000, b"b" * 70_000), 1):
        row = contents.keep(content, started.organization_id)
        row.save()
        ReceivedFile.own(
            document=started.document, key=f"received.1.{position}", position=position, folder="in",
            name=f"{position}.bin", media_type="application/octet-stream", content=row, size=row.size, sha256=row.sha256,
        ).save()  # fmt: skip
    first = loop.run_now(started.pk)
    assert first.reason == Reason.REJECTED, first.message
    before = {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    for path in (tmp_path / "in").iterdir():
        path.unlink()
    corrected(first.document, number="INV-2")

    second = again(first)

    assert second.state == State.SUCCEEDED, second.message
    assert {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before
    assert sorted(before) == ["1.bin", "2.bin"]


def test_a_second_file_that_never_left_is_built_from_todays_fields(tmp_path, settings):
    settings.FOLDER_ROOTS = [tmp_path]
    rules = {
        "credentials": {"type": "folder", "path": str(tmp_path)},
        "export_object_configurations": [
            {"type": "custom_format", "filename_template": "a", "export_reference_key": "invoice"},
            {"type": "annotation_content", "filename_template": "{number}", "format": "json"},
        ],
    }
    (tmp_path / "a").write_bytes(b"somebody else's")
    first = ran({"name": "Render", "kind": "template", "config": TEMPLATE},
                {"name": "Put", "kind": "file_storage", "config": rules})  # fmt: skip
    assert first.reason == Reason.REJECTED, first.message
    (tmp_path / "a").unlink()
    corrected(first.document, number="INV-2")

    second = again(first)

    assert second.state == State.SUCCEEDED, second.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["INV-2", "a"]
    assert (tmp_path / "a").read_bytes() == b'{"no": "INV-1"}'
