"""The OpenAPI document: valid, complete, and true to what the API answers."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from exports.api.codes import TYPES
from exports.api.reference import document
from tests.exports.api.test_tenants import routes


@pytest.fixture(scope="module")
def known():
    return document()


def operations(known):
    for path, methods in known["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def validator(known, schema):
    return OAS31Validator({**schema, "components": known["components"]})


def test_it_is_valid(known):
    validate(known)

    assert known["openapi"] == "3.1.0"


def test_it_is_made_without_a_warning():
    GENERATOR_STATS.reset()

    SchemaGenerator().get_schema(request=None, public=True)

    assert not GENERATOR_STATS, (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache)


def test_every_route_is_in_it(known):
    described = {(method, re.sub(r"\{\w+\}", "{}", path)) for path, method, _ in operations(known)}

    def plain(pattern):
        bare = pattern.strip("^").removesuffix("$").removesuffix("\\Z")
        return "/api/v1/" + re.sub(r"\(\?P<\w+>[^)]*\)", "{}", bare)

    assert {(method.lower(), plain(pattern)) for method, pattern, _, _ in routes()} == described


def test_every_operation_says_what_it_is(known):
    ids = [operation["operationId"] for _, _, operation in operations(known)]
    tags = {tag["name"] for tag in known["tags"]}

    assert len(set(ids)) == len(ids)
    for path, method, operation in operations(known):
        place = f"{method} {path}"
        assert operation["summary"], place
        assert operation["description"].endswith("."), place
        assert set(operation["tags"]) <= tags, place
        assert operation["security"] == [{"key": []}, {"session": []}], place
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (place, parameter["name"])


def test_every_operation_names_its_errors_with_an_example_each(known):
    for path, method, operation in operations(known):
        replies = operation["responses"]
        assert {"401", "403", "500"} <= set(replies), path
        assert ("404" in replies) == ("{" in path)
        for code, reply in replies.items():
            if code >= "400":
                content = reply["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                for name, example in content["examples"].items():
                    assert (example["value"]["code"], TYPES[name].status) == (name, int(code)), (method, path)


def test_every_json_body_has_an_example_that_fits_its_shape(known):
    for path, method, operation in operations(known):
        bodies = [*operation.get("requestBody", {}).get("content", {}).items()]
        for code, reply in operation["responses"].items():
            bodies += [*reply.get("content", {}).items()] if code != "204" else []
        for media_type, body in bodies:
            if media_type == "*/*":  # a download
                continue
            assert body.get("examples"), (method, path, media_type)
            for example in body["examples"].values():
                errors = [error.message for error in validator(known, body["schema"]).iter_errors(example["value"])]
                assert errors == [], (method, path, media_type, example["value"])


READS = [
    ("documents", "documents"),
    ("documents/{id}", "documents/{w.document.pk}"),
    ("documents/{id}/fields", "documents/{w.document.pk}/fields"),
    ("documents/{id}/versions", "documents/{w.document.pk}/versions"),
    ("attempts", "attempts"),
    ("attempts/{id}", "attempts/{w.attempt.pk}"),
    ("stage_runs", "stage_runs"),
    ("stage_runs/{id}", "stage_runs/{w.run.pk}"),
    ("exchanges", "exchanges"),
    ("exchanges/{id}", "exchanges/{w.exchange.pk}"),
    ("artifacts", "artifacts"),
    ("deliveries", "deliveries"),
    ("jobs", "jobs"),
    ("failure_groups", "failure_groups"),
    ("failure_groups/{id}", "failure_groups/{w.failure_group.pk}"),
    ("jobs/{id}", "jobs/{w.job.pk}"),
    ("audit_events", "audit_events"),
    ("queues/{id}", "queues/{w.queue.pk}"),
    ("schemas/{id}", "schemas/{w.schema.pk}"),
    ("pipelines", "pipelines"),
    ("pipelines/{id}", "pipelines/{w.pipeline.pk}"),
    ("pipelines/{id}/differences", "pipelines/{w.pipeline.pk}/differences"),
    ("pipelines/{pipeline}/stages", "pipelines/{w.pipeline.pk}/stages"),
    ("revisions", "revisions"),
    ("revisions/{id}", "revisions/{w.revision.pk}"),
    ("destinations/{id}", "destinations/{w.destination.pk}"),
    ("channels", "channels"),
    ("channels/{id}", "channels/{w.channel.pk}"),
    ("event_deliveries", "event_deliveries"),
    ("event_deliveries/{id}", "event_deliveries/{w.event_delivery.pk}"),
    ("secrets", "secrets"),
    ("me", "me"),
]


@pytest.mark.parametrize(("described", "path"), READS)
def test_what_is_answered_fits_what_is_described(api, world, known, described, path):
    reply = api.get(path.format(w=world))

    schema = known["paths"][f"/api/v1/{described}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [f"{error.json_path}: {error.message}" for error in validator(known, schema).iter_errors(reply.json())] == []


def test_a_problem_that_is_answered_fits_what_is_described(api, known):
    reply = api.post("queues", {"schema": "x"})

    errors = validator(known, {"$ref": "#/components/schemas/Problem"}).iter_errors(reply.json())
    assert [error.message for error in errors] == []


def test_the_document_and_the_page_are_for_everybody_and_need_nothing_from_outside(db, known):
    client = Client()

    machine, page = client.get("/api/v1/openapi.json"), client.get("/api/v1/")

    assert machine.json()["info"]["title"] == "Waybill"
    text = page.content.decode()
    assert page.status_code == 200
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    for _, _, operation in operations(known):
        assert f'id="{operation["operationId"]}"' in text
    for code in TYPES:
        assert f'id="problem-{code}"' in text
    assert client.post("/api/v1/").json()["code"] == "method_not_allowed"
    assert client.delete("/api/v1/openapi.json").status_code == 405


def test_a_robot_can_find_its_way_by_operation_ids(known):
    ids = {operation["operationId"] for _, _, operation in operations(known)}

    assert {
        "list_documents",
        "create_document",
        "correct_document_fields",
        "requeue_attempt",
        "put_secret",
        "get_me",
    } <= ids
