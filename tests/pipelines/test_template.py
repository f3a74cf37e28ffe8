"""Template: bodies, encodings, names and media types, and errors with their config and line."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from pipelines import mediatypes
from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Rejected
from pipelines.stages import template
from tests.pipelines.boxes import inbox, run

FIELDS = {"document_id": "A-1", "sender_name": "Łódź", "line_items": [{"qty": "1"}, {"qty": "2"}]}


def one(**options) -> dict:
    return {"export_configs": [{"export_reference_key": "out", **options}]}


def rendered(box=None, **options) -> Blob:
    return run(template, one(**options), box or inbox(FIELDS)).artifacts["out"]


def test_each_config_makes_one_file_under_its_key():
    config = {
        "export_configs": [
            {"export_reference_key": "a", "file_content_template": "{{ field.document_id }}"},
            {"export_id": "old", "file_content_template_multiline": ["{", ' "no": "{{ field.document_id }}"', "}"]},
        ]
    }

    outcome = run(template, config, inbox(FIELDS))

    assert {key: blob.read() for key, blob in outcome.artifacts.items()} == {"a": b"A-1", "old": b'{\n "no": "A-1"\n}'}
    assert template.writes(template.Config.model_validate(config)) == {"a", "old"}


@pytest.mark.parametrize(
    ("text", "media_type", "ending"),
    [
        ('{"a": 1}', "application/json", "json"),
        ("[1, 2]", "application/json", "json"),
        ("{not json}", "text/plain", "txt"),
        ("<?xml version='1.0'?><a/>", "application/xml", "xml"),
        ("\ufeff<a/>", "application/xml", "xml"),
        ("<!DOCTYPE html><p>", "text/html", "html"),
        ("a;b\n1;2\n", "text/csv", "csv"),
        ('a,b\n"x,y",2', "text/csv", "csv"),
        ("a\tb\nc\td", "text/csv", "csv"),
        ("Dear all,\nthis is a letter", "text/plain", "txt"),
        ("one line; only", "text/plain", "txt"),
        ("", "text/plain", "txt"),
    ],
)
def test_what_a_text_is(text, media_type, ending):
    assert mediatypes.guess(text) == (media_type, ending)


def test_a_file_has_a_name_and_a_type():
    blob = rendered(file_content_template="a;b\n1;2")

    assert (blob.name, blob.media_type) == ("out.csv", "text/csv")


def test_name_and_type_can_be_given():
    blob = rendered(
        file_content_template="x",
        file_name="inv/@{document_id}..\\@{missing}-@{document.id}.dat",
        media_type="application/edifact",
    )

    assert (blob.name, blob.media_type) == ("inv_A-1.._-7.dat", "application/edifact")


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-8", "Łódź".encode()),
        ("utf-8-sig", b"\xef\xbb\xbf" + "Łódź".encode()),
        ("iso-8859-2", "Łódź".encode("iso-8859-2")),
        ("utf-16-le", "Łódź".encode("utf-16-le")),
    ],
)
def test_text_is_written_in_its_encoding(encoding, content):
    assert rendered(file_content_template="{{ field.sender_name }}", content_encoding=encoding).read() == content


def test_a_character_that_cannot_be_written_names_itself_its_line_and_its_field():
    with pytest.raises(Rejected) as refused:
        rendered(file_content_template="a\n\n{{ field.sender_name }}", content_encoding="cp1252")

    assert refused.value.place == "config.export_configs[0] (out), field.sender_name"
    assert refused.value.message == (
        'cp1252 cannot write the character "Ł" (U+0141), on line 3 of the output. '
        "Correct the field sender_name, or choose utf-8 as the content_encoding."
    )


def test_half_a_character_cannot_be_written_even_in_utf_8():
    with pytest.raises(Rejected, match=r"half a character \(U\+D800\), on line 1"):
        rendered(inbox({"bad": "x\ud800"}), file_content_template="{{ field.bad }}")


def test_an_error_while_rendering_names_config_and_line():
    config = {
        "export_configs": [
            {"export_reference_key": "good", "file_content_template": "x"},
            {"export_reference_key": "bad", "file_content_template_multiline": ["a", "b", "{{ field.no.x }}"]},
        ]
    }

    with pytest.raises(Misconfigured) as refused:
        run(template, config, inbox(FIELDS))

    assert refused.value.place == "config.export_configs[1] (bad), line 3"


def test_a_json_template_is_a_body_too():
    rows = {"$FOR_EACH_SCHEMA_ID$": {"schema_id": "line_item", "mapping": {"q": "@{qty}"}}}

    blob = rendered(json_template={"id": "@{document_id}", "name": "@{sender_name}", "rows": rows})

    assert json.loads(blob.read()) == {"id": "A-1", "name": "Łódź", "rows": [{"q": "1"}, {"q": "2"}]}
    assert "Łódź".encode() in blob.read()
    assert (blob.name, blob.media_type) == ("out.json", "application/json")


def test_a_json_template_fits_into_every_encoding():
    assert json.loads(rendered(json_template=["@{sender_name}"], content_encoding="ascii").read()) == ["Łódź"]


def test_the_payload_and_the_original_are_there():
    box = inbox(FIELDS, payload={"document": {"id": 9}}, original=Blob.of(b"\xff\x00"))

    assert (
        rendered(box, file_content_template="{{ payload.document.id }} {{ file.original_file|b64encode }}").read()
        == b"9 /wA="
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"export_configs": []}, "renders 1 to 5 files; here are 0"),
        ({"export_configs": [{"export_reference_key": str(n), "json_template": 1} for n in range(6)]}, "here are 6"),
        (one() , "Give the body exactly once"),
        (one(file_content_template="", file_content_template_multiline=[]), "Give the body exactly once"),
        (one(file_content_template="x", json_template=1), "here are 2"),
        ({"export_configs": [{"export_reference_key": "a", "json_template": 1}] * 2}, '"a" stands twice'),
        ({"export_configs": [{"export_reference_key": " ", "json_template": 1}]}, "is blank"),
        ({"export_configs": [{"export_id": "a", "export_reference_key": "b", "json_template": 1}]}, "export_id"),
        (one(file_content_template="x", content_encoding="utf8000"), '"utf8000" is no text encoding'),
        (one(file_content_template="x", content_encoding="base64"), '"base64" is no text encoding'),
        (one(file_content_template="x", content_encoding="idna"), '"idna" is no text encoding'),
        (one(file_content_template="x", media_type="csv"), "written like text/csv"),
        (one(file_content_template_multiline=["a", "{% if %}"]), "line 2 of the template: Expected an expression"),
        (one(file_content_template="\n\n{{ x|nope }}"), "line 3 of the template: No filter named 'nope'"),
        (one(file_content_template="{% extends 'x' %}"), "line 1 of the template: a template stands alone"),
        (one(file_content_template="{{ " + "(" * 3000), "too deeply"),
        (one(file_content_template="x" * 300_000), "262,144"),
        (one(json_template={"$IF_SCHEMA_IDS$": {}}), "Did you mean $IF_SCHEMA_ID$?"),
        (one(file_content_template="x", encoding="utf-8"), "encoding"),
    ],
)  # fmt: skip
def test_a_wrong_config_is_refused_in_words(config, message):
    with pytest.raises(ValidationError) as refused:
        template.Config.model_validate(config)

    assert message in str(refused.value)


def test_an_empty_template_is_an_empty_file():
    assert rendered(file_content_template="").read() == b""
