"""The web server dies while it works on a call, and the call's token with it: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from tests.exports.extensions.test_calls import send
from tests.exports.extensions.world import kinds
from tests.servers import http

pytestmark = pytest.mark.slow


def test_a_call_whose_web_server_died_is_answered_and_told_by_the_next_one(world):
    annotation = world.annotation()
    world.store(annotation, "invoice", b"no;INV-7")
    goes_on = threading.Event()

    def slow(seen):
        goes_on.wait(60)
        return http.reply(201, {"id": "ERP-9"})

    world.erp.otherwise = slow
    hook = world.hook("rest-api-export", send(world, response_payload_reference_key="reply_body"))
    first = hook.send(hook.payload(annotation))
    until = time.monotonic() + 30
    while not world.erp.seen:
        assert time.monotonic() < until
        time.sleep(0.1)

    world.kill_the_web_server()
    goes_on.set()
    told = hook.finished(first, seconds=150)
    again = hook.call(annotation)

    assert first.status_code == 202
    ((kind, text),) = kinds(told)
    assert kind == "error"
    assert text.startswith("Waybill was restarted while this was exported. What came of it is kept there; export again")
    assert kinds(again) == [("info", "This was sent before (attempt 1 in Waybill) and is not sent again.")]
    assert len(world.erp.seen) == 1
    assert world.files(annotation) == {"invoice": b"no;INV-7", "reply_body": b'{"id": "ERP-9"}'}
    assert requests.get(first.headers["Location"], timeout=10).json() == told
