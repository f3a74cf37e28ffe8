"""How a stage came to be: changes by revision, each line's origin, and the way back."""

from __future__ import annotations

import pytest

from audit.models import Event
from pipelines import drafts, history, publishing
from pipelines.definition import StageDraft
from pipelines.history import Version
from pipelines.models import Pipeline
from pipelines.refusals import Refused
from tests import builders, editing


@pytest.fixture
def pipeline(organization):
    return editing.pipeline(builders.queue("Invoices"))


def publish(pipeline, note=""):
    revision = publishing.publish(Pipeline.objects.get(pk=pipeline.pk), by=builders.owner(), note=note)
    pipeline.refresh_from_db()
    return revision


def versions(pipeline, name="Render"):
    stage = pipeline.stages.get(name=name)
    draft = next(one for one in publishing.drafts(pipeline) if one.name == name)
    return history.of_stage(pipeline, stage, draft)


def made(number, text, by="user:anna"):
    return Version(number, by, None, "", StageDraft("Render", "template", text))


def test_only_revisions_in_which_the_stage_changed_are_told(pipeline):
    editing.change(pipeline, "Judge", "201", "202")
    publish(pipeline, "202 is fine too")
    editing.change(pipeline, "Render", "Invoice>", "Bill>")

    changes = history.changed(versions(pipeline))

    assert [(version.number, before.number if before else None) for version, before in changes] == [(0, 2), (1, None)]


def test_each_line_is_from_the_revision_that_brought_it():
    lines = history.blame([
        made(1, "a\nb\nc"),
        made(2, "a\nB\nc", by="user:ben"),
        made(0, "a\n  B\nc\nd", by="user:cleo"),
    ])  # fmt: skip

    told = [(line.text, line.version.number, line.version.by, line.begins) for line in lines]
    assert told == [
        ("a", 1, "user:anna", True),
        ("  B", 2, "user:ben", True),
        ("c", 1, "user:anna", True),
        ("d", 0, "user:cleo", True),
    ]


def test_a_stage_that_was_taken_out_and_put_back_begins_anew():
    gone = Version(2, "user:ben", None, "", None)

    lines = history.blame([made(1, "a"), gone, made(3, "a")])

    assert [line.version.number for line in lines] == [3]


def test_a_renamed_stage_keeps_its_history(pipeline):
    stage = pipeline.stages.get(name="Render")
    given = next(one for one in publishing.drafts(pipeline) if one.name == "Render")
    renamed = StageDraft("Make the file", given.kind, given.config, given.run_after)
    drafts.save(pipeline, renamed, by=builders.owner(), stage=stage)
    publish(pipeline)

    found = versions(pipeline, "Make the file")

    assert [bool(version.stage) for version in found] == [True, True, True]
    assert {line.version.number for line in history.blame(found)} == {1}


def test_templates_are_told_as_the_jinja_that_they_are(pipeline):
    templates = history.templates(versions(pipeline)[-1])

    assert templates == {"payload": "\n".join(editing.TEMPLATE)}
    assert history.templates(made(1, "{")) == {}


def test_one_stage_returns_to_a_revision_and_the_others_stay(pipeline):
    revision = pipeline.published
    editing.change(pipeline, "Render", "Invoice>", "Bill>")
    judge = editing.change(pipeline, "Judge", "201", "202")
    stage = pipeline.stages.get(name="Render")

    lost = drafts.return_stage(stage, revision, by=builders.owner())

    stage.refresh_from_db()
    judge.refresh_from_db()
    event = Event.objects.filter(verb="stage.change").last()
    assert lost == []
    assert "Bill>" not in stage.config
    assert "202" in judge.config
    assert (event.why, event.detail["changed"]) == ("As it was in revision 1.", ["config"])
    assert pipeline.published == revision


def test_a_revision_without_the_stage_is_no_way_back(pipeline):
    revision = pipeline.published
    stage = drafts.save(pipeline, StageDraft("Extra", "purge"), by=builders.owner())

    with pytest.raises(Refused, match='Revision 1 has no stage called "Extra"'):
        drafts.return_stage(stage, revision, by=builders.owner())


def test_a_fingerprint_changes_with_each_setting_and_with_nothing_else(pipeline):
    stage = pipeline.stages.get(name="Render")
    before = drafts.fingerprint(stage)
    editing.change(pipeline, "Judge", "201", "202")
    stage.refresh_from_db()
    same = drafts.fingerprint(stage)
    stage.queues.add(pipeline.queues.get())

    assert same == before
    assert drafts.fingerprint(stage) != before
