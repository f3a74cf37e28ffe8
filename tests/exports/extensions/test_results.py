"""What a call's outcome is told as: refusals, unknown outcomes, slow systems, and results told later than they came."""

from __future__ import annotations

import threading
import time

import requests

from demo.processes import free_port
from tests.exports.extensions.test_calls import TEMPLATE, send
from tests.exports.extensions.world import kinds
from tests.servers import http, sftp

RESOLVER = {"error": [400, 422, 500], "warning": [202]}


def ready(world, **values):
    """An annotation whose file an earlier hook has written."""
    annotation = world.annotation(**values)
    world.store(annotation, "invoice", b"no;INV-7")
    return annotation


def test_a_refusal_of_the_erp_is_the_message_and_its_reply_is_written_nevertheless(world):
    annotation = ready(world)
    world.erp.will(http.reply(422, "Supplier is blocked"))
    settings = send(world, status_code_resolver=RESOLVER, response_payload_reference_key="reply_body")

    reply = world.hook("rest-api-export", settings).call(annotation)

    assert kinds(reply) == [("error", "Supplier is blocked")]
    assert world.files(annotation)["reply_body"] == b"Supplier is blocked"
    (attempt,) = world.attempts(annotation)
    assert (attempt["state"], attempt["reason"]) == ("failed", "rejected")


def test_without_a_resolver_every_status_is_a_success_as_it_is_at_rossum(world):
    annotation = ready(world)
    world.erp.will(http.reply(500, "broken"))

    reply = world.hook("rest-api-export", send(world)).call(annotation)

    assert reply == {"messages": []}
    assert len(world.erp.seen) == 1


def test_a_warning_keeps_nobody_from_anything(world):
    world.erp.will(http.reply(202, "Booked without a purchase order"))

    reply = world.hook("rest-api-export", send(world, status_code_resolver=RESOLVER)).call(ready(world))

    assert kinds(reply) == [("warning", "Booked without a purchase order")]


def test_a_skipped_export_sends_nothing_and_says_nothing(world):
    reply = world.hook("rest-api-export", send(world, condition="@{api_gate}")).call(ready(world, api_gate=""))

    assert (reply, world.erp.seen) == ({"messages": []}, [])


def test_a_slow_erp_is_waited_for_by_polling(world):
    annotation = ready(world)

    goes_on = threading.Event()

    def slow(seen):
        goes_on.wait(30)
        return http.reply(201, {"id": "ERP-9"})

    world.erp.otherwise = slow
    hook = world.hook("rest-api-export", send(world, response_payload_reference_key="reply_body"))
    payload = hook.payload(annotation)

    first = hook.send(payload)
    again = hook.send(payload)
    early = requests.get(first.headers["Location"], timeout=10)
    goes_on.set()
    reply = hook.finished(first)

    assert (first.status_code, again.status_code, early.status_code) == (202, 202, 202)
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Location"].startswith(f"{world.url}/extensions/calls/")
    assert reply == {"messages": []}
    assert requests.get(first.headers["Location"], timeout=10).status_code == 201
    assert hook.send(payload).json() == reply
    assert len(world.erp.seen) == 1
    assert world.files(annotation)["reply_body"] == b'{"id": "ERP-9"}'


def test_an_erp_that_takes_nothing_is_tried_again_before_it_is_told(world):
    settings = send(world)
    settings["request"]["url"] = f"http://127.0.0.1:{free_port()}/invoices"

    reply = world.hook("rest-api-export", settings).call(ready(world))

    ((kind, text),) = kinds(reply)
    assert kind == "error"
    assert text.endswith("Tried 4 times.")


def test_an_unknown_outcome_is_told_and_never_sent_again_before_somebody_looked(world):
    annotation = ready(world)
    world.erp.will(http.cut())
    hook = world.hook("rest-api-export", send(world))

    first, second = hook.call(annotation), hook.call(annotation)

    assert len(world.erp.seen) == 1
    assert kinds(first)[0][0] == "error"
    assert [attempt["reason"] for attempt in world.attempts(annotation)] == ["unconfirmed"]
    ((kind, text),) = kinds(second)
    assert kind == "error"
    assert text.startswith("The outcome of attempt 1 is unknown: exporting again may book it twice.")


def test_what_could_not_be_written_to_rossum_is_written_by_the_next_call_without_being_sent_again(world):
    annotation = ready(world)
    hook = world.hook("rest-api-export", send(world, response_payload_reference_key="reply_body"))
    world.rossum.answer("POST documents", 500, times=3)

    first = hook.call(annotation)
    second = hook.call(annotation)

    assert kinds(first)[0][0] == "error"
    assert "Rossum's API answered 500" in kinds(first)[0][1]
    assert kinds(second) == [("info", "This was sent before (attempt 1 in Waybill) and is not sent again.")]
    assert len(world.erp.seen) == 1
    assert world.files(annotation)["reply_body"] == b'{"id": "ERP-1"}'


def test_what_the_desk_sent_meanwhile_is_told_to_rossum_and_not_sent_again(world):
    annotation = ready(world)
    world.erp.will(http.reply(422, "Period is closed"))
    hook = world.hook("rest-api-export", send(world, status_code_resolver=RESOLVER))
    failed = hook.call(annotation)
    (attempt,) = world.attempts(annotation)

    answer = requests.post(
        f"{world.url}/api/v1/attempts/{attempt['id']}/requeue",
        json={"why": "The period is open again."},
        headers={"Authorization": f"Bearer {world.keys[0]}"},
        timeout=30,
    )
    until = time.monotonic() + 30
    while [one["state"] for one in world.attempts(annotation)] != ["succeeded", "failed"]:
        assert time.monotonic() < until, answer.text
        time.sleep(0.2)
    told = hook.call(annotation)

    assert kinds(failed) == [("error", "Period is closed")]
    assert kinds(told) == [("info", "This was sent before (attempt 2 in Waybill) and is not sent again.")]
    assert len(world.erp.seen) == 2


def test_an_annotation_that_was_exported_and_is_exported_again_is_sent_again(world):
    annotation = ready(world)
    hook = world.hook("rest-api-export", send(world))

    assert [hook.call(annotation), hook.call(annotation)] == [{"messages": []}] * 2

    assert len(world.erp.seen) == 2
    assert [attempt["number"] for attempt in world.attempts(annotation)] == [2, 1]


def test_the_same_settings_are_published_once_and_others_once_each(world):
    annotation = ready(world)
    hook = world.hook("rest-api-export", send(world))
    hook.call(annotation)
    first = dict(hook.settings)
    hook.settings = {**first, "status_code_resolver": RESOLVER}
    hook.call(annotation)
    hook.settings = first
    hook.call(annotation)

    third, second, one = world.attempts(annotation)

    assert one["revision"] == third["revision"]
    assert second["revision"] != one["revision"]


def test_hooks_of_one_annotation_run_side_by_side_and_the_failure_of_one_stays_in_sight(world):
    annotation = ready(world)
    world.erp.will(http.reply(422, "No"))
    world.hook("rest-api-export", send(world, status_code_resolver=RESOLVER)).call(annotation)
    world.hook("custom-format-templating", TEMPLATE).call(annotation)

    assert sorted(row["status"] for row in world.documents(annotation)) == ["exported", "failed_export"]


def test_the_file_storage_puts_files_where_the_settings_say(world, tmp_path):
    annotation = ready(world)
    with sftp.in_process(tmp_path) as server:
        (server.root / "in").mkdir()
        settings = {
            "credentials": server.credentials,
            "export_rules": [
                {
                    "path_to_directory": "/in",
                    "export_object_configurations": [
                        {
                            "type": "annotation_content",
                            "format": "csv",
                            "filename_template": "data-{annotation.id}.csv",
                        },
                        {"type": "document", "filename_template": "scan-{annotation.id}"},
                        {
                            "type": "custom_format",
                            "export_reference_key": "invoice",
                            "filename_template": "{vendor}.txt",
                        },
                    ],
                }
            ],
        }
        hook = world.hook("file-storage-export", settings, secrets={"type": "sftp", "password": server.password})

        reply = hook.finished(hook.send(hook.payload(annotation), path="/svc/file-storage-export/api/v1/export"))

        assert reply == {"messages": []}
        found = {path.name: path.read_bytes() for path in (server.root / "in").iterdir()}
    original = world.rossum.documents[annotation.document].data
    assert found == {
        f"data-{annotation.id}.csv": b"document_id,vendor,api_gate,code,erp_id\r\nINV-7,\xc5\xbdi\xc5\xbekov & Co,,,\r\n",
        f"scan-{annotation.id}.pdf": original,
        "Žižkov & Co.txt": b"no;INV-7",
    }


def test_a_purge_at_rossum_takes_the_copies_here_along(world):
    annotation = ready(world)
    world.hook("rest-api-export", send(world)).call(annotation)
    annotation.status = "purged"
    hook = world.hook("custom-format-templating-purge", {})

    payload = hook.payload(annotation, event="annotation_status", action="changed")
    payload["annotation"]["content"] = f"{world.rossum.url}/annotations/{annotation.id}/content"
    reply = hook.finished(hook.send(payload))

    assert reply == {"messages": []}
    assert world.files(annotation) == {}
    assert {row["status"] for row in world.documents(annotation)} <= {"purged"}


def test_another_change_of_status_asks_for_nothing(world):
    annotation = ready(world)
    hook = world.hook("custom-format-templating-purge", {})
    payload = hook.payload(annotation, event="annotation_status", action="changed")

    answer = hook.send(payload)

    assert (answer.status_code, answer.json()) == (200, {"messages": []})
    assert (sorted(world.files(annotation)), world.documents(annotation)) == (["invoice"], [])
