"""Names of files and folders at the other side, made from a template and a document (docs/stages/file_storage.md).

What a document says is cleaned before it becomes part of a path: it can name a file, never leave its folder.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from pipelines.blobs import Blob
from pipelines.contract import Inbox
from pipelines.errors import Misconfigured, Rejected
from pipelines.fields import text_of
from pipelines.transports.placeholders import known

PLACEHOLDER = re.compile(r"\{\s*([^{}]*?)\s*\}")
FACTS = frozenset(["annotation.id", "document.id", "document.external_id", "document.original_file_name", "queue.id"])
"""Placeholders besides schema ids."""
LONGEST = 255
"""Bytes of one name, on almost every file system."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?\Z")
_SCHEMA_ID = re.compile(r"[A-Za-z_][\w-]*\Z")


def problem(template: str) -> str:
    """What is wrong with a template whatever the document; empty where nothing is."""
    for name in PLACEHOLDER.findall(template):
        if name not in FACTS and not _SCHEMA_ID.match(name):
            return f"{{{name}}} is unknown. Known are the queue's field ids and {', '.join(sorted(FACTS))}."
    bare = PLACEHOLDER.sub("", template)
    if "{" in bare or "}" in bare:
        return "A { or } stands alone; placeholders are written {document.id} or {field_id}."
    if any(part == ".." for part in PLACEHOLDER.sub("x", template).replace("\\", "/").split("/")):
        return "A path may not lead upwards (..)."
    if any(unicodedata.category(character) == "Cc" for character in bare):
        return "There is a control character in it."
    return ""


def file_name(template: str, inbox: Inbox, place: str) -> str:
    """One file's name. Raises Rejected where the document's fields make none, Misconfigured for an unknown field."""
    values = {name: _clean(_value(name, inbox, place)) for name in PLACEHOLDER.findall(template)}
    if values and not any(values.values()):
        empty = ", ".join(sorted(values))
        raise Rejected(f"The file would have no name: {empty} is empty in this document.", place=place)
    filled = PLACEHOLDER.sub(lambda found: values[found[1]], template)
    return _safe(filled, hidden=template.startswith(".")) or _nameless(template, place)


def folder(template: str, inbox: Inbox, place: str, *, paths: Collection[str] = ()) -> str:
    """The folder; a value may span several levels only where its field is in `paths`. A leading / stays."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        text = _value(name, inbox, place)
        parts = text.split("/") if name in paths else [text]
        cleaned = "/".join(kept for part in parts if (kept := _safe(_clean(part), hidden=False)))
        if not cleaned:
            raise Rejected(f"The folder cannot be named: {name} is empty in this document.", place=place)
        return cleaned

    filled = PLACEHOLDER.sub(value, template.replace("\\", "/"))
    parts = [_safe(part, hidden=part.startswith(".")) for part in filled.split("/") if part not in {"", "."}]
    return ("/" if filled.startswith("/") else "") + "/".join(parts)


def given(folder: str, name: str, place: str) -> str:
    """The path that a file came with, each part cleaned. Raises Rejected where it leads upwards or names nothing."""
    parts = [part for part in folder.replace("\\", "/").split("/") if part not in {"", "."}]
    if ".." in parts:
        raise Rejected(f"The folder that this file came with leads upwards: {folder}.", place=place)
    cleaned = [_safe(_clean(part), hidden=False) for part in (*parts, name)]
    if not all(cleaned):
        raise Rejected(f"This file came with a name that is no usable one: {folder}/{name}.", place=place)
    return "/".join(cleaned)


def with_extension(name: str, original: Blob, file_name: str) -> str:
    """`name` with the original's extension, unless it has that already."""
    extension = PurePosixPath(_clean(file_name or original.name)).suffix
    extension = extension or mimetypes.guess_extension(original.media_type.partition(";")[0].strip()) or ""
    if not extension or name.lower().endswith(extension.lower()):
        return name
    return _shortened(name + extension)


def _value(name: str, inbox: Inbox, place: str) -> str:
    facts = known(inbox)
    if name in facts:
        return facts[name]
    node = inbox.fields.datapoint(name)
    if node is not None:
        return text_of(node)
    found = [node for node in inbox.fields.find(name) if node.get("category") == "datapoint"]
    if found or inbox.fields.find(name):
        message = f"{{{name}}} stands in a table, so it has no one value that could name a file."
        raise Misconfigured(message, place=place)
    if name in _ids(inbox.schema):
        return ""
    message = f"{{{name}}} is no field of this document. Known besides its fields are {', '.join(sorted(FACTS))}."
    raise Misconfigured(message, place=place)


def _ids(schema: Sequence[object]) -> set[str]:
    found: set[str] = set()
    stack: list[object] = list(schema)
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found.add(str(node.get("id", "")))
            children = node.get("children") or ()
            stack.extend([children] if isinstance(children, dict) else children)
    return found


def _clean(text: str) -> str:
    """Separators become _, what cannot be seen goes: control and format characters (they can turn a name round)."""
    normal = unicodedata.normalize("NFC", text)
    seen = "".join(
        " " if character in "\t\r\n" else character
        for character in normal
        if character in "\t\r\n" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    return " ".join(seen.replace("/", "_").replace("\\", "_").split())


def _safe(name: str, *, hidden: bool) -> str:
    """A whole name: not hidden unless the template is, no device of Windows, not too long; empty if none is left."""
    name = name.replace("/", "_").replace("\\", "_").strip().rstrip(". ")
    if not hidden:
        name = name.lstrip(". ")
    if _RESERVED.match(name):
        name = f"_{name}"
    return _shortened(name)


def _shortened(name: str) -> str:
    """At most 255 bytes; what was cut stays distinct by a digest of the whole."""
    if len(name.encode()) <= LONGEST:
        return name
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= 20 else ""
    end = f"~{hashlib.sha256(name.encode()).hexdigest()[:8]}{suffix}"
    stem = name.encode()[: LONGEST - len(end.encode())].decode(errors="ignore")
    return stem.rstrip(". ") + end


def _nameless(template: str, place: str) -> str:
    raise Rejected(f"{template} makes no usable file name for this document.", place=place)
