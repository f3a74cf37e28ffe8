"""A draft played for a document: its files, its requests with secrets by name, and nothing sent or kept."""

from __future__ import annotations

import html
import json

import pytest

from exports import comparison, rehearsal
from exports.admin import outputs
from exports.comparison import Comparison, Verdict
from exports.models import Artifact, Attachment, Attempt, Content, Exchange
from exports.received import Files
from exports.rehearsal import Known
from pipelines import completions, publishing
from pipelines.blobs import Blob
from pipelines.contract import Received
from pipelines.models import Pipeline, Stage
from tests import builders, desk, editing


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices")


@pytest.fixture
def pipeline(queue):
    return editing.pipeline(queue)


def play(pipeline, document, upto=""):
    drafts = publishing.drafts(pipeline)
    played = rehearsal.play(
        drafts, document, pipeline=pipeline, known=Known.of(pipeline, drafts), only_up_to=upto
    )  # fmt: skip
    return {one.stage: one for one in played}


def compared(pipeline, document):
    return Comparison(Pipeline.objects.get(pk=pipeline.pk)).of(document)


def test_a_template_is_rendered_from_the_documents_fields(pipeline, queue):
    played = play(pipeline, editing.document(queue, "INV-7"), "Render")

    text = played["Render"].files["payload"].read().decode()
    assert "<Number>INV-7</Number>" in text
    assert "<Line>Paper</Line>" in text
    assert list(played) == ["Clean", "Render"]


def test_a_request_is_shown_with_secrets_by_name_and_never_by_value(pipeline, queue):
    sent = play(pipeline, editing.document(queue, "INV-7"))["Send"]

    told = "\n".join(f"{output.title}\n{output.text}" for output in outputs.of_stage(sent, ["token"]))
    assert "POST https://erp.example/invoices?key=<secret:token>" in told
    assert "Authorization: Bearer <secret:token>" in told
    assert "<Number>INV-7</Number>" in told
    assert editing.SECRET not in told + comparison.text_of([sent])


def test_files_that_came_with_the_document_are_shown_where_they_would_go(queue):
    document = editing.document(queue)
    file = Received("received.1.1", "scans", Blob.of(b"%PDF", name="7.pdf"))
    with Files([file], document.organization_id) as kept:
        kept.attach(document)
    rule = {"path_to_directory": "in", "export_object_configurations": [{"type": "received_files"}]}
    store = {"type": "sftp", "host": "files.example", "username": "waybill", "host_key": "SHA256:x"}
    put = {"name": "Put", "kind": "file_storage", "config": {"credentials": store, "export_rules": [rule]}}

    (one,) = play(builders.pipeline(put), document)["Put"].puts

    assert (one.place, one.blob.read()) == ("sftp://files.example:22/in/scans/7.pdf", b"%PDF")


def test_nothing_is_sent_and_nothing_is_kept(pipeline, queue):
    document = editing.document(queue)
    editing.answered(document)
    before = [model.objects.count() for model in (Artifact, Attachment, Attempt, Content, Exchange)]

    play(pipeline, document)
    compared(pipeline, document)

    after = [model.objects.count() for model in (Artifact, Attachment, Attempt, Content, Exchange)]
    document.refresh_from_db()
    assert after == before
    assert document.fields.number == 1


def test_the_last_real_reply_stands_in_for_the_answer(pipeline, queue):
    document = editing.document(queue)
    editing.answered(document, 500)
    desk_attempt = Attempt.objects.get()
    desk.artifact(desk.run(desk_attempt, "Again"), "reply", b'{"status_code": 201}', "application/json")

    played = play(pipeline, document)

    assert played["Send"].replies == ["reply"]
    assert played["Read"].changes == [("api_status", "", "201")]
    assert played["Judge"].messages == []


def test_what_needs_a_reply_that_never_came_is_not_judged(pipeline, queue):
    played = play(pipeline, editing.document(queue))

    assert played["Read"].unanswered == "Send"
    assert played["Judge"].unanswered == "Send"
    assert played["Judge"].messages == ()


def test_what_comes_after_a_failed_stage_does_not_run(pipeline, queue):
    editing.change(pipeline, "Render", "field.document_id", "field.document_id + 1")

    played = play(pipeline, editing.document(queue))

    assert "A text and a number meet here" in played["Render"].error.message
    assert played["Render"].error.place.endswith("line 2")
    assert played["Send"].blocked_by == "Render"
    assert played["Send"].request is None


def test_a_hostile_template_ends_at_its_limit_with_its_line(pipeline, queue):
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    editing.change(pipeline, "Render", "<Number>{{ field.document_id }}</Number>", loops)

    error = play(pipeline, editing.document(queue), "Render")["Render"].error

    assert error.reason == "misconfigured"
    assert "line 2" in error.place


def test_files_are_told_with_the_place_where_they_would_be_put(organization, queue):
    credentials = {"type": "sftp", "host": "files.example", "username": "waybill", "base": "/in"}
    there = builders.destination("Files", credentials=credentials)
    config = {
        "export_rules": [
            {
                "path_to_directory": "{document_id}",
                "export_object_configurations": [
                    {"type": "annotation_content", "format": "json", "filename_template": "a.json"}
                ],
            }
        ]
    }
    pipeline = builders.pipeline({"name": "Put", "kind": "file_storage", "config": config, "destination": there})

    put = play(pipeline, editing.document(queue, "INV-7"))["Put"]

    assert put.error is None
    assert [one.place for one in put.puts] == ["sftp://files.example:22/in/INV-7/a.json"]
    assert b"INV-7" in put.puts[0].blob.read()


def test_a_token_is_not_fetched_for_a_rehearsal(organization, queue):
    config = {
        "request": {"url": "https://erp.example/a", "content": "x"},
        "auth": {"url": "https://login.example/token", "data": {"grant_type": "client_credentials"}},
    }
    pipeline = builders.pipeline({"name": "Send", "kind": "rest_api", "config": config})

    sent = play(pipeline, editing.document(queue))["Send"]

    assert sent.error is None
    assert sent.request.url == "https://erp.example/a"
    assert sent.request.headers["Authorization"] == "Bearer <secret:access_token>"


def test_a_secret_that_is_not_there_is_named(pipeline, queue):
    editing.change(pipeline, "Send", "{secret.token}", "{secret.tokn}")

    error = play(pipeline, editing.document(queue), "Send")["Send"].error

    assert 'There is no secret "tokn"' in error.message


def test_a_stage_of_another_queue_is_left_out(pipeline, queue):
    other = builders.queue("Other")
    pipeline.stages.get(name="Judge").queues.set([other])

    assert "Judge" not in play(pipeline, editing.document(queue))


@pytest.mark.parametrize(
    ("stage", "old", "new", "verdict"),
    [
        ("Render", '"payload"', '"payload" ', Verdict.SAME),
        ("Render", "Invoice>", "Bill>", Verdict.CHANGED),
        ("Render", "field.document_id", "field.document_id + 1", Verdict.NOW_FAILS),
        ("Judge", "'201'", "'202'", Verdict.NOW_FAILS),
    ],
)
def test_a_document_fares_so_under_the_draft(pipeline, queue, stage, old, new, verdict):
    document = editing.document(queue)
    editing.answered(document)
    editing.change(pipeline, stage, old, new)

    assert compared(pipeline, document).verdict == verdict


def test_a_document_that_failed_and_now_works(pipeline, queue):
    document = editing.document(queue)
    editing.answered(document, 202)
    editing.change(pipeline, "Judge", "'201'", "'201', '202'")

    found = compared(pipeline, document)

    assert found.verdict == Verdict.NOW_WORKS
    assert "api_status" in found.message


def test_a_document_that_fails_either_way(pipeline, queue):
    document = editing.document(queue)
    editing.answered(document, 500)
    editing.change(pipeline, "Render", "Invoice>", "Bill>")

    found = compared(pipeline, document)

    assert found.verdict == Verdict.STILL_FAILS
    assert "Bill>" in found.after
    assert "Bill>" not in found.before


def test_a_draft_that_cannot_be_read_fails_and_says_where(pipeline, queue):
    Stage.objects.filter(pk=pipeline.stages.get(name="Render").pk).update(config='{"export_configs": [')
    document = editing.document(queue)
    editing.answered(document)

    found = compared(pipeline, document)

    assert found.verdict == Verdict.NOW_FAILS
    assert found.message.startswith("Render: config.export_configs: line 1")


def test_the_names_offered_below_payload_are_those_that_it_has(pipeline, queue):
    editing.change(pipeline, "Render", "{{ field.document_id }}", "{{ payload | tojson }}")

    text = play(pipeline, editing.document(queue), "Render")["Render"].files["payload"].read().decode()
    built = json.loads(html.unescape(text.partition("<Number>")[2].partition("</Number>")[0]))

    names = {key: sorted(value) if key in {"annotation", "document", "queue"} else [] for key, value in built.items()}
    assert names == {key: sorted(inner) for key, inner in completions.PAYLOAD.items()}
