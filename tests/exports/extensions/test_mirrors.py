"""What a call becomes here, without a network: its queue, its document with its files, its pipeline, its attempt."""

from __future__ import annotations

import pytest
from django.utils import timezone

from exports import cases, documents, loop
from exports.extensions import answers, calls, hooks, mirrors, trees
from exports.extensions.mirrors import Came
from exports.models import Attachment, ExtensionCall
from exports.payloads import build
from exports.states import State
from exports.wire.rossum import hookpayload
from pipelines import rossumaccounts, vault
from pipelines.blobs import Blob
from pipelines.models import Pipeline, Queue, Revision, RossumAccount, Schema
from pipelines.publishing import NotPublishable
from pipelines.refusals import Refused
from tests import builders
from tests.pipelines.rossumimport import organization as acme

BASE = "https://acme.rossum.app"
JUDGE = {"condition": "r.field.vendor == ''"}
_numbers = iter(range(1, 1000))


@pytest.fixture
def account(organization):
    row = RossumAccount.own(name="Acme", base_urls=[BASE])
    return rossumaccounts.save(row, by=builders.owner(), secrets=["the-signing-secret"])


def call(settings, *, extension="export-evaluator", vendor="Acme", hook=620, **changes):
    point = {"id": "5002", "category": "datapoint", "schema_id": "vendor", "content": {"value": vendor}}
    return hookpayload.read(extension, {
        "request_id": f"request-{next(_numbers)}", "timestamp": timezone.now().isoformat(), "base_url": BASE,
        "rossum_authorization_token": "short-lived-token", "hook": f"{BASE}/api/v1/hooks/{hook}",
        "settings": settings, "event": "annotation_content", "action": "export",
        "document": {"id": 88001, "original_file_name": "inv.pdf", "mime_type": "application/pdf"},
        "annotation": {
            "id": 70110, "queue": f"{BASE}/api/v1/queues/205", "schema": f"{BASE}/api/v1/schemas/301", "automated": True,
            "content": [{"id": 5001, "category": "section", "schema_id": "header", "children": [point]}],
        },
        **changes,
    }, timezone.now())  # fmt: skip


def started(account, one, files=None, sections=None):
    """The attempt of a call, driven to its end, and what the call is answered."""
    ready = hooks.prepare(account, one, by=builders.owner())
    row, _ = calls.take(account, one)
    came = Came(trees.fields_of(one), trees.schema_of(sections), dict(files or {}))
    begun = mirrors.start(row, account, one, ready, came, by=builders.owner())
    attempt = loop.run_now(begun.attempt.pk)
    reply = answers.of(attempt, ready.step.name, trees.fields_of(one), adopted=begun.adopted)
    row.refresh_from_db()
    calls.finish(row, reply, holder=row.holder)
    return attempt, reply


def test_a_queue_is_made_for_rossums_queue_with_its_schema_but_without_its_formulas(account):
    sections = acme.schema(vendor="import os\nos.getcwd()")["content"]

    attempt, _ = started(account, call(JUDGE), sections=sections)

    queue = Queue.objects.get()
    assert (queue.name, queue.metadata) == ("Rossum queue 205", {"rossum_queue": f"{BASE}/api/v1/queues/205"})
    assert [node["id"] for node in queue.schema.content[0]["children"]][:2] == ["document_id", "vendor"]
    assert all("formula" not in node for node in queue.schema.content[0]["children"])
    assert attempt.document.queue == queue


def test_documents_land_in_the_queue_that_the_account_names_and_nothing_else_exports_them(account):
    other = builders.pipeline({"name": "Own", "kind": "purge", "config": {}})
    account.queue = builders.queue("Ours", pipeline=other, use_confirmed_state=False)
    account.save()

    attempt, _ = started(account, call(JUDGE), sections=acme.schema()["content"])

    assert attempt.document.queue.name == "Ours"
    assert attempt.document.attempts.count() == 1
    assert not Schema.objects.exists()


def test_the_document_stands_for_the_annotation_at_the_hook_with_rossums_own_ids(account):
    attempt, reply = started(account, call(JUDGE))

    document = attempt.document
    assert document.external_id == "acme.rossum.app/api/v1/annotations/70110/hooks/620"
    assert document.metadata["rossum"]["annotation"] == f"{BASE}/api/v1/annotations/70110"
    assert document.automated
    assert document.fields.content[0]["children"][0]["id"] == 5002
    assert (attempt.state, reply) == (State.SUCCEEDED, {"messages": []})


def test_templates_and_names_see_rossums_payload_without_token_and_secrets(account):
    settings = acme.template()
    one = call(settings, extension="custom-format-templating", secrets={"password": "hush-hush"})
    attempt, _ = started(account, one)

    case = cases.of_ended(attempt)
    seen = build(case, case.fields)

    assert (case.facts.id, seen["annotation"]["id"], seen["document"]["id"]) == (70110, 70110, 88001)
    assert seen["annotation"]["content"][0]["children"][0]["schema_id"] == "vendor"
    assert not {"secrets", "rossum_authorization_token"} & set(seen)
    assert "hush-hush" not in repr(seen)


def test_secrets_of_the_payload_are_sealed_at_the_hooks_pipeline_and_changed_there(account, organization):
    for value in ("hush-hush-1", "hush-hush-1", "hush-hush-2"):
        hooks.prepare(
            account, call(JUDGE, secrets={"token": value, "type": "sftp", "no name": "x"}), by=builders.owner()
        )

    pipeline = Pipeline.objects.get()
    known = vault.secrets_for(organization.pk, destination_id=None, pipeline_id=pipeline.pk)
    assert known == {"token": "hush-hush-2"}


def test_settings_are_published_once_each_and_wrong_ones_never(account):
    for settings in (JUDGE, {"condition": "1 == 2"}, JUDGE):
        hooks.prepare(account, call(settings), by=builders.owner())
    with pytest.raises(NotPublishable) as refused:
        hooks.prepare(account, call({"condition": "__import__('os')", "x": 1}), by=builders.owner())

    assert Pipeline.objects.get().name == "Evaluator (hook 620 of Acme)"
    assert Revision.objects.count() == 2
    assert {text.partition(": ")[0] for text in hooks.told(refused.value)} == {"settings.condition", "settings.x"}


def test_files_that_rossum_has_no_more_are_let_go_of(account):
    settings = {
        "extract": [
            {
                "format": "json",
                "source_reference_key": "headers",
                "extract_rules": [{"value_path": "@", "target_schema_id": "vendor"}],
            }
        ]
    }
    here = {"headers": Blob.of(b'"from the ERP"', name="h.json", media_type="application/json")}

    first, reply = started(account, call(settings, extension="data-value-extractor"), here)
    second, _ = started(account, call(settings, extension="data-value-extractor"), {"headers": None})

    assert reply["operations"] == [{"op": "replace", "id": 5002, "value": {"content": {"value": "from the ERP"}}}]
    assert first.document == second.document
    assert list(Attachment.objects.values_list("key", flat=True)) == [hookpayload.KEPT_AS]


def test_an_export_with_other_fields_waits_for_the_one_that_is_under_way(account):
    one = call(JUDGE)
    ready = hooks.prepare(account, one, by=builders.owner())
    row, _ = calls.take(account, one)
    mirrors.start(row, account, one, ready, Came(trees.fields_of(one), []), by=builders.owner())

    same, other = call(JUDGE), call(JUDGE, vendor="Another")
    again, _ = calls.take(account, same)
    adopted = mirrors.start(again, account, same, ready, Came(trees.fields_of(same), []), by=builders.owner())
    late, _ = calls.take(account, other)
    with pytest.raises(Refused, match="is under way in Waybill, with other fields"):
        mirrors.start(late, account, other, ready, Came(trees.fields_of(other), []), by=builders.owner())

    assert adopted.adopted
    assert ExtensionCall.objects.exclude(attempt=None).count() == 2
    assert adopted.attempt.document.attempts.count() == 1


def test_the_same_request_is_one_call_and_another_one_of_its_id_is_refused(account):
    one = call(JUDGE, request_id="the-same")
    row, new = calls.take(account, one)
    again, newer = calls.take(account, one)

    assert (new, newer, row.pk) == (True, False, again.pk)
    with pytest.raises(calls.OtherCallError):
        calls.take(account, call({"condition": "1 == 1"}, request_id="the-same"))


def test_a_purge_takes_what_was_answered_too(account):
    attempt, reply = started(account, call({**JUDGE, "message": "@{vendor} is no vendor."}, vendor=""))
    document = documents.delete(attempt.document, by=builders.owner())

    documents.purge(document, by=builders.owner(), why="Purged at Rossum.")

    assert reply["messages"][0]["content"] == " is no vendor."
    assert ExtensionCall.objects.get().reply == {"messages": []}
