"""Wrong folders given to the import command."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Sent


def entry(**changes):
    return {"name": "d-1", "fields": "d-1.json", **changes}


def folder(*entries, words=(), **files):
    given = {"index.json": list(entries), "d-1.json": {"document_id": "INV-1"}}
    return {**given, **{name.replace("_", "."): content for name, content in files.items()}}, list(words)


GOOD = folder(entry(name="d-2"))
"""What nobody has anything against."""

TABLE = (
    Sent("no such folder", ({}, ["--queue", "Invoices", "NOWHERE"]), 1, "", "FOLDER/nowhere: There is no such folder.", "Correct the path."),
    Sent("an empty folder", ({}, []), 1, "", "FOLDER: There is nothing to import: no index.json, no fields, no originals.", "Put documents there."),
    Sent("an unknown queue", folder(entry(), words=["--queue", "Invoicse"]), 1, "", 'There is no queue "Invoicse". Did you mean "Invoices"?', "Correct the name."),
    Sent("an unknown organization", folder(entry(), words=["--queue", "Invoices", "--organization", "acmee"]), 1, "", 'There is no organization "acmee". Did you mean "acme"?',
         "Correct the name."),
    Sent("an export of what is not confirmed", folder(entry(), words=["--queue", "Invoices", "--export"]), 1, "", "--export needs --confirmed: only confirmed documents are exported.",
         "Add --confirmed."),
    Sent("an index that is no JSON", ({"index.json": b"[{]"}, []), 1, "", "FOLDER/index.json: line 1, column 3: A key in double quotes should stand here, not ]", "Correct it."),
    Sent("an index that is no list", ({"index.json": {}}, []), 1, "", 'FOLDER/index.json: The index is a list: [{"name": …, "original": …, "fields": …}].', "Write a list."),
    Sent("an entry of nothing", folder({"name": "d-1"}), 1, "", "d-1: The entry names neither an original nor fields. 1 refused, each named above. Correct them and run it again.", "Name a file."),
    Sent("an entry without a name", folder({"fields": "d-1.json"}), 1, "", "entry 1 of index.json: The entry has no name. 1 refused, each named above. Correct them and run it again.", "Name it."),
    Sent("a name twice", folder(entry(), entry()), 1, "", 'd-1: "d-1" stands twice in index.json. 1 refused, each named above. Correct them and run it again.', "Take one out.", comes_in=1),
    Sent("a file that is missing", folder(entry(original="gone.pdf")), 1, "", "d-1: original: There is no file gone.pdf. 1 refused, each named above. Correct them and run it again.", "Add the file."),
    Sent("a file outside", folder(entry(fields="../../etc/passwd")), 1, "", "d-1: fields: ../../etc/passwd lies outside the folder. 1 refused, each named above. Correct them and run it again.", "Copy it into the folder."),
    Sent("fields that are no JSON", folder(entry(fields="bad.json"), bad_json=b'{"a": 1,}'), 1, "", "bad.json: line 1, column 8: The comma before } is one too many: delete it. 1 refused, each named above. Correct them and run it again.", "Correct them."),
    Sent("fields in Latin-1", folder(entry(fields="bad.json"), bad_json=b'{"a": "\xe9"}'), 1, "", "bad.json: This is not UTF-8 text (byte 7). 1 refused, each named above. Correct them and run it again.", "Save them as UTF-8."),
    Sent("an empty original", folder(entry(original="e.pdf"), e_pdf=b""), 1, "", "d-1.json: original: The file is empty. Send it again, or send the fields without an original. 1 refused, each named above. Correct them and run it again.", "Copy it again."),
    Sent("another file than was meant", folder(entry(original="e.pdf", sha256="0" * 64), e_pdf=b"%PDF"), 1, "", "d-1.json: e.pdf is not the file that index.json names: its sha256 differs. 1 refused, each named above. Correct them and run it again.",
         "Copy it again."),
    Sent("two originals of one name", ({"a.pdf": b"%PDF", "a.tif": b"II*"}, []), 1, "", "a: These belong to one document, and only one original can: a.pdf, a.tif. 1 refused, each named above. Correct them and run it again.", "Rename one, or write an index."),
)  # fmt: skip
