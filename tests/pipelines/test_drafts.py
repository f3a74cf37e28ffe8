"""Changing a draft: what is saved, who is told that somebody else was there first, and how to get back."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts.policy import GRANTS, Principal
from audit.models import Event
from pipelines import drafts, publishing
from pipelines.definition import StageDraft
from pipelines.models import Pipeline, Stage
from pipelines.refusals import Refused, Stale
from tests import builders
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("organization", "tiny_kinds")


def three_stages(**values):
    return builders.pipeline(
        {"name": "Render", "kind": "make", "config": {"write_key": "payload"}},
        {"name": "Send", "kind": "send", "config": {"read_key": "payload"}},
        {"name": "Judge", "kind": "evaluate"},
        **values,
    )


def waits(pipeline):
    return {stage.name: stage.run_after for stage in Stage.objects.filter(pipeline=pipeline)}


def test_a_stage_is_saved_however_unfinished():
    pipeline = three_stages()

    stage = drafts.save(pipeline, StageDraft("New", "send", '{"url": ', ("Render",)), by=builders.owner(), version=1)

    stage.refresh_from_db()
    assert (stage.config, stage.run_after, stage.position) == ('{"url": ', ["Render"], 3)
    assert pipeline.version == 2
    assert Event.objects.get(verb="stage.add").detail["stage"] == "New"


def test_whoever_read_an_older_draft_is_told_who_was_there_first():
    pipeline = three_stages(name="ERP")
    drafts.save(pipeline, StageDraft("New", "make"), by=builders.owner(), version=1)

    with pytest.raises(Stale, match='"ERP" was changed since you read it by waybill:test at 20.* UTC.'):
        drafts.save(pipeline, StageDraft("Other", "make"), by=builders.owner(), version=1)

    assert not Stage.objects.filter(name="Other").exists()


def test_a_new_name_is_carried_to_whoever_waits_for_it():
    pipeline = three_stages()
    render = Stage.objects.get(name="Render")

    drafts.save(pipeline, StageDraft("Print", "make", '{"write_key": "payload"}'), by=builders.owner(), stage=render)

    assert waits(pipeline) == {"Print": [], "Send": ["Print"], "Judge": ["Send"]}
    assert publishing.check(pipeline) == []


def test_two_stages_cannot_have_one_name():
    pipeline = three_stages()

    with pytest.raises(Refused, match='Another stage of this pipeline is called "Send" already.'):
        drafts.save(pipeline, StageDraft("Send", "make"), by=builders.owner())

    pipeline.refresh_from_db()
    assert pipeline.version == 1


def test_whoever_waited_for_a_deleted_stage_waits_for_what_it_waited_for():
    pipeline = three_stages()

    drafts.remove(Stage.objects.get(name="Send"), by=builders.owner())

    assert waits(pipeline) == {"Render": [], "Judge": ["Render"]}
    assert Event.objects.get(verb="stage.delete").detail["config"] == '{"read_key": "payload"}'


def test_the_page_is_reordered_by_naming_every_stage_once():
    pipeline = three_stages()

    drafts.reorder(pipeline, ["Judge", "Render", "Send"], by=builders.owner())

    assert [stage.name for stage in Stage.objects.filter(pipeline=pipeline)] == ["Judge", "Render", "Send"]
    with pytest.raises(
        Refused, match='Name each of the pipeline\'s 3 stages once. "Rendr" is none of them. Did you mean "Render"?'
    ):
        drafts.reorder(pipeline, ["Judge", "Rendr", "Send"], by=builders.owner())


def test_a_revision_is_brought_back_into_the_draft():
    erp, archive = builders.destination("ERP"), builders.destination("Archive")
    queue = builders.queue()
    pipeline = three_stages()
    Stage.objects.filter(name="Send").update(destination=erp)
    Stage.objects.get(name="Judge").queues.add(queue)
    revision = publishing.publish(pipeline, by=builders.owner())
    drafts.remove(Stage.objects.get(name="Judge"), by=builders.owner())
    drafts.save(
        pipeline,
        StageDraft("Send", "make", "{}", destination_id=archive.pk),
        by=builders.owner(),
        stage=Stage.objects.get(name="Send"),
    )

    lost = drafts.return_to(revision, by=builders.owner())

    assert lost == []
    assert publishing.differences(pipeline) == []
    assert Stage.objects.get(name="Send").destination == erp
    assert list(Stage.objects.get(name="Judge").queues.all()) == [queue]
    assert publishing.publish(pipeline, by=builders.owner()) == revision


def test_what_is_gone_since_is_named_when_a_revision_is_brought_back():
    erp = builders.destination("ERP")
    pipeline = three_stages()
    Stage.objects.filter(name="Send").update(destination=erp)
    revision = publishing.publish(pipeline, by=builders.owner())
    Stage.objects.filter(name="Send").update(destination=None)
    erp.delete()

    lost = drafts.return_to(revision, by=builders.owner())

    assert lost == ['Stage "Send": the destination "ERP" is gone.']


def test_the_settings_of_a_pipeline_are_changed_by_name():
    pipeline = three_stages()

    drafts.set_up(pipeline, by=builders.owner(), max_tries=2)

    pipeline.refresh_from_db()
    assert pipeline.max_tries == 2
    assert Event.objects.get(verb="pipeline.change").detail == {"changed": ["max_tries"]}
    with pytest.raises(Refused, match='A pipeline has no setting "max_trys". Did you mean "max_tries"?'):
        drafts.set_up(pipeline, by=builders.owner(), max_trys=3)


def test_two_pipelines_cannot_have_one_name():
    drafts.create("ERP", by=builders.owner(), description="first")

    with pytest.raises(Refused, match='There is a pipeline called "ERP" already.'):
        drafts.create("ERP", by=builders.owner())

    assert Pipeline.objects.get().description == "first"


@pytest.mark.parametrize("role", ["viewer", "operator", "auditor"])
def test_who_may_not_changes_nothing(organization, role):
    pipeline = three_stages()
    revision = publishing.publish(pipeline, by=builders.owner())
    person = Principal("user:x", organization.pk, GRANTS[role])

    for change in (
        lambda: drafts.save(pipeline, StageDraft("New", "make"), by=person),
        lambda: drafts.remove(Stage.objects.get(name="Send"), by=person),
        lambda: drafts.reorder(pipeline, ["Judge", "Render", "Send"], by=person),
        lambda: drafts.return_to(revision, by=person),
        lambda: drafts.create("New", by=person),
        lambda: drafts.set_up(pipeline, by=person, max_tries=1),
    ):
        with pytest.raises(PermissionDenied):
            change()

    assert publishing.differences(pipeline) == []
