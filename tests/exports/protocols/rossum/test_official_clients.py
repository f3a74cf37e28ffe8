"""The official clients against a live Waybill: export in pages and as files, moving, races, and answers that get lost
on the way."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
import zipfile

import pytest
from lxml import etree
from rossum_api import APIClientError, AsyncRossumAPIClient, SyncRossumAPIClient
from rossum_api.domain_logic.annotations import ExportFileFormats
from rossum_api.dtos import Token

from tests.exports.protocols.rossum.clients import attempts, client, documented, ids_of, statuses
from tests.servers.forgetful import forgetful


def test_250_confirmed_annotations_come_in_pages(site):
    url, world = site

    found = list(documented(url).export_annotations_to_json(world["queues"]["pages"], status="confirmed"))

    assert ids_of(found) == world["documents"]["pages"]
    assert found[7]["content"][0]["children"][0]["value"] == "pages-7"
    assert statuses(site, "pages") == {"confirmed": 250}


def test_the_clients_own_dataclasses_read_the_flat_shape(site):
    url, world = site

    found = list(client(url).export_annotations_to_json(world["queues"]["pages"], status="confirmed", shape="flat"))

    assert [one.id for one in found] == world["documents"]["pages"]
    assert {one.status for one in found} == {"confirmed"}
    assert found[0].document == f"{url}/rossum/api/v1/documents/{found[0].id}"


def test_250_move_in_pages_and_none_is_skipped_or_moved_twice(site):
    url, world = site

    found = list(
        documented(url).export_annotations_to_json(world["queues"]["moving"], status="confirmed", to_status="exported")
    )

    assert ids_of(found) == world["documents"]["moving"]
    assert {one["status"] for one in found} == {"exported"}
    assert statuses(site, "moving") == {"exported": 250}
    assert attempts(site, "moving") == dict.fromkeys(world["documents"]["moving"], 1)


def test_the_asynchronous_client_does_the_same(site):
    url, world = site

    async def export():
        rossum = AsyncRossumAPIClient(f"{url}/rossum/api/v1", Token(world["keys"]["operator"]))
        exported = rossum.export_annotations_to_json(
            world["queues"]["async"], status="confirmed", to_status="exported", shape="flat"
        )
        return [one.id async for one in exported]

    assert asyncio.run(export()) == world["documents"]["async"]
    assert attempts(site, "async") == dict.fromkeys(world["documents"]["async"], 1)


def test_files_have_the_columns_that_are_asked_for(site):
    url, world = site
    queue = world["queues"]["files"]

    def file(form, **query):
        return b"".join(client(url).export_annotations_to_file(queue, form, status="confirmed", **query))

    rows = list(csv.reader(io.StringIO(file(ExportFileFormats.CSV, columns=["meta_file", "total", "number"]).decode())))
    root = etree.fromstring(file(ExportFileFormats.XML))
    book = zipfile.ZipFile(io.BytesIO(file(ExportFileFormats.XLSX, columns=["number"])))

    first = world["documents"]["files"][0]
    assert rows[0] == ["meta_file", "Total", "Invoice number"]
    assert rows[1] == [f"{url}/rossum/api/v1/documents/{first}/content", "0.50", "files-0"]
    assert len(rows) == 13
    assert len(root.findall("results/annotation")) == 12
    assert "files-11" in book.read("xl/worksheets/sheet1.xml").decode()


def test_a_column_that_there_is_not_is_refused_with_its_name(site):
    url, world = site

    with pytest.raises(APIClientError, match="nonsense") as refused:
        b"".join(
            client(url).export_annotations_to_file(
                world["queues"]["files"], ExportFileFormats.CSV, columns=["nonsense"]
            )
        )

    assert refused.value.status_code == 400


def test_two_robots_on_one_queue_never_get_the_same(site):
    url, world = site
    found: dict[str, list[int]] = {}
    ready = threading.Barrier(2)

    def run(name):
        rossum = documented(url, name)
        rossum.retrieve_queue(world["queues"]["race"])  # logged in, so that both begin at once
        ready.wait()
        results = rossum.request_paginated(
            f"queues/{world['queues']['race']}/export", method="POST", format="json", status="confirmed",
            to_status="exported", page_size=10,
        )  # fmt: skip
        found[name] = ids_of(results)

    robots = [threading.Thread(target=run, args=[name]) for name in ("anna", "bert")]
    for robot in robots:
        robot.start()
    for robot in robots:
        robot.join()

    assert sorted(found["anna"] + found["bert"]) == world["documents"]["race"]
    assert attempts(site, "race") == dict.fromkeys(world["documents"]["race"], 1)


def test_an_answer_that_is_lost_changes_nothing_in_the_result(site):
    url, world = site
    with forgetful(url) as proxy:
        proxy.lose = [f"POST /rossum/api/v1/queues/{world['queues']['lost']}/export"]

        found = list(
            documented(proxy.url).export_annotations_to_json(
                world["queues"]["lost"], status="confirmed", to_status="exported"
            )
        )

        assert [status for _, status in proxy.lost] == [200]
    assert ids_of(found) == world["documents"]["lost"]
    assert attempts(site, "lost") == dict.fromkeys(world["documents"]["lost"], 1)


def test_a_file_whose_answer_is_lost_is_the_same_file(site):
    url, world = site
    with forgetful(url) as proxy:
        proxy.lose = [f"POST /rossum/api/v1/queues/{world['queues']['lost files']}/export"]

        file = b"".join(
            client(proxy.url).export_annotations_to_file(
                world["queues"]["lost files"], ExportFileFormats.CSV, status="confirmed", to_status="exported"
            )
        )

        assert [status for _, status in proxy.lost] == [200]
    assert [line[0] for line in csv.reader(io.StringIO(file.decode()))][1:] == [f"lost files-{at}" for at in range(25)]
    assert attempts(site, "lost files") == dict.fromkeys(world["documents"]["lost files"], 1)


def test_the_confirmed_tab_step_by_step_also_when_each_answer_is_lost_once(site):
    url, world = site
    queue, (good, better, bad, waiting) = world["queues"]["tab"], world["documents"]["tab"]
    with forgetful(url) as proxy:
        rossum = documented(proxy.url)

        # 1 download what is confirmed, 2 book it elsewhere
        xml = b"".join(rossum.export_annotations_to_file(queue, ExportFileFormats.XML, status="confirmed"))
        read = [int(one.get("url").rpartition("/")[2]) for one in etree.fromstring(xml).iter("annotation")]
        assert read == [good, better, bad, waiting]

        # 3 what was booked is exported, named by its ids
        proxy.lose = [f"POST /rossum/api/v1/queues/{queue}/export", f"PATCH /rossum/api/v1/annotations/{bad}"]
        moved = b"".join(
            rossum.export_annotations_to_file(
                queue, ExportFileFormats.XML, status="confirmed", to_status="exported", id=f"{good},{better}"
            )
        )
        assert [one.findtext("status") for one in etree.fromstring(moved).iter("annotation")] == ["exported"] * 2

        # 4 what was not is failed_export, with a message for people
        rossum.update_part_annotation(
            bad,
            {"status": "failed_export", "messages": [{"type": "error", "content": "No supplier 4711.", "id": "all"}]},
        )
        assert len(proxy.lost) == 2
        shown = rossum.retrieve_annotation(bad)
        assert (shown["status"], [one["content"] for one in shown["messages"]]) == (
            "failed_export",
            ["No supplier 4711."],
        )

        # 5 a person corrects it, and the next run exports it
        rossum.update_part_annotation(bad, {"status": "to_review"})
        rossum.start_annotation(bad)
        rossum.confirm_annotation(bad)
        again = list(rossum.export_annotations_to_json(queue, status="confirmed", to_status="exported", id=str(bad)))

    assert [one["status"] for one in again] == ["exported"]
    assert statuses(site, "tab") == {"exported": 3, "confirmed": 1}
    assert attempts(site, "tab") == {good: 1, better: 1, bad: 2}


def test_a_stranger_finds_nothing(site):
    url, world = site
    stranger = SyncRossumAPIClient(f"{url}/rossum/api/v1", Token(world["keys"]["other"]))

    with pytest.raises(APIClientError) as refused:
        list(stranger.export_annotations_to_json(world["queues"]["pages"], to_status="exported"))

    assert refused.value.status_code == 404
    assert statuses(site, "pages") == {"confirmed": 250}
