"""What the editor's pages ask the server: who may, what of whose, how many queries, and that nothing is changed by it."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import scope
from exports.admin import preview
from pipelines import drafts, publishing
from pipelines.models import Pipeline, Stage
from tests import builders, editing


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices")


@pytest.fixture
def pipeline(queue):
    return editing.pipeline(queue)


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


def preview_of(client, stage, **given):
    address = reverse("admin:exports_document_preview", args=[stage.pipeline_id, stage.pk])
    return client.post(address, filled(stage, **given))


def endpoints(pipeline, stage):
    """(method, address) of everything that the editor asks."""
    of_pipeline, of_stage = [pipeline.pk], [pipeline.pk, stage.pk]
    return [
        ("post", reverse("admin:pipelines_pipeline_check", args=of_pipeline)),
        ("get", reverse("admin:pipelines_pipeline_offers", args=of_pipeline)),
        ("post", reverse("admin:pipelines_pipeline_stage_here", args=of_stage)),
        ("get", reverse("admin:pipelines_pipeline_stage_history", args=of_stage)),
        ("get", reverse("admin:pipelines_pipeline_revisions", args=of_pipeline)),
        ("get", reverse("admin:pipelines_pipeline_differences", args=of_pipeline)),
        ("post", reverse("admin:pipelines_pipeline_stage_return", args=[*of_stage, 1])),
        ("post", reverse("admin:exports_document_preview", args=of_stage)),
        ("get", reverse("admin:exports_document_choices", args=of_pipeline)),
        ("post", reverse("admin:exports_document_comparison", args=of_pipeline)),
    ]


def test_another_organizations_pipeline_is_nowhere(pipeline):
    stage = pipeline.stages.get(name="Render")
    strangers = signed_in(builders.organization("Umbrella"), "owner")

    answers = [(address, getattr(strangers, method)(address)) for method, address in endpoints(pipeline, stage)]

    assert [(address, answer.status_code) for address, answer in answers if answer.status_code != 404] == []


def test_who_is_not_signed_in_is_sent_to_the_door(pipeline):
    stage = pipeline.stages.get(name="Render")

    answers = [getattr(Client(), method)(address) for method, address in endpoints(pipeline, stage)]

    assert {answer.status_code for answer in answers} == {302}


def test_a_viewer_sees_outputs_and_changes_nothing(organization, pipeline, queue):
    editing.document(queue, "INV-7")
    stage = pipeline.stages.get(name="Render")
    viewer = signed_in(organization, "viewer")

    seen = preview_of(viewer, stage)
    offers = viewer.get(reverse("admin:pipelines_pipeline_offers", args=[pipeline.pk]), {"stage": stage.pk}).json()
    refused = viewer.post(reverse("admin:pipelines_pipeline_stage_return", args=[pipeline.pk, stage.pk, 1]))

    assert "INV-7" in seen.json()["html"]
    assert offers["secrets"] == []
    assert refused.status_code == 403


def test_a_document_of_another_organization_is_never_rendered(pipeline, queue, integrator):
    with scope.to(builders.organization("Umbrella").pk):
        builders.document(builders.queue("Theirs"), {"document_id": "SECRET-1"}, external_id="SECRET-1")
    stage = pipeline.stages.get(name="Render")

    answer = preview_of(integrator, stage, document="SECRET-1").json()
    listed = integrator.get(reverse("admin:exports_document_choices", args=[pipeline.pk]), {"q": "SECRET"}).json()

    assert "No document has the external id SECRET-1." in answer["html"]
    assert listed == {"documents": []}


def test_an_error_is_marked_on_its_line_of_the_config_and_of_the_template(pipeline, queue, integrator):
    editing.document(queue)
    stage = pipeline.stages.get(name="Render")
    wrong = stage.config.replace("field.document_id", "field.document_id + 1")

    marks = preview_of(integrator, stage, config=wrong).json()["marks"]

    line = next(number for number, text in enumerate(wrong.split("\n"), 1) if "+ 1" in text)
    assert [(mark["path"], mark["line"], mark["inner"], mark["severity"]) for mark in marks] == [
        ("config.export_configs[0].file_content_template_multiline", line, 2, "error")
    ]


def test_a_template_that_cannot_be_compiled_is_marked_by_the_check(pipeline, integrator):
    stage = pipeline.stages.get(name="Render")
    wrong = stage.config.replace("{% endfor %}", "{% endif %}")

    address = reverse("admin:pipelines_pipeline_check", args=[pipeline.pk])
    problems = integrator.post(address, filled(stage, config=wrong)).json()["problems"]

    assert [(problem["inner"], problem["severity"]) for problem in problems] == [(3, "error")]


def test_a_hostile_template_is_answered_with_its_error(pipeline, queue, integrator):
    editing.document(queue)
    stage = pipeline.stages.get(name="Render")
    huge = "{{ 'x' * 999999999 }}"

    answer = preview_of(integrator, stage, config=stage.config.replace("{{ field.document_id }}", huge))

    assert answer.status_code == 200
    assert answer.json()["marks"][0]["inner"] == 2
    assert "Traceback" not in answer.json()["html"]


@pytest.mark.parametrize("config", ["", "{", "[]", '"x"', "{}", '{"export_configs": 5}', "{" * 500])
def test_a_config_of_anything_is_answered(pipeline, queue, integrator, config):
    editing.document(queue)
    stage = pipeline.stages.get(name="Render")
    check = reverse("admin:pipelines_pipeline_check", args=[pipeline.pk])

    answers = [preview_of(integrator, stage, config=config), integrator.post(check, filled(stage, config=config))]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_preview_that_finds_no_place_says_so_and_renders_nothing(pipeline, queue, integrator, monkeypatch):
    editing.document(queue)
    stage = pipeline.stages.get(name="Render")
    monkeypatch.setattr(preview, "PATIENCE", 0.01)

    with preview.TURNS.turn("somebody"), preview.TURNS.turn("somebody else"):
        answer = preview_of(integrator, stage)
    after = preview_of(integrator, stage)

    assert (answer.status_code, answer.json()["html"]) == (429, "")
    assert after.status_code == 200


def test_the_newest_of_ones_previews_wins():
    with preview.TURNS.turn("me") as first:
        assert first
        with preview.TURNS.turn("me") as second:
            assert second
        with preview.TURNS.turn("you") as other:
            assert other


def test_documents_to_choose_from_are_found_by_a_word(pipeline, queue, integrator):
    for number in range(25):
        editing.document(queue, f"INV-{number}")
    address = reverse("admin:exports_document_choices", args=[pipeline.pk])

    newest = integrator.get(address).json()["documents"]
    found = integrator.get(address, {"q": "inv-1"}).json()["documents"]

    assert [one["external_id"] for one in newest[:2]] == ["INV-24", "INV-23"]
    assert len(newest) == 20
    assert {one["external_id"] for one in found} == {"INV-1", *(f"INV-{number}" for number in range(10, 20))}


def test_the_comparison_is_asked_for_in_slices(pipeline, queue, integrator, monkeypatch):
    documents = [editing.document(queue, f"INV-{number}") for number in range(3)]
    editing.change(pipeline, "Render", "Invoice>", "Bill>")
    address = reverse("admin:exports_document_comparison", args=[pipeline.pk])
    monkeypatch.setattr("exports.admin.comparing.SECONDS", 0)

    ids = integrator.post(address).json()["documents"]
    first = integrator.post(address, {"documents": ",".join(map(str, ids))}).json()
    whole = integrator.post(address, {"documents": str(ids[0]), "whole": "yes"}).json()

    assert ids == [document.pk for document in reversed(documents)]
    assert [row["verdict"] for row in first["rows"]] == ["changed"]
    assert first["left"] == ids[1:]
    assert '<div class="is-added">  &lt;Bill&gt;</div>' in whole["rows"][0]["html"]
    assert integrator.get(address).status_code == 405


def test_the_comparison_of_another_organizations_document_is_empty(pipeline, integrator):
    with scope.to(builders.organization("Umbrella").pk):
        theirs = builders.document(builders.queue("Theirs"))
    address = reverse("admin:exports_document_comparison", args=[pipeline.pk])

    assert integrator.post(address, {"documents": str(theirs.pk)}).json() == {"rows": [], "left": []}


def test_any_two_revisions_are_compared(pipeline, integrator):
    editing.change(pipeline, "Render", "Invoice>", "Bill>")
    publishing.publish(Pipeline.objects.get(pk=pipeline.pk), by=builders.owner(), note="bills")
    address = reverse("admin:pipelines_pipeline_differences", args=[pipeline.pk])

    changed = integrator.get(address, {"to": 2})
    same = integrator.get(address, {"from": 2, "to": 0})

    assert [difference["path"] for difference in changed.context["differences"]] == ["config"]
    assert "bills" in integrator.get(reverse("admin:pipelines_pipeline_revisions", args=[pipeline.pk])).content.decode()
    assert same.context["differences"] == []
    assert integrator.get(address, {"from": 7, "to": 0}).status_code == 404


@pytest.mark.parametrize("digits", ["²", "9" * 5000, str(2**63), "-1", "\0", "1e3"])
def test_digits_that_are_no_number_break_nothing(pipeline, integrator, digits):
    asked = [
        (reverse("admin:pipelines_pipeline_differences", args=[pipeline.pk]), {"from": digits, "to": digits}),
        (reverse("admin:pipelines_pipeline_revisions", args=[pipeline.pk]), {"below": digits}),
        (reverse("admin:pipelines_pipeline_offers", args=[pipeline.pk]), {"stage": digits, "kind": digits}),
        (reverse("admin:exports_document_choices", args=[pipeline.pk]), {"q": digits}),
    ]

    answers = [integrator.get(address, given).status_code for address, given in asked]
    address = reverse("admin:exports_document_comparison", args=[pipeline.pk])
    answers.append(integrator.post(address, {"documents": f"{digits},{digits}"}).status_code)

    assert [status for status in answers if status >= 500] == []


def test_no_page_of_the_editor_takes_more_queries_for_more_rows(pipeline, queue, integrator):
    for number in range(5):
        editing.answered(editing.document(queue, f"INV-{number}"))
        config = json.dumps({"condition": f"{number} > 9"})
        Stage.objects.filter(pipeline=pipeline, name="Judge").update(config=config)
        publishing.publish(Pipeline.objects.get(pk=pipeline.pk), by=builders.owner())
    stage = pipeline.stages.get(name="Render")
    asked = [
        lambda: integrator.get(stage_page(stage)),
        lambda: integrator.get(reverse("admin:pipelines_pipeline_stage_history", args=[pipeline.pk, stage.pk])),
        lambda: integrator.get(reverse("admin:pipelines_pipeline_revisions", args=[pipeline.pk])),
        lambda: integrator.get(reverse("admin:pipelines_pipeline_differences", args=[pipeline.pk])),
        lambda: integrator.get(reverse("admin:pipelines_pipeline_offers", args=[pipeline.pk]), {"stage": stage.pk}),
        lambda: integrator.get(reverse("admin:exports_document_choices", args=[pipeline.pk])),
        lambda: preview_of(integrator, stage),
    ]
    asked[0]()

    counts = []
    for ask in asked:
        with CaptureQueriesContext(connection) as queries:
            assert ask().status_code == 200
        counts.append(len(queries))

    assert max(counts) <= 20, counts
