"""Documents that were received, for the tests of what happens to them on their way in and afterwards."""

from __future__ import annotations

from exports import documents
from exports.models import Document
from pipelines import publishing
from pipelines.blobs import Blob
from tests import builders

PDF = Blob.of(b"%PDF-1.7 original", name="inv.pdf", media_type="application/pdf")


def exporting_queue(**values):
    """A queue whose pipeline is published."""
    pipeline = builders.pipeline({"name": "Send", "kind": "send"})
    publishing.publish(pipeline, by=builders.owner())
    return builders.queue(pipeline=pipeline, **values)


def received(queue=None, **values):
    given = {"external_id": "INV-1", "fields": {"amount_total": "12.50", "lines": [{"qty": "1"}]}, **values}
    return documents.receive(queue or builders.queue(), by=builders.owner(), **given)


def put(document, status):
    Document.objects.filter(pk=document.pk).update(status=status)
    document.refresh_from_db()
    return document
