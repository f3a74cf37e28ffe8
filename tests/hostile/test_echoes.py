"""A reply that echoes a secret which this try did not use: it is hidden all the same."""

from __future__ import annotations

import pytest

from exports import contents, loop
from exports.models import Artifact, Content
from pipelines import vault
from tests import builders
from tests.servers import http

pytestmark = pytest.mark.usefixtures("organization")


def test_a_secret_of_the_destination_is_hidden_although_no_stage_asked_for_it():
    with http.running() as server:
        server.will(http.reply(200, body=b'{"you once sent": "hunter2-hunter2"}'))
        destination = builders.destination("ERP", allowed_hosts=["127.0.0.1"], allowed_networks=["127.0.0.0/8"])
        vault.put("password", "hunter2-hunter2", by=builders.owner(), destination=destination)
        config = {
            "request": {"url": server.url + "/x", "method": "POST"},
            "response_payload_reference_key": "reply",
        }
        attempt = builders.attempt({"name": "send", "kind": "rest_api", "config": config, "destination": destination})

        loop.run_now(attempt.pk)

    kept = [contents.blob(content).read() for content in Content.objects.all()]
    assert Artifact.objects.get(key="reply").size > 0
    assert not any(b"hunter2-hunter2" in body for body in kept)
