"""Wrong documents sent to the API as JSON."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Sent


def body(**changes):
    return {"queue": "Invoices", "external_id": "d-1", "fields": {"document_id": "INV-1"}, **changes}


def original(**changes):
    return body(original={"name": "scan.pdf", "media_type": "application/pdf", "content": "JVBERi0=", **changes})


GOOD = body(external_id="d-2")
"""What nobody has anything against."""

TABLE = (
    Sent("no JSON", b'{"queue": "Invoices",}', 400, "body", "The body is not JSON: Expecting property name enclosed in double quotes at line 1, column 22.", "Send JSON."),
    Sent("no UTF-8", b'{"queue": "\xff"}', 400, "body", "The body is not UTF-8: byte 12 does not belong.", "Send UTF-8."),
    Sent("no number", b'{"queue": "Invoices", "fields": {"a": NaN}}', 400, "body", "The body is not JSON: NaN is no JSON number.", "Send null, or a text."),
    Sent("a thousand levels", b"[" * 1000 + b"]" * 1000, 400, "body", "The body is nested deeper than 60 levels.", "Send the flat shape."),
    Sent("a list", [], 400, "", "Invalid data. Expected a dictionary, but got list.", "Send an object."),
    Sent("no queue", {"external_id": "d-1"}, 400, "queue", "queue: This field is required.", "Name the queue."),
    Sent("an unknown queue", body(queue="Invoicse"), 400, "queue", 'queue: There is no queue \'Invoicse\'. Did you mean "Invoices"?', "Correct the name."),
    Sent("neither id nor original", {"queue": "Invoices", "fields": {"a": "1"}}, 422, "external_id", "external_id: Give an external_id: without an original there is nothing else to know the document by.", "Send an id."),
    Sent("an id that is too long", body(external_id="x" * 201), 400, "external_id", "external_id: Ensure this field has no more than 200 characters.", "Shorten it."),
    Sent("an id of control characters", body(external_id="a\u0007b"), 422, "external_id", "external_id: The id holds a control character. Send it without.", "Send it without."),
    Sent("fields as a text", body(fields="INV-1"), 400, "fields", "fields: The fields are an object, or a list of sections.", "Send an object."),
    Sent("an object as a value", body(fields={"total": {"value": 1}}), 422, "field.total", "field.total: A value must be text, a number, true, false or null; this is an object.", "Send text, or a list of rows."),
    Sent("a section without a name", body(fields=[{"category": "section"}]), 422, "content[0].schema_id", "content[0].schema_id: Every node names its field in schema_id.", "Add schema_id."),
    Sent("a NUL in a value", b'{"queue": "Invoices", "external_id": "d", "fields": {"a": "x\\u0000"}}', 400, "body", "The body is not JSON: text with \\u0000 or half a surrogate pair cannot be kept.", "Send it without."),
    Sent("a value that is too long", body(fields={"a": "x" * 100_001}), 422, "field.a", "field.a: The value has 100,001 characters; 100,000 are the most.", "Keep it in the original."),
    Sent("an original that is no base64", original(content="%%%"), 400, "original.content", "original.content: This is not base64: Only base64 data is allowed.", "Encode it."),
    Sent("an empty original", original(content=""), 400, "original.content", "original.content: The file is empty. Send it again, or send the fields without an original.", "Send the file, or none."),
    Sent("a media type that is none", original(media_type="pdf"), 400, "original.media_type", "original.media_type: This is no media type. Send one such as application/pdf.", "Send application/pdf."),
    Sent("metadata as a list", body(metadata=[1]), 400, "metadata", "metadata: This must be an object.", "Send an object."),
    Sent("metadata that are too large", body(metadata={"a": "x" * 5000}), 422, "metadata", "metadata: The metadata have 5,009 bytes; 4,096 are the most.", "Send less."),
    Sent("a yes that is none", body(confirmed="perhaps"), 400, "confirmed", "confirmed: Must be a valid boolean.", "Send true or false."),
    Sent("a member that is unknown", body(feilds={"a": "1"}), 400, "feilds", 'feilds: This is unknown here. Did you mean "fields"?', "Correct the name."),
)  # fmt: skip
