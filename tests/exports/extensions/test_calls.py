"""Every extension, called as Rossum calls it: what it does, what it writes back, what it is answered."""

from __future__ import annotations

from tests.exports.extensions.world import kinds

TEMPLATE = {
    "export_configs": [
        {
            "export_reference_key": "invoice",
            "file_content_template": "{{ field.document_id }};{{ payload.annotation.id }};"
            "{{ payload['document']['original_file_name'] }}",
        }
    ]
}


def send(world, **more):
    return {
        "export_reference_key": "invoice",
        "request": {"url": f"{world.erp.url}/invoices", "method": "POST", "content": "#{file_content}"},
        **more,
    }


def test_templating_writes_its_file_to_rossum(world):
    annotation = world.annotation()

    reply = world.hook("custom-format-templating", TEMPLATE).call(annotation)

    name = world.rossum.documents[annotation.document].name
    assert reply == {"messages": []}
    assert world.files(annotation) == {"invoice": f"INV-7;{annotation.id};{name}".encode()}


def test_templating_again_puts_the_new_file_in_the_place_of_the_old(world):
    annotation = world.annotation()
    hook = world.hook("custom-format-templating", TEMPLATE)
    hook.call(annotation)
    before = set(world.rossum.documents)

    annotation.content[0]["children"][0]["content"] |= {"value": "INV-8", "normalized_value": "INV-8"}
    hook.call(annotation)

    assert world.files(annotation)["invoice"].startswith(b"INV-8;")
    assert len(set(world.rossum.documents)) == len(before)
    assert len([one for one in world.rossum.relations.values() if one.annotation == annotation.id]) == 1


def test_the_rest_export_sends_the_file_that_an_earlier_hook_wrote(world):
    annotation = world.annotation()
    world.store(annotation, "invoice", b"no;INV-7")
    settings = send(world, response_headers_reference_key="reply_headers", response_payload_reference_key="reply_body")

    reply = world.hook("rest-api-export", settings).call(annotation)

    assert reply == {"messages": []}
    assert world.erp.bodies == [b"no;INV-7"]
    kept = world.files(annotation)
    assert kept["reply_body"] == b'{"id": "ERP-1"}'
    assert b'"status_code": 201' in kept["reply_headers"]
    (attempt,) = world.attempts(annotation)
    assert (attempt["state"], attempt["trigger"]) == ("succeeded", "robot")


def test_an_export_without_its_file_says_so_and_sends_nothing(world):
    annotation = world.annotation()

    reply = world.hook("rest-api-export", send(world)).call(annotation)

    assert world.erp.seen == []
    ((kind, text),) = kinds(reply)
    assert (kind, text) == (
        "error",
        'config.export_reference_key: There is no artifact "invoice" for this document: no stage before this one wrote it.',
    )


def test_the_extractor_answers_with_operations_on_rossums_own_ids(world):
    annotation = world.annotation(code="", erp_id="")
    world.store(annotation, "reply_headers", b'{"status_code": 201}')
    settings = {
        "extract": [
            {
                "format": "json",
                "source_reference_key": "reply_headers",
                "extract_rules": [{"value_path": "status_code", "target_schema_id": "code"}],
            }
        ]
    }

    reply = world.hook("data-value-extractor", settings).call(annotation)

    code = next(node for node in annotation.content[0]["children"] if node["schema_id"] == "code")
    assert reply == {
        "messages": [],
        "operations": [{"op": "replace", "id": code["id"], "value": {"content": {"value": "201"}}}],
    }
    assert code["content"]["value"] == "201"


def test_the_evaluator_fails_the_export_where_its_condition_holds(world):
    settings = {"condition": "r.field.code != '201'", "message": "The ERP answered @{code}."}
    hook = world.hook("export-evaluator", settings)

    good, bad = hook.call(world.annotation(code="201")), hook.call(world.annotation(code="422"))

    assert good == {"messages": []}
    assert kinds(bad) == [("error", "The ERP answered 422.")]


def test_the_purge_deletes_every_file_of_the_annotation_and_no_other(world):
    annotation, other = world.annotation(), world.annotation()
    for one in (annotation, other):
        world.store(one, "invoice", b"stale")
        world.store(one, "reply_body", b"stale")

    reply = world.hook("custom-format-templating-purge", {}).call(annotation)

    assert reply == {"messages": []}
    assert world.files(annotation) == {}
    assert [one for one in world.rossum.relations.values() if one.annotation == annotation.id] == []
    assert sorted(world.files(other)) == ["invoice", "reply_body"]
