"""A deleted document's content taken away for good, what stays of it, and what a stage lets go of at deletion."""

from __future__ import annotations

import tracemalloc

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage

from accounts.policy import GRANTS, Principal
from audit.models import Event
from exports import attempts, contents, documents
from exports.models import (
    Artifact,
    Attachment,
    Attempt,
    Content,
    Delivery,
    Document,
    Exchange,
    FieldsVersion,
    FormerOriginal,
    StageRun,
)
from exports.states import Status
from pipelines import publishing
from pipelines.blobs import Blob
from pipelines.refusals import Refused
from tests import builders, desk
from tests.exports.received import PDF, put, received

pytestmark = pytest.mark.usefixtures("organization")

SECRETS = ("Jane Doe", "jane@example.org", "DE02")


def holder():
    """Where every text of an export stands, so that a test finds what was forgotten."""
    texts = []
    for model in (Document, FieldsVersion, Attempt, StageRun, Exchange, Artifact, Attachment, Delivery, Content):
        for row in model.objects.values():
            texts += [f"{model.__name__}.{name}: {value!r}" for name, value in row.items()]
    return texts


def exported():
    """A document whose every part speaks of Jane Doe, deleted."""
    document = builders.document(
        builders.queue("Invoices", pipeline=desk.pipeline()),
        {"sender_name": "Jane Doe", "iban": "DE02"},
        external_id="INV-1",
        file_name="Jane Doe.pdf",
        metadata={"mail": "jane@example.org"},
        messages=[{"type": "error", "content": "Jane Doe is blocked"}],
    )
    Document.objects.filter(pk=document.pk).update(original=_kept(b"%PDF Jane Doe", document))
    attempt = desk.attempt(document, "failed", "rejected", message="Jane Doe is blocked", stage="Send")
    run = desk.run(
        attempt, state="failed", note="Jane Doe is blocked", messages=[{"type": "error", "content": "Jane Doe"}],
        operations=[{"op": "replace", "value": "Jane Doe"}], traceback="Jane Doe", checkpoint={"a": "Jane Doe"},
        progress={"done": 1, "unit": "Jane Doe"},
    )  # fmt: skip
    desk.exchange(
        run, sent=b'{"name": "Jane Doe"}', reply=b'{"error": "Jane Doe is blocked"}', error="Jane Doe",
        reply_headers=[["X-Customer", "Jane Doe"]],
    )  # fmt: skip
    Exchange.objects.update(url="https://erp.example/invoices?mail=jane@example.org")
    artifact = desk.artifact(run, "out", b"Jane Doe;DE02")
    Artifact.objects.update(name="Jane Doe.csv")
    Attachment.own(document=document, key="out", artifact=artifact).save()
    Delivery.own(
        attempt=attempt, run=run, key="out", place="sftp://files/in/1.csv", size=13, sha256="ab", how="size compared",
        details={"owner": "Jane Doe"}, delivered_at=attempt.created_at,
    ).save(force_insert=True)  # fmt: skip
    return put(document, Status.DELETED)


def _kept(data, document):
    row = contents.keep(data, document.organization_id)
    row.save(force_insert=True)
    return row


def test_a_purge_takes_every_byte_and_every_word_and_leaves_the_proof():
    document = exported()
    before = {row.pk: (row.size, row.sha256) for row in Content.objects.all()}
    assert [text for text in holder() if any(secret in text for secret in SECRETS)] != []

    purged = documents.purge(document, by=builders.owner(), why="The supplier asked for it, ticket 88")

    assert (purged.status, purged.external_id, purged.file_name) == (Status.PURGED, "INV-1", "")
    assert [text for text in holder() if any(secret in text for secret in SECRETS)] == []
    assert {row.pk: (row.size, row.sha256) for row in Content.objects.all()} == before
    assert {(row.inline, row.purged_at is not None) for row in Content.objects.all()} == {(None, True)}
    attempt, exchange, artifact = Attempt.objects.get(), Exchange.objects.get(), Artifact.objects.get()
    assert (attempt.state, attempt.reason, attempt.stage) == ("failed", "rejected", "Send")
    assert (exchange.method, exchange.url, exchange.status) == ("POST", "https://erp.example/invoices?…", 200)
    assert (exchange.request_size, exchange.reply_size, exchange.error) == (20, 32, "Purged.")
    assert (artifact.key, artifact.size) == ("out", 13)
    assert (Delivery.objects.get().place, Attachment.objects.count()) == ("sftp://files/in/1.csv", 0)
    event = Event.objects.get(verb="document.purge")
    assert (event.why, event.detail["contents"]) == ("The supplier asked for it, ticket 88", 4)
    assert event.detail["bytes"] == sum(size for size, _ in before.values())


def test_large_bytes_leave_storage_after_the_purge_is_durable(settings, django_capture_on_commit_callbacks):
    settings.INLINE_BYTES = 10
    document = exported()
    names = list(Content.objects.exclude(stored="").values_list("stored", flat=True))
    assert len(names) == 4

    with django_capture_on_commit_callbacks(execute=True):
        documents.purge(document, by=builders.owner(), why="asked for")
        assert all(default_storage.exists(name) for name in names)

    assert not any(default_storage.exists(name) for name in names)
    assert not Content.objects.exclude(stored="").exists()


def test_what_storage_kept_back_is_erased_by_the_sweep(settings, monkeypatch, caplog):
    settings.INLINE_BYTES = 10
    document = exported()
    names = list(Content.objects.exclude(stored="").values_list("stored", flat=True))
    documents.purge(document, by=builders.owner(), why="asked for")
    real, refused = default_storage.delete, names[0]

    def away(name):
        if name == refused:
            raise ConnectionError
        real(name)

    monkeypatch.setattr(default_storage, "delete", away)
    first = contents.erase()
    monkeypatch.undo()
    second, third = contents.erase(), contents.erase()

    assert (first, second, third) == (3, 1, 0)
    assert "storage did not let go" in caplog.text
    assert not any(default_storage.exists(name) for name in names)


def test_an_original_that_was_replaced_is_purged_too():
    queue = builders.queue()
    document, _ = received(queue, original=PDF)
    received(queue, original=Blob.of(b"%PDF-1.7 the second", name="inv.pdf", media_type="application/pdf"))
    assert FormerOriginal.objects.get().content.sha256 == PDF.sha256
    documents.delete(document, by=builders.owner())

    documents.purge(document, by=builders.owner(), why="asked for")

    assert {(row.inline, row.purged_at is not None) for row in Content.objects.all()} == {(None, True)}
    assert Content.objects.count() == 2


def test_other_documents_keep_everything():
    document, other = exported(), received(original=PDF)[0]

    documents.purge(document, by=builders.owner(), why="asked for")

    other.refresh_from_db()
    assert contents.blob(other.original).read() == PDF.read()
    assert other.fields.content != []


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.DELETED, Status.PURGED}))
def test_only_what_is_deleted_is_purged(status):
    document = put(exported(), status)

    with pytest.raises(Refused, match="Delete it first"):
        documents.purge(document, by=builders.owner(), why="asked for")

    assert Content.objects.filter(purged_at=None).count() == 4


def test_a_purge_needs_a_reason_and_happens_once():
    document = exported()

    with pytest.raises(Refused, match="Say why it is purged"):
        documents.purge(document, by=builders.owner(), why=" ")
    first = documents.purge(document, by=builders.owner(), why="asked for")
    again = documents.purge(document, by=builders.owner(), why="asked for")

    assert first.purged_at == again.purged_at
    assert Event.objects.filter(verb="document.purge").count() == 1


def test_what_an_attempt_works_on_is_neither_deleted_nor_purged():
    document = builders.attempt({"name": "Render", "kind": "template", "config": desk.TEMPLATE}).document

    with pytest.raises(Refused, match="is exporting"):
        documents.delete(document, by=builders.owner())
    put(document, Status.DELETED)
    with pytest.raises(Refused, match="An attempt of it is under way"):
        documents.purge(document, by=builders.owner(), why="asked for")


@pytest.mark.parametrize("role", ["viewer", "operator", "integrator", "auditor"])
def test_only_an_owner_purges(organization, role):
    document = exported()

    with pytest.raises(PermissionDenied, match=r"exports\.purge_document"):
        documents.purge(document, by=Principal("user:x", organization.pk, GRANTS[role]), why="asked for")

    assert "exports.purge_document" in GRANTS["owner"]
    assert Document.objects.get().status == Status.DELETED


def test_what_is_purged_goes_nowhere_any_more():
    document = exported()
    documents.purge(document, by=builders.owner(), why="asked for")

    for verb in (documents.restore, documents.send_back, documents.delete, documents.postpone):
        with pytest.raises(Refused):
            verb(document, by=builders.owner())
    with pytest.raises(Refused):
        attempts.requeue(Attempt.objects.get(), by=builders.owner(), why="again")
    with pytest.raises(Refused, match='"INV-1" was purged, and its external id stays taken'):
        received(document.queue)

    document.refresh_from_db()
    assert document.status == Status.PURGED


def test_a_deleted_document_is_restored_with_all_that_it_had():
    document, _ = received(original=PDF)
    documents.delete(document, by=builders.owner(), why="duplicate")
    assert Document.objects.get().deleted_at is not None

    restored = documents.restore(document, by=builders.owner(), why="it was none")

    assert (restored.status, restored.deleted_at) == (Status.TO_REVIEW, None)
    assert contents.blob(restored.original).read() == PDF.read()
    assert list(Event.objects.filter(why="it was none").values_list("verb", flat=True)) == ["document.restore"]


def test_a_purge_reads_no_bytes():
    document = exported()
    run = StageRun.objects.get()
    for number in range(40):
        desk.artifact(run, f"large-{number}", number.to_bytes(2) * 20_000)

    tracemalloc.start()
    documents.purge(document, by=builders.owner(), why="asked for")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert Content.objects.filter(purged_at=None).count() == 0
    assert peak < 1_000_000  # of 1.6 MB that it erased


# What a purge stage does as the document is deleted (docs/stages/purge.md)


def with_purge_stage(**config):
    pipeline = builders.pipeline(
        {"name": "Clean", "kind": "purge", "config": config},
        {"name": "Render", "kind": "template", "config": desk.TEMPLATE},
    )
    publishing.publish(pipeline, by=builders.owner())
    document = builders.document(builders.queue(pipeline=pipeline))
    run = desk.run(desk.attempt(document, "succeeded"))
    for key in ("out", "reply_body"):
        Attachment.own(document=document, key=key, artifact=desk.artifact(run, key, b"x")).save()
    return document


@pytest.mark.parametrize(
    ("config", "left"),
    [
        ({}, ["out", "reply_body"]),
        ({"on_delete": True}, []),
        ({"on_delete": True, "prefix": "reply_"}, ["out"]),
    ],
    ids=["without", "everything", "some"],
)
def test_a_purge_stage_detaches_at_deletion_where_it_says_so(config, left):
    document = with_purge_stage(**config)

    documents.delete(document, by=builders.owner(), why="duplicate")

    assert sorted(Attachment.objects.values_list("key", flat=True)) == left
    assert Artifact.objects.count() == 2
    told = [event.detail["keys"] for event in Event.objects.filter(verb="document.detach")]
    assert told == ([sorted({"out", "reply_body"} - set(left))] if len(left) < 2 else [])


def test_deleting_twice_detaches_once():
    document = with_purge_stage(on_delete=True)

    documents.delete(document, by=builders.owner())
    documents.delete(document, by=builders.owner())

    assert Event.objects.filter(verb="document.detach").count() == 1
