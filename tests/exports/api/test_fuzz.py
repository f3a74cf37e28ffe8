"""Hostile requests: whatever is sent, the answer is one that the OpenAPI document names, and never a fault of ours."""

from __future__ import annotations

import copy
import os
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports.api.codes import TYPES
from exports.api.reference import document

EXAMPLES = int(os.environ.get("WAYBILL_FUZZ_EXAMPLES", "150"))

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "0", "-1", "1e999", "null", "true", "9" * 25, "*", "%", "'", '"', "../..", "٣", "x" * 600,
                     "2026-02-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T12:00:00Z",
                     "a,b,,", ",", "1,2,3", "[]", "{}", "00000000-0000-0000-0000-000000000000"]),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False), TEXTS,
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def operations():
    for path, methods in sorted(document()["paths"].items()):
        for method, operation in sorted(methods.items()):
            yield method.upper(), path, operation


OPERATIONS = [(method, path) for method, path, _ in operations()]


def body_of(operation):
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else next(iter(content["examples"].values()))["value"]


@st.composite
def mutated(draw, example):
    """The example with some of its members replaced, taken away or added."""
    if not isinstance(example, dict) or not example or draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    changed = copy.deepcopy(example)
    for name in draw(st.lists(st.sampled_from(sorted(changed)), max_size=3)):
        match draw(st.integers(0, 3)):
            case 0:
                changed.pop(name, None)
            case 1 if isinstance(changed.get(name), dict):
                changed[name] = draw(mutated(changed[name]))
            case 2 if isinstance(changed.get(name), list) and changed[name]:
                changed[name] = [draw(mutated(changed[name][0]))]
            case _:
                changed[name] = draw(JSON)
    if draw(st.integers(0, 4)) == 0:
        changed[draw(TEXTS)] = draw(JSON)
    return changed


@st.composite
def asked(draw, world):
    """A request: method, path with parameters, body, headers; and the operation that it means."""
    method, path, operation = draw(st.sampled_from(list(operations())))
    ids = {
        "documents": world.document, "attempts": world.attempt, "stage_runs": world.run, "exchanges": world.exchange,
        "artifacts": world.artifact, "deliveries": world.delivery, "jobs": world.job, "queues": world.queue,
        "schemas": world.schema, "pipelines": world.pipeline, "revisions": world.revision,
        "destinations": world.destination, "stages": world.stage, "audit_events": world.queue, "triggers": world.trigger,
        "channels": world.channel, "event_deliveries": world.event_delivery,
        "failure_groups": world.failure_group, "sources": world.source, "claims": world.claim,
    }  # fmt: skip
    words = path.split("/")
    filled = []
    for index, word in enumerate(words):
        if word == "{name}":
            filled.append(quote(draw(st.one_of(st.just("erp_token"), TEXTS)), safe=""))
        elif word == "{number}":
            filled.append(draw(st.sampled_from(["1", "0", "999999999"])))
        elif word.startswith("{"):
            real = str(ids[words[index - 1]].pk) if words[index - 1] in ids else "1"  # what the world has no row of
            filled.append(draw(st.sampled_from([real, real, real, "0", "9" * 18])))
        else:
            filled.append(word)
    known = [parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
    names = st.one_of(st.sampled_from([*known, "field.a", "nothing"]), TEXTS)
    query = "&".join(
        f"{quote(name, safe='')}={quote(draw(TEXTS), safe='')}"
        for name in draw(st.lists(names, max_size=3, unique=True))
    )
    example = body_of(operation)
    sent = None
    if method in {"POST", "PUT", "PATCH"}:
        sent = draw(mutated(example)) if example is not None else draw(st.sampled_from([None, {}, []]))
    headers = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "if_match": st.sampled_from(["*", '"1"', '"x', 'W/"1"', "é"]),
                "idempotency_key": st.sampled_from(["a", "b", "é" * 9]),
            },
        )
    )
    return method, "/".join(filled) + (f"?{query}" if query else ""), sent, headers, (path, method.lower())


def keepable(value):
    """Hypothesis makes half surrogates, which JSON can say and UTF-8 cannot."""
    return str(value).encode("utf-8", "ignore").decode()


@contextmanager
def untouched():
    """Every request meets the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def hostile(api, world):
    return api, world


@settings(
    max_examples=EXAMPLES, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(data=st.data())
def test_any_request_is_answered_as_described(hostile, data):
    api, world = hostile
    method, path, sent, headers, (described, name) = data.draw(asked(world))
    operation = document()["paths"][described][name]

    with untouched():
        reply = api.send(method, path, sent, **headers)

    assert reply.status_code < 500, (method, path, sent, reply.content)
    if path.split("?")[0].count("/") == 0 or reply.status_code in {404, 405}:
        return
    assert str(reply.status_code) in operation["responses"], (method, path, sent, reply.content)
    if reply.status_code >= 400:
        body = reply.json()
        assert reply["Content-Type"] == "application/problem+json"
        assert TYPES[body["code"]].status == reply.status_code
        documented = operation["responses"][str(reply.status_code)]["content"]["application/problem+json"]["examples"]
        assert body["code"] in documented, (method, path, sent, body)


@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60), path=st.sampled_from(["queues", "documents", "jobs", "schemas", "pipelines"]))
def test_any_bytes_are_answered(hostile, raw, path):
    api, _ = hostile

    reply = api.send("POST", path, raw)

    assert 400 <= reply.status_code < 500
    assert reply.json()["code"] in {"malformed", "invalid"}


@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.dictionaries(
        st.sampled_from(["queue", "external_id", "fields", "metadata", "original", "confirmed"]), TEXTS
    )
)
def test_any_form_is_answered(hostile, parts):
    api, _ = hostile

    reply = api.form("documents", {name: keepable(text) for name, text in parts.items()})

    assert reply.status_code < 500
