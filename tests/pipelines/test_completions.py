"""What the editor offers while typing: names that there are, and words that the sandbox knows."""

from __future__ import annotations

import json

import pytest

from pipelines import completions, sandbox
from pipelines.errors import Misconfigured
from pipelines.sandbox import vocabulary
from tests import builders, editing


@pytest.fixture
def pipeline(organization):
    return editing.pipeline(builders.queue("Invoices"))


def offered(pipeline, name="Render"):
    stage = pipeline.stages.get(name=name)
    return completions.offers(pipeline, stage, stage.kind, secrets=True)


def test_fields_come_with_their_label_and_type_and_columns_with_their_table(pipeline):
    fields = {field["id"]: field for field in offered(pipeline)["fields"]}

    assert fields["document_id"] == {
        "id": "document_id", "label": "Invoice number", "type": "string", "table": "", "queues": ["Invoices"]
    }  # fmt: skip
    assert (fields["line_items"]["type"], fields["line_items"]["label"]) == ("table", "Line items")
    assert (fields["item_quantity"]["type"], fields["item_quantity"]["table"]) == ("number", "line_items")


def test_a_field_of_two_queues_is_offered_once_and_names_both(pipeline, organization):
    schema = builders.schema("document_id", "only_here")
    builders.queue("Credit notes", pipeline=pipeline, schema=schema)

    fields = offered(pipeline)["fields"]

    assert [field["queues"] for field in fields if field["id"] == "document_id"] == [["Credit notes", "Invoices"]]
    assert [field["queues"] for field in fields if field["id"] == "only_here"] == [["Credit notes"]]


def test_only_keys_that_are_written_before_are_offered(pipeline):
    assert offered(pipeline, "Send")["keys"] == [{"key": "payload", "stage": "Render"}]
    assert [one["key"] for one in offered(pipeline, "Judge")["keys"]] == ["payload", "reply"]
    assert offered(pipeline, "Render")["keys"] == []


def test_secrets_are_offered_by_name_and_never_by_value(pipeline):
    found = offered(pipeline, "Send")
    blind = completions.offers(pipeline, None, "rest_api", secrets=False)

    assert found["secrets"] == ["token"]
    assert editing.SECRET not in json.dumps(found)
    assert blind["secrets"] == []


def test_the_schema_is_that_of_the_kind_and_an_unknown_kind_has_none(pipeline):
    assert "export_configs" in offered(pipeline)["schema"]["properties"]
    assert completions.schema_of("nonsense") == {}


def test_every_word_offered_is_one_that_the_sandbox_reads():
    words = vocabulary.words()
    lines = [f"{{{{ 1 | {word['name']} }}}}" for word in words["filters"]]
    lines += [f"{{{{ 1 is {word['name']} }}}}" for word in words["tests"]]

    wrong = [line for line in lines if unread(line)]

    assert wrong == []
    assert {"b64encode", "upper", "join"} <= {word["name"] for word in words["filters"]}
    assert "range" in {word["name"] for word in words["functions"]}
    assert {"do", "break", "include", "import", "extends"}.isdisjoint(word["name"] for word in words["tags"])


def test_what_the_sandbox_lacks_is_not_offered():
    names = {word["name"] for word in vocabulary.words()["filters"]}

    assert unread("{{ 1 | nonsense }}")
    assert "nonsense" not in names
    assert all(word["doc"] for word in vocabulary.words()["filters"])


def unread(template: str) -> bool:
    """Whether the sandbox does not know a word of it. What it says of the value is another matter."""
    try:
        sandbox.shared().render(template, {})
    except Misconfigured as error:
        return "No filter named" in error.message or "No test named" in error.message
    return False
