"""Wrong documents sent to the API as a form."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Sent

PDF = ("scan.pdf", b"%PDF-1.7", "application/pdf")


def form(**changes):
    return {"queue": "Invoices", "external_id": "d-1", "fields": '{"document_id": "INV-1"}', **changes}


GOOD = form(external_id="d-2", original=PDF)
"""What nobody has anything against."""

TABLE = (
    Sent("fields that are no JSON", form(fields="{oops}"), 400, "fields", "fields: This part is not JSON: Expecting property name enclosed in double quotes at line 1, column 2.", "Send JSON."),
    Sent("no queue", {"original": PDF}, 400, "queue", "queue: This field is required.", "Name the queue."),
    Sent("an empty file", form(original=("scan.pdf", b"", "application/pdf")), 422, "original", "original: The file is empty. Send it again, or send the fields without an original.", "Send the file."),
    Sent("a text for a file", form(original="scan.pdf"), 400, "original", "original: This part is no file: send the bytes with a filename, not the name alone.", "Send the bytes, not the name."),
    Sent("nothing to know it by", {"queue": "Invoices"}, 422, "external_id", "external_id: Give an external_id: without an original there is nothing else to know the document by.", "Send an id or a file."),
    Sent("an object as a value", form(fields='{"total": {"value": 1}}'), 422, "field.total", "field.total: A value must be text, a number, true, false or null; this is an object.", "Send text, or a list of rows."),
    Sent("metadata that are no object", form(metadata="[1]"), 400, "metadata", "metadata: This must be an object.", "Send an object."),
    Sent("a file name with a path", form(original=("../../etc/passwd", b"%PDF", "application/pdf")), 201, "", "",
         "Nothing: the last part is kept.", comes_in=1),
)  # fmt: skip
