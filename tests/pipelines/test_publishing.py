"""From a draft to a revision: who may, what is frozen, what two publishers at once get."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts.policy import GRANTS, Principal
from audit.models import Event
from pipelines import publishing
from pipelines.definition import Definition
from pipelines.models import Pipeline, Revision, Stage
from pipelines.refusals import Stale
from tests import builders
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("organization", "tiny_kinds")


def two_stages(**values):
    return builders.pipeline(
        {"name": "Render", "kind": "make", "config": {"write_key": "payload"}},
        {"name": "Send", "kind": "send", "config": {"read_key": "payload"}},
        **values,
    )


def test_publishing_freezes_the_draft():
    pipeline = two_stages(name="ERP")

    revision = publishing.publish(pipeline, by=builders.owner(), note="first")

    pipeline.refresh_from_db()
    assert pipeline.published == revision
    assert (revision.number, revision.note, revision.published_by) == (1, "first", "waybill:test")
    assert [step.name for step in Definition.load(revision.definition).steps] == ["Render", "Send"]
    event = Event.objects.get(verb="pipeline.publish")
    assert (event.subject, event.why, event.detail["number"]) == (f"pipeline:{pipeline.pk}", "first", 1)


def test_a_later_change_of_the_draft_does_not_reach_the_revision():
    pipeline = two_stages()
    revision = publishing.publish(pipeline, by=builders.owner())

    Stage.objects.filter(name="Send").update(config='{"read_key": "payload", "condition": "new"}')
    second = publishing.publish(pipeline, by=builders.owner())

    revision.refresh_from_db()
    assert Definition.load(revision.definition).step("Send").config.condition == ""
    assert Definition.load(second.definition).step("Send").config.condition == "new"
    assert (revision.number, second.number) == (1, 2)


def test_publishing_what_is_published_writes_nothing():
    pipeline = two_stages()
    first = publishing.publish(pipeline, by=builders.owner())
    Stage.objects.filter(name="Send").update(config='{\n    "read_key": "payload"\n}')

    again = publishing.publish(pipeline, by=builders.owner(), note="only spaces")

    assert again == first
    assert Revision.objects.count() == 1
    assert Event.objects.filter(verb="pipeline.publish").count() == 1


def test_a_draft_with_errors_is_refused_with_all_of_them():
    pipeline = builders.pipeline(
        {"name": "Send", "kind": "send", "config": {"read_key": "payload"}},
        {"name": "Other", "kind": "snd"},
    )

    with pytest.raises(publishing.NotPublishable) as refused:
        publishing.publish(pipeline, by=builders.owner())

    assert str(refused.value) == (
        "The pipeline cannot be published. Send, config.read_key, line 1: "
        'Nothing before this stage writes "payload". And 1 more.'
    )
    assert [problem.stage for problem in refused.value.problems] == ["Send", "Other"]
    assert not Revision.objects.exists()


def test_a_warning_does_not_block():
    pipeline = builders.pipeline({"name": "Judge", "kind": "evaluate"})

    revision = publishing.publish(pipeline, by=builders.owner())

    assert [problem.severity for problem in publishing.check(pipeline)] == ["warning"]
    assert revision.number == 1


def test_an_operator_may_not_publish(organization):
    pipeline = two_stages()
    operator = Principal("user:anna", organization.pk, GRANTS["operator"])

    with pytest.raises(PermissionDenied):
        publishing.publish(pipeline, by=operator)

    assert not Revision.objects.exists()


def test_of_two_publishers_one_reads_again(monkeypatch):
    pipeline = two_stages()

    def meanwhile(*arguments, **options):
        Pipeline.objects.filter(pk=pipeline.pk).update(version=pipeline.version + 1)
        return []

    monkeypatch.setattr(publishing.graph, "check", meanwhile)  # the other one publishes while this one checks

    with pytest.raises(Stale, match="was changed while you published it"):
        publishing.publish(pipeline, by=builders.owner())

    assert not Revision.objects.exists()
    assert not Event.objects.filter(verb="pipeline.publish").exists()


def test_the_differences_name_stage_and_what_changed():
    erp = builders.destination("ERP")
    pipeline = two_stages()
    publishing.publish(pipeline, by=builders.owner())
    Stage.objects.filter(name="Send").update(
        config='{"read_key": "payload", "condition": "x"}', active=False, destination=erp
    )
    Stage.objects.filter(name="Render").update(name="Print", config='{ "write_key": "payload" }')
    Pipeline.objects.filter(pk=pipeline.pk).update(max_tries=2)
    pipeline.refresh_from_db()

    found = [(one.stage, one.what, one.path, one.old, one.new) for one in publishing.differences(pipeline)]

    assert found == [
        ("", "changed", "max_tries", "6", "2"),
        ("Print", "added", "", "", '{ "write_key": "payload" }'),
        ("Send", "changed", "config", '{"read_key": "payload"}', '{"read_key": "payload", "condition": "x"}'),
        ("Send", "changed", "active", "yes", "no"),
        ("Send", "changed", "destination", "", "ERP"),
        ("Render", "removed", "", '{"write_key": "payload"}', ""),
    ]


def test_a_published_draft_has_no_differences():
    pipeline = two_stages()
    publishing.publish(pipeline, by=builders.owner())

    assert publishing.differences(pipeline) == []


def test_a_stage_in_the_editor_is_checked_amid_the_others():
    pipeline = two_stages()
    edited = publishing.StageDraft("Send", "send", '{"read_key": "paylod"}', ("Render",))

    problems = publishing.check_config(pipeline, edited)

    assert [str(problem) for problem in problems] == [
        'Send, config.read_key, line 1: Nothing before this stage writes "paylod". Did you mean "payload"?'
    ]


def test_another_organization_publishes_nothing(organization):
    pipeline = two_stages()
    stranger = Principal.system("test", builders.organization("Other").pk)

    with pytest.raises(PermissionDenied):
        publishing.publish(pipeline, by=stranger)
