"""Wrong uploads in the admin."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Sent

PDF = ("scan.pdf", b"%PDF-1.7", "application/pdf")

GOOD = {"queue": "QUEUE", "external_id": "d-2", "original": PDF}
"""What nobody has anything against."""

TABLE = (
    Sent("nothing", {"queue": "QUEUE"}, 200, "", "Give a file, fields, or both: there is nothing to take in yet.", "Choose a file."),
    Sent("no queue", {"original": PDF}, 200, "queue", "This field is required.", "Choose one."),
    Sent("a queue of somebody else's", {"queue": "999999", "original": PDF}, 200, "queue", "Select a valid choice. That choice is not one of the available choices.", "Choose one of the list."),
    Sent("fields that are no JSON", {"queue": "QUEUE", "external_id": "d", "fields_json": "{oops"}, 200, "fields_json", "This is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)", "Correct them."),
    Sent("fields as a text", {"queue": "QUEUE", "external_id": "d", "fields_json": '"INV-1"'}, 200, "", "content: The fields must be a list of sections, or one flat object.", "Write an object."),
    Sent("an object as a value", {"queue": "QUEUE", "external_id": "d", "fields_json": '{"total": {"v": 1}}'}, 200, "", "field.total: A value must be text, a number, true, false or null; this is an object.",
         "Write text."),
    Sent("no number", {"queue": "QUEUE", "external_id": "d", "fields_json": '{"a": NaN}'}, 200, "fields_json", "This is no JSON: NaN is no JSON number.", "Write null, or a text."),
    Sent("a NUL in a value", {"queue": "QUEUE", "external_id": "d", "fields_json": '{"a": "\\u0000"}'}, 200, "fields_json", "This is no JSON: text with \\u0000 or half a surrogate pair cannot be kept.",
         "Write it without."),
    Sent("a thousand levels", {"queue": "QUEUE", "external_id": "d", "fields_json": "[" * 5000}, 200, "fields_json", "This is nested deeper than 60 levels.", "Write the flat shape."),
    Sent("fields without an id", {"queue": "QUEUE", "fields_json": '{"a": "1"}'}, 200, "external_id", "Without a file the document needs an external id.", "Give it an id."),
    Sent("an id that is too long", {"queue": "QUEUE", "external_id": "x" * 201, "original": PDF}, 200, "external_id", "Ensure this value has at most 200 characters (it has 201).", "Shorten it."),
    Sent("an empty file", {"queue": "QUEUE", "original": ("a.pdf", b"", "application/pdf")}, 200, "original", "The submitted file is empty.", "Choose another."),
    Sent("a media type that is none", {"queue": "QUEUE", "original": ("a.pdf", b"%PDF", "pdf!")}, 200, "", 'original.media_type: "pdf!" is no media type. Send one such as application/pdf.', "Send it by API."),
)  # fmt: skip
