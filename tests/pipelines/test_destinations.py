"""Destinations: what is refused when saving, pausing, and a test of the connection against real servers."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from audit.models import Event
from pipelines import configuration, destinations
from pipelines.models import Destination
from pipelines.refusals import Refused
from tests import builders

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def server():
    """A real HTTP server on loopback that answers HEAD with 405 and keeps what it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.server.asked.append(self.path)
            self.send_response(405)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_destination_is_saved_with_an_event():
    made = configuration.save(Destination.own(name="ERP", allowed_hosts=["erp.example"]), by=builders.owner())
    made.rate = 5

    configuration.save(made, by=builders.owner())

    assert [event.verb for event in Event.objects.order_by("id")] == ["destination.add", "destination.change"]
    assert Event.objects.last().detail == {"name": "ERP", "changed": ["rate"]}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": " "}, "name: Give the destination a name."),
        ({"allowed_hosts": ["https://erp.example/"]}, 'allowed_hosts: "https://erp.example/" is no host name.'),
        ({"allowed_hosts": "erp.example"}, "allowed_hosts: This is a list of texts."),
        ({"allowed_networks": ["10.1.0.0/33"]}, 'allowed_networks: "10.1.0.0/33" is no network such as 10.1.0.0/16:'),
        ({"credentials": {"type": "sftp", "password": "x"}}, 'credentials: "password" is a secret.'),
        ({"credentials": []}, "credentials: This is a JSON object"),
        ({"concurrency": 0}, "concurrency: At least one attempt must be allowed."),
        ({"rate": 0}, "rate: More than 0 a second"),
    ],
)
def test_a_bad_destination_is_told_which_column(values, told):
    with pytest.raises(Refused) as refused:
        configuration.save(Destination.own(**{"name": "ERP", **values}), by=builders.owner())

    assert str(refused.value).startswith(told)
    assert not Destination.objects.exists()


def test_pausing_twice_is_pausing_once():
    erp = builders.destination("ERP")

    destinations.pause(erp, by=builders.owner(), why="maintenance")
    destinations.pause(erp, by=builders.owner(), why="again")

    assert (erp.paused_why, Event.objects.filter(verb="destination.pause").count()) == ("maintenance", 1)

    destinations.resume(erp, by=builders.owner())

    assert (erp.paused_at, erp.paused_why) == (None, "")


def test_the_addresses_of_a_destinations_stages_are_asked_without_sending_anything(server):
    erp = builders.destination("ERP", allowed_networks=["127.0.0.0/8"])
    base = f"http://127.0.0.1:{server.server_port}"
    config = {"request": {"url": f"{base}/api/invoices?key={{secret.k}}"}, "auth": {"url": f"{base}/@{{tenant}}/token"}}
    builders.pipeline({"name": "Send", "kind": "rest_api", "config": json.dumps(config), "destination": erp})

    diagnosis = destinations.test(erp, by=builders.owner())

    assert diagnosis.ok
    assert [finding.what for finding in diagnosis] == [f"{base}/api/invoices", f"{base}/"]
    assert all(finding.message.startswith("answered with status 405 after ") for finding in diagnosis)
    assert server.asked == ["/api/invoices", "/"]
    assert Event.objects.get(verb="destination.test").detail["ok"] is True


def test_an_address_that_the_guard_refuses_is_said_to_be_misconfigured(server):
    erp = builders.destination("ERP")
    config = {"request": {"url": f"http://127.0.0.1:{server.server_port}/"}}
    builders.pipeline({"name": "Send", "kind": "rest_api", "config": json.dumps(config), "destination": erp})

    diagnosis = destinations.test(erp, by=builders.owner())

    assert (diagnosis.ok, diagnosis.reason) == (False, "misconfigured")
    assert server.asked == []


def test_a_folder_is_written_to_and_left_as_it_was(tmp_path, settings):
    settings.FOLDER_ROOTS = [tmp_path]
    folder = builders.destination("Folder", credentials={"type": "folder", "path": str(tmp_path)})

    diagnosis = destinations.test(folder, by=builders.owner())

    assert (diagnosis.ok, diagnosis.findings[0].what) == (True, "File store")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_opened_says_why(tmp_path, settings):
    settings.FOLDER_ROOTS = [tmp_path / "elsewhere"]
    folder = builders.destination("Folder", credentials={"type": "folder", "path": str(tmp_path)})

    diagnosis = destinations.test(folder, by=builders.owner())

    assert (diagnosis.ok, diagnosis.reason) == (False, "misconfigured")


def test_a_destination_that_nothing_uses_says_so():
    diagnosis = destinations.test(builders.destination("ERP"), by=builders.owner())

    assert diagnosis.message.startswith("Nothing to test: There is nothing to ask yet")
