"""Wrong configs, stage kind by stage kind: none is published, each is told at its place, in these words."""

from __future__ import annotations

import json

import pytest

from pipelines import publishing
from pipelines.models import Revision
from pipelines.publishing import NotPublishable
from tests import builders
from tests.journeys.bad_input.cases import Config
from tests.journeys.bad_input.configs import evaluate, extract, file_storage, purge, rest_api, template

pytestmark = pytest.mark.usefixtures("organization")

TABLES: dict[str, tuple[Config, ...]] = {
    "purge": purge.TABLE,
    "template": template.TABLE,
    "rest_api": rest_api.TABLE,
    "extract": extract.TABLE,
    "evaluate": evaluate.TABLE,
    "file_storage": file_storage.TABLE,
}
ROWS = [pytest.param(kind, case, id=f"{kind}: {case.given}") for kind, cases in TABLES.items() for case in cases]

RENDER = {"export_configs": [{"export_reference_key": "out", "file_content_template": "{{ field.document_id }}"}]}
SEND = {
    "export_reference_key": "out",
    "request": {"url": "https://erp.example/in"},
    "response_headers_reference_key": "reply_headers",
    "response_payload_reference_key": "reply",
}


def draft(kind=None, case=None):
    """A pipeline that could be published, and the stage in question."""
    stages = [
        {"name": "Render", "kind": "template", "config": RENDER},
        {"name": "Send", "kind": "rest_api", "config": SEND},
    ]
    if case is not None:
        text = case.config if isinstance(case.config, str) else json.dumps(case.config)
        after = ["Send"] if case.after is None else list(case.after)
        stages.append({"name": "Stage", "kind": kind, "config": text, "run_after": after})
    pipeline = builders.pipeline(*stages)
    schema = builders.schema("document_id", "amount_total", "api_status")
    builders.queue("Invoices" if case else "", pipeline=pipeline, schema=schema)
    return pipeline


def told(kind, case):
    return tuple((one.severity, one.path, one.message) for one in publishing.check(draft(kind, case)))


@pytest.mark.parametrize(("kind", "case"), ROWS)
def test_a_wrong_config_is_told_at_its_place(kind, case):
    assert told(kind, case) == tuple(case.told)


@pytest.mark.parametrize(("kind", "case"), ROWS)
def test_a_wrong_config_is_not_published_and_the_next_one_is(kind, case):
    wrong = draft(kind, case)

    if any(severity == "error" for severity, _, _ in case.told):
        with pytest.raises(NotPublishable):
            publishing.publish(wrong, by=builders.owner())
        assert Revision.objects.filter(pipeline=wrong).count() == 0
    else:
        assert publishing.publish(wrong, by=builders.owner()).number == 1

    assert publishing.publish(draft(), by=builders.owner()).number == 1
