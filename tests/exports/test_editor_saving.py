"""Two people at one stage: who is told what, what is kept, and the way back of one stage."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Presence
from audit.models import Event
from pipelines import drafts, publishing
from pipelines.models import Pipeline
from tests import builders, editing


@pytest.fixture
def pipeline(organization):
    return editing.pipeline(builders.queue("Invoices"))


@pytest.fixture
def integrator(organization):
    return signed_in(organization, "integrator")


def signed_in(organization, role):
    client = Client()
    client.force_login(builders.user(role=role, organization=organization))
    return client


def stage_page(stage):
    return reverse("admin:pipelines_pipeline_stage", args=[stage.pipeline_id, stage.pk])


def filled(stage, **changed):
    """What the stage's form sends."""
    return {
        "version": stage.pipeline.version, "seen": drafts.fingerprint(stage), "base": stage.config, "stage": stage.pk,
        "name": stage.name, "kind": stage.kind, "run_after": stage.run_after, "config": stage.config,
        "active": "on", "position": stage.position, **changed,
    }  # fmt: skip


def test_two_who_have_a_stage_open_are_told_of_each_other(organization, pipeline):
    stage = pipeline.stages.get(name="Render")
    anna, ben = signed_in(organization, "integrator"), Client()
    ben.force_login(
        builders.user("ben", role="integrator", organization=organization, first_name="Ben", last_name="B.")
    )
    address = reverse("admin:pipelines_pipeline_stage_here", args=[pipeline.pk, stage.pk])

    ben.post(address, {"window": "window-of-ben"})
    told = anna.post(address, {"window": "window-of-anna", "seen": drafts.fingerprint(stage)}).json()
    left = ben.post(address, {"window": "window-of-ben", "gone": "yes"})
    alone = anna.post(address, {"window": "window-of-anna"}).json()

    assert [(other["name"], other["own"]) for other in told["others"]] == [("Ben B.", False)]
    assert told["changed"] is False
    assert left.status_code == 204
    assert alone["others"] == []
    assert Presence.objects.count() == 1


def test_ones_own_second_window_is_told_too(pipeline, integrator):
    stage = pipeline.stages.get(name="Render")
    address = reverse("admin:pipelines_pipeline_stage_here", args=[pipeline.pk, stage.pk])
    integrator.post(address, {"window": "first-window"})

    editing.change(pipeline, "Render", "Invoice>", "Bill>")
    told = integrator.post(address, {"window": "second-window", "seen": drafts.fingerprint(stage)}).json()

    assert [other["own"] for other in told["others"]] == [True]
    assert told["changed"] is True


def test_who_saves_second_sees_both_texts_and_loses_neither(pipeline, integrator):
    stage = pipeline.stages.get(name="Render")
    sent = filled(stage, config=stage.config.replace("Invoice>", "Bill>"))
    theirs = next(one for one in publishing.drafts(pipeline) if one.name == "Render")
    drafts.save(pipeline, replace(theirs, config=stage.config + "\n"), by=builders.owner(), stage=stage)

    answer = integrator.post(stage_page(stage), sent)

    conflict = answer.context["conflict"]
    stage.refresh_from_db()
    assert stage.config.endswith("}\n")
    assert "Bill>" not in stage.config
    assert conflict["conflicts"] == 0
    assert "Bill>" in conflict["texts"]["merged"]
    assert conflict["texts"]["merged"].endswith("}\n")
    assert "waybill:test" in conflict["message"]


def test_what_was_shown_may_be_overwritten_and_what_was_not_may_not(pipeline, integrator):
    stage = pipeline.stages.get(name="Render")
    mine = filled(stage, config=stage.config.replace("Invoice>", "Bill>"))
    editing.change(pipeline, "Render", "Number>", "No>")
    Pipeline.objects.filter(pk=pipeline.pk).update(version=99)
    shown = integrator.post(stage_page(stage), mine).context["conflict"]["overwrite"]
    editing.change(pipeline, "Render", "Line>", "Row>")

    again = integrator.post(stage_page(stage), {**mine, "overwrite": shown})
    done = integrator.post(stage_page(stage), {**mine, "overwrite": again.context["conflict"]["overwrite"]})

    stage.refresh_from_db()
    assert done.status_code == 302
    assert "Bill>" in stage.config
    assert "Row>" not in stage.config


def test_a_change_of_another_stage_is_no_conflict(pipeline, integrator):
    stage = pipeline.stages.get(name="Render")
    sent = filled(stage, config=stage.config.replace("Invoice>", "Bill>"))
    judge = pipeline.stages.get(name="Judge")
    integrator.post(stage_page(judge), filled(judge, config=judge.config.replace("201", "202")))

    answer = integrator.post(stage_page(stage), sent)

    stage.refresh_from_db()
    assert answer.status_code == 302
    assert "Bill>" in stage.config


def test_a_stage_returns_to_a_revision_by_one_post(pipeline, integrator):
    stage = editing.change(pipeline, "Render", "Invoice>", "Bill>")
    address = reverse("admin:pipelines_pipeline_stage_return", args=[pipeline.pk, stage.pk, 1])

    looked = integrator.get(address)
    done = integrator.post(address)

    stage.refresh_from_db()
    assert (looked.status_code, done.status_code) == (405, 302)
    assert "Bill>" not in stage.config
    assert Event.objects.filter(verb="stage.change", why="As it was in revision 1.").count() == 1
