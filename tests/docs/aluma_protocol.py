"""What the examples of docs/protocols/aluma.md find: a robot's credentials, and two documents that wait for it."""

from __future__ import annotations

import time

from tests.docs.worlds import Found, world


@world("protocols/aluma.md")
def two_tasks(given: dict[str, str]) -> Found:
    from exports import attempts, contents
    from exports.models import ClientTask, Document
    from pipelines import publishing
    from tests import builders
    from tests.exports.api import world as worlds

    files = [
        {"type": "annotation_content", "format": "csv", "filename_template": "{number}.csv"},
        {"type": "document", "path_to_directory": "scans", "filename_template": "{number}"},
    ]
    pipeline = builders.pipeline(
        {"name": "Hand out", "kind": "client_action", "config": {"files": files}}, name="Goods-in"
    )
    publishing.publish(pipeline, by=builders.owner())
    pipeline.refresh_from_db()
    queue = builders.queue("Deliveries", pipeline=pipeline)
    for number in (41, 42):
        scan = {"file_name": f"delivery-{number}.pdf", "media_type": "application/pdf"}
        document = builders.document(queue, {"number": f"INV-{number}"}, **scan)
        content = contents.keep(b"%PDF-1.7 a scan", document.organization_id)
        content.save(force_insert=True)
        Document.objects.filter(pk=document.pk).update(original=content)
        document.refresh_from_db()
        attempts.start(document, by=builders.owner())
        _wait_for(ClientTask, number - 40)
    key = worlds.caller("operator").key
    return Found({"ALUMA": f"{given['WAYBILL_URL']}/aluma", "CLIENT_ID": key.split("_")[1], "CLIENT_SECRET": key})


def _wait_for(model: object, number: int) -> None:
    """Until the worker beside us has parked so many attempts."""
    until = time.monotonic() + 60
    while model.objects.count() < number:  # type: ignore[attr-defined]
        assert time.monotonic() < until, "no worker parked the attempt"
        time.sleep(0.2)
