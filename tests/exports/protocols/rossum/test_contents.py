"""What stands in an annotation's fields: corrected by operations, by patches, and node by node."""

from __future__ import annotations

import pytest

from exports.models import FieldsVersion
from exports.states import Status
from tests import builders
from tests.exports.protocols.rossum.conftest import API, caller


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", schema=builders.schema("number"))


@pytest.fixture
def owner(organization):
    return caller(organization, "owner", name="erp-robot")


def nodes(robot, document):
    content = robot.get(f"{API}/annotations/{document.pk}/content").json()["content"]
    return {child["schema_id"]: child for section in content for child in section["children"]}


def operate(robot, document, *operations):
    return robot.post(
        f"{API}/annotations/{document.pk}/content/operations",
        {"operations": operations},
        content_type="application/json",
    )


def test_operations_correct_the_fields_as_one_version(owner, queue):
    document = builders.document(queue, {"number": "12", "lines": [{"qty": "1"}]}, status="to_review")
    before = nodes(owner, document)
    row = before["lines"]["children"][0]["id"]

    reply = operate(
        owner, document,
        {"op": "replace", "id": before["number"]["id"], "value": {"content": {"value": "13"}}},
        {"op": "add", "id": before["lines"]["id"], "value": [{"schema_id": "qty", "content": {"value": "2"}}]},
        {"op": "remove", "id": row},
        {"op": "replace", "id": 4711, "value": {"content": {"value": "lost"}}},
    )  # fmt: skip

    after = nodes(owner, document)
    assert reply.status_code == 200
    assert reply.json()["content"] == owner.get(f"{API}/annotations/{document.pk}/content").json()["content"]
    assert [(one["type"], one["id"]) for one in reply.json()["messages"]] == [("warning", 4711)]
    assert after["number"]["content"]["value"] == "13"
    assert [cell["content"]["value"] for row in after["lines"]["children"] for cell in row["children"]] == ["2"]
    newest = FieldsVersion.objects.order_by("-number")[0]
    assert (newest.number, newest.by) == (2, "key:erp-robot")


def test_operations_of_which_none_can_be_applied_are_a_400(owner, queue):
    document = builders.document(queue, status="to_review")

    reply = operate(owner, document, {"op": "remove", "id": 4711})

    assert (reply.status_code, list(reply.json())) == (400, ["operations"])
    assert FieldsVersion.objects.count() == 1


def test_no_operations_are_no_change(owner, queue):
    document = builders.document(queue, status="to_review")

    assert operate(owner, document).status_code == 200
    assert FieldsVersion.objects.count() == 1


def test_the_fields_of_what_has_arrived_are_not_corrected(owner, queue):
    document = builders.document(queue, status=Status.EXPORTED)
    number = nodes(owner, document)["number"]["id"]

    reply = operate(owner, document, {"op": "replace", "id": number, "value": {"content": {"value": "13"}}})

    assert reply.status_code == 409
    assert "Send it back to review" in reply.json()["detail"]


def test_a_patch_of_the_content_keeps_what_it_leaves_out(owner, queue):
    document = builders.document(queue, {"number": "12", "other": "x"}, status="to_review")
    url = f"{API}/annotations/{document.pk}/content"
    number = nodes(owner, document)["number"]["id"]

    reply = owner.patch(url, {"content": [{"id": number, "content": {"value": "13"}}]}, content_type="application/json")
    wrong = owner.patch(
        url,
        {"content": [{"id": number, "content": {"value": "14"}}, {"id": 4711, "content": {"value": "x"}}]},
        content_type="application/json",
    )

    after = nodes(owner, document)
    assert (reply.status_code, wrong.status_code) == (200, 400)
    assert (after["number"]["content"]["value"], after["other"]["content"]["value"]) == ("13", "x")


def test_a_node_answers_at_its_own_url(owner, queue):
    document = builders.document(queue, {"number": "12"}, status="to_review")
    url = nodes(owner, document)["number"]["url"].removeprefix("http://testserver")

    assert owner.get(url).json()["content"]["value"] == "12"
    assert (
        owner.patch(url, {"content": {"value": "13"}}, content_type="application/json").json()["content"]["value"]
        == "13"
    )
    assert owner.get(f"{API}/annotations/{document.pk}/content/4711").status_code == 404
