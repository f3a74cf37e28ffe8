"""Wrong documents, way by way: the API as JSON and as a form, the import command, the upload page."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Sent

PDF = ("scan.pdf", b"%PDF-1.7", "application/pdf")
GOOD = {"queue": "Invoices", "external_id": "d-1", "fields": {"document_id": "INV-1"}}
"""What no row has anything against."""


def body(**changes):
    return {**GOOD, **changes}


def original(**changes):
    return body(original={"name": "scan.pdf", "media_type": "application/pdf", "content": "JVBERi0=", **changes})


def form(**changes):
    return {"queue": "Invoices", "external_id": "d-1", "fields": '{"document_id": "INV-1"}', **changes}


def entry(**changes):
    return {"name": "d-1", "fields": "d-1.json", **changes}


def folder(*entries, words=(), **files):
    given = {"index.json": list(entries), "d-1.json": {"document_id": "INV-1"}}
    return {**given, **{name.replace("_", "."): content for name, content in files.items()}}, list(words)


API_JSON = (
    Sent("no JSON", b'{"queue": "Invoices",}', TOLD, "Send JSON."),
    Sent("no UTF-8", b'{"queue": "\xff"}', TOLD, "Send UTF-8."),
    Sent("no number", b'{"queue": "Invoices", "fields": {"a": NaN}}', TOLD, "Send null, or a text."),
    Sent("a thousand levels", b"[" * 1000 + b"]" * 1000, TOLD, "Send the flat shape."),
    Sent("a list", [], TOLD, "Send an object."),
    Sent("no queue", {"external_id": "d-1"}, TOLD, "Name the queue."),
    Sent("an unknown queue", body(queue="Invoicse"), TOLD, "Correct the name."),
    Sent("neither id nor original", {"queue": "Invoices", "fields": {"a": "1"}}, TOLD, "Send an id."),
    Sent("an id that is too long", body(external_id="x" * 201), TOLD, "Shorten it."),
    Sent("an id of control characters", body(external_id="a\u0007b"), TOLD, "Send it without."),
    Sent("fields as a text", body(fields="INV-1"), TOLD, "Send an object."),
    Sent("an object as a value", body(fields={"total": {"value": 1}}), TOLD, "Send text, or a list of rows."),
    Sent("a section without a name", body(fields=[{"category": "section"}]), TOLD, "Add schema_id."),
    Sent("a NUL in a value", b'{"queue": "Invoices", "external_id": "d", "fields": {"a": "x\\u0000"}}', TOLD, "Send it without."),
    Sent("a value that is too long", body(fields={"a": "x" * 100_001}), TOLD, "Keep it in the original."),
    Sent("an original that is no base64", original(content="%%%"), TOLD, "Encode it."),
    Sent("an empty original", original(content=""), TOLD, "Send the file, or none."),
    Sent("a media type that is none", original(media_type="pdf"), TOLD, "Send application/pdf."),
    Sent("metadata as a list", body(metadata=[1]), TOLD, "Send an object."),
    Sent("metadata that are too large", body(metadata={"a": "x" * 5000}), TOLD, "Send less."),
    Sent("a yes that is none", body(confirmed="perhaps"), TOLD, "Send true or false."),
    Sent("a member that is unknown", body(feilds={"a": "1"}), TOLD, "Correct the name."),
)  # fmt: skip

API_FORM = (
    Sent("fields that are no JSON", form(fields="{oops}"), TOLD, "Send JSON."),
    Sent("no queue", {"original": PDF}, TOLD, "Name the queue."),
    Sent("an empty file", form(original=("scan.pdf", b"", "application/pdf")), TOLD, "Send the file."),
    Sent("a text for a file", form(original="scan.pdf"), TOLD, "Send the bytes, not the name."),
    Sent("nothing to know it by", {"queue": "Invoices"}, TOLD, "Send an id or a file."),
    Sent("an object as a value", form(fields='{"total": {"value": 1}}'), TOLD, "Send text, or a list of rows."),
    Sent("metadata that are no object", form(metadata="[1]"), TOLD, "Send an object."),
    Sent("a file name with a path", form(original=("../../etc/passwd", b"%PDF", "application/pdf")), TOLD,
         "Nothing: the last part is kept."),
)  # fmt: skip

COMMAND = (
    Sent("no such folder", ({}, ["--queue", "Invoices", "NOWHERE"]), TOLD, "Correct the path."),
    Sent("an empty folder", ({}, []), TOLD, "Put documents there."),
    Sent("an unknown queue", folder(entry(), words=["--queue", "Invoicse"]), TOLD, "Correct the name."),
    Sent("an unknown organization", folder(entry(), words=["--queue", "Invoices", "--organization", "acmee"]), TOLD,
         "Correct the name."),
    Sent("an export of what is not confirmed", folder(entry(), words=["--queue", "Invoices", "--export"]), TOLD,
         "Add --confirmed."),
    Sent("an index that is no JSON", ({"index.json": b"[{]"}, []), TOLD, "Correct it."),
    Sent("an index that is no list", ({"index.json": {}}, []), TOLD, "Write a list."),
    Sent("an entry of nothing", folder({"name": "d-1"}), TOLD, "Name a file."),
    Sent("an entry without a name", folder({"fields": "d-1.json"}), TOLD, "Name it."),
    Sent("a name twice", folder(entry(), entry()), TOLD, "Take one out."),
    Sent("a file that is missing", folder(entry(original="gone.pdf")), TOLD, "Add the file."),
    Sent("a file outside", folder(entry(fields="../../etc/passwd")), TOLD, "Copy it into the folder."),
    Sent("fields that are no JSON", folder(entry(fields="bad.json"), bad_json=b'{"a": 1,}'), TOLD, "Correct them."),
    Sent("fields in Latin-1", folder(entry(fields="bad.json"), bad_json=b'{"a": "\xe9"}'), TOLD, "Save them as UTF-8."),
    Sent("an empty original", folder(entry(original="e.pdf"), e_pdf=b""), TOLD, "Copy it again."),
    Sent("another file than was meant", folder(entry(original="e.pdf", sha256="0" * 64), e_pdf=b"%PDF"), TOLD,
         "Copy it again."),
    Sent("two originals of one name", ({"a.pdf": b"%PDF", "a.tif": b"II*"}, []), TOLD, "Rename one, or write an index."),
)  # fmt: skip

ADMIN = (
    Sent("nothing", {"queue": "QUEUE"}, TOLD, "Choose a file."),
    Sent("no queue", {"original": PDF}, TOLD, "Choose one."),
    Sent("a queue of somebody else's", {"queue": "999999", "original": PDF}, TOLD, "Choose one of the list."),
    Sent("fields that are no JSON", {"queue": "QUEUE", "external_id": "d", "fields_json": "{oops"}, TOLD, "Correct them."),
    Sent("fields as a text", {"queue": "QUEUE", "external_id": "d", "fields_json": '"INV-1"'}, TOLD, "Write an object."),
    Sent("an object as a value", {"queue": "QUEUE", "external_id": "d", "fields_json": '{"total": {"v": 1}}'}, TOLD,
         "Write text."),
    Sent("no number", {"queue": "QUEUE", "external_id": "d", "fields_json": '{"a": NaN}'}, TOLD, "Write null, or a text."),
    Sent("a NUL in a value", {"queue": "QUEUE", "external_id": "d", "fields_json": '{"a": "\\u0000"}'}, TOLD,
         "Write it without."),
    Sent("a thousand levels", {"queue": "QUEUE", "external_id": "d", "fields_json": "[" * 5000}, TOLD, "Write the flat shape."),
    Sent("fields without an id", {"queue": "QUEUE", "fields_json": '{"a": "1"}'}, TOLD, "Give it an id."),
    Sent("an id that is too long", {"queue": "QUEUE", "external_id": "x" * 201, "original": PDF}, TOLD, "Shorten it."),
    Sent("an empty file", {"queue": "QUEUE", "original": ("a.pdf", b"", "application/pdf")}, TOLD, "Choose another."),
    Sent("a media type that is none", {"queue": "QUEUE", "original": ("a.pdf", b"%PDF", "pdf!")}, TOLD, "Send it by API."),
)  # fmt: skip
