"""Hooks, their logs and their payload on the wire: what the official client's dataclasses and scripts need."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from uuid import UUID

import dacite
import pytest
from rossum_api.models.document import Document
from rossum_api.models.hook import Hook as TheirHook
from rossum_api.models.hook import HookEventAndAction, HookRunData
from rossum_api.models.organization import Organization
from rossum_api.models.queue import Queue
from rossum_api.models.schema import Schema
from rossum_api.models.user import User
from rossum_api.models.workspace import Workspace

from exports.states import RunState
from exports.wire.rossum import annotations, documents, hooks, queues, trees
from exports.wire.rossum.hooks import Hook, Run
from exports.wire.rossum.urls import Addresses
from pipelines import shapes

AT = Addresses("https://acme.example/rossum/api/v1")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ID = UUID("01953000-0000-7000-8000-000000000001")


def a_hook(**more):
    given = {
        "called": "https://acme.example/extensions/rest-api-export",
        "active": True,
        "queues": [3],
        "run_after": [],
        "settings": {"a": 1},
    }
    return hooks.hook(Hook(7, "Send", **{**given, **more}), AT)


def test_a_hook_is_one_to_the_official_client():
    theirs = dacite.from_dict(TheirHook, a_hook(run_after=[5]), dacite.Config(cast=[HookEventAndAction]))

    assert (theirs.id, theirs.url, theirs.run_after) == (7, AT.hook(7), [AT.hook(5)])
    assert theirs.config["url"] == "https://acme.example/extensions/rest-api-export"
    assert [event.value for event in theirs.events] == ["annotation_content.export"]
    assert theirs.secrets == {}


def test_a_log_is_one_too_for_every_state_of_a_run():
    for state in RunState:
        theirs = dacite.from_dict(HookRunData, hooks.log(Run(ID, organization=1, hook=7, state=state, begun_at=NOW)))

        assert theirs.status in {"waiting", "running", "completed", "cancelled", "failed"}
        assert theirs.log_level in typing.get_args(typing.get_type_hints(HookRunData)["log_level"])
        assert (theirs.settings, theirs.organization_id, theirs.request_id) == ({}, 1, str(ID))
    assert hooks.log(Run(ID, organization=1, hook=7, state="failed", begun_at=NOW))["log_level"] == "ERROR"


def test_what_stands_around_annotations_is_read_by_the_official_client_too():
    queue = queues.queue(
        3,
        name="Q",
        organization=1,
        schema=None,
        hooks=[7],
        counted={"confirmed": 2},
        use_confirmed_state=True,
        metadata={},
        at=AT,
    )
    schema = queues.schema(4, name="S", content=[{"category": "section", "id": "h", "children": []}], queues=[3], at=AT)

    assert dacite.from_dict(Queue, queue).counts["confirmed"] == 2
    assert Schema.from_dict(schema).id == 4
    assert dacite.from_dict(Workspace, queues.workspace(1, name="W", organization=1, queues=[3], at=AT)).queues == [
        AT.queue(3)
    ]
    assert dacite.from_dict(
        User, queues.user(9, organization=1, username="anna", joined=NOW, at=AT)
    ).organization == AT.organization(1)
    assert dacite.from_dict(
        Organization, queues.organization(1, name="Acme", created_at=NOW, users=[9], workspaces=[1], at=AT)
    ).users == [AT.user(9)]


def test_a_document_whose_file_is_gone_is_one_too():
    theirs = dacite.from_dict(Document, documents.document(documents.File(8, "0" * 32, NOW), AT))

    assert (theirs.original_file_name, theirs.mime_type) == ("", "application/octet-stream")
    assert theirs.content == AT.document(8) + "/content"


@pytest.fixture
def payload():
    def make(**more):
        content = shapes.from_flat({"number": "12", "secret_note": "x"}).sections
        annotation = annotations.annotation(
            annotations.Annotation(8, status="confirmed", queue=3, schema=4, organization=1, created_at=NOW), AT
        )
        schema = queues.schema(
            4, name="S", queues=[3], at=AT,
            content=[{"category": "section", "id": "header", "children": [{"category": "datapoint", "id": "number"}]}],
        )  # fmt: skip
        given = {
            "request_id": str(ID), "now": NOW, "hook": a_hook(), "annotation": annotation,
            "document": documents.document(documents.File(8, "0" * 32, NOW, "a.pdf"), AT),
            "content": trees.sections(content, 8, AT), "schema": schema, "secrets": ["client_secret"],
            "status": ("exporting", "confirmed"), "changed": False, "at": AT,
        }  # fmt: skip
        return hooks.payload(**{**given, **more})

    return make


def test_a_payload_has_what_scripts_read_and_names_secrets_only(payload):
    made = payload()

    assert (made["event"], made["action"], made["base_url"]) == (
        "annotation_content",
        "export",
        "https://acme.example/rossum",
    )
    assert made["secrets"] == {"client_secret": "[redacted...]"}
    assert made["rossum_authorization_token"] == "[redacted...]"
    assert made["settings"] == {"a": 1}
    assert {
        "automated", "automatically_rejected", "einvoice", "metadata", "created_at", "modified_at", "exported_at",
        "confirmed_at", "assigned_at", "export_failed_at", "deleted_at", "rejected_at", "purged_at", "id", "url", "content",
    } <= set(made["annotation"])  # fmt: skip
    assert {"id", "url", "arrived_at", "created_at", "original_file_name", "metadata", "mime_type"} <= set(
        made["document"]
    )
    assert "annotations" not in made["document"]
    assert (made["annotation"]["status"], made["annotation"]["previous_status"]) == ("exporting", "confirmed")


def test_fields_that_the_schema_has_not_are_left_out(payload):
    (header,) = payload()["annotation"]["content"]

    assert [child["schema_id"] for child in header["children"]] == ["number"]
    assert len(payload(schema={"content": []})["annotation"]["content"][0]["children"]) == 2


def test_a_change_of_status_names_the_content_and_does_not_bring_it(payload):
    made = payload(changed=True, status=("exported", "exporting"))

    assert (made["event"], made["action"]) == ("annotation_status", "changed")
    assert made["annotation"]["content"] == AT.annotation(8) + "/content"
