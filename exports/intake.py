"""What a document may be on its way in: ids, names, media types, sizes, text that a database can keep.

Every refusal is a Rejected that names the place and says what to do. No database here.
"""

from __future__ import annotations

import json
import mimetypes
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from typing import Any

from django.conf import settings

from pipelines import formulas, schemas, shapes
from pipelines.blobs import Blob
from pipelines.errors import Rejected
from pipelines.fields import Content, Node

MAX_EXTERNAL_ID = 200
MAX_FILE_NAME = 255
MAX_MEDIA_TYPE = 100
MAX_METADATA = 4096
"""Bytes of JSON; Rossum's limit for an object's metadata."""
MAX_SCHEMA_ID = 200
MAX_NODES = 100_000
MAX_TEXT = 100_000
"""Characters in one value. Rossum's own limit of 1,500 holds for what stages write, not for what senders captured."""

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_UNKNOWN = "application/octet-stream"


def tree(given: Any, schema: Any) -> Content:
    """Fields as they came, in the schema's shape, formulas worked out. Raises Rejected."""
    content = given if isinstance(given, Content) else shapes.parse({} if given is None else given)
    nodes = 0
    for node in content.nodes():
        nodes += 1
        _check_node(node)
    if nodes > MAX_NODES:
        raise Rejected(f"The fields have {nodes:,} nodes; {MAX_NODES:,} are the most.", place="fields")
    return whole(content, schema)


def whole(content: Content, schema: Any) -> Content:
    """Complete by the schema, with fresh formulas."""
    return formulas.recompute(schemas.complete(content, schema), schema)[0]


def external_id(given: str, original: Blob | None) -> str:
    """The sender's id; where there is none, the sha256 of the original stands for it."""
    name = given.strip()
    if not name:
        if original is None:
            message = "Give an external_id: without an original there is nothing else to know the document by."
            raise Rejected(message, place="external_id")
        return original.sha256
    if len(name) > MAX_EXTERNAL_ID:
        message = f"The id has {len(name)} characters; {MAX_EXTERNAL_ID} are the most."
        raise Rejected(message, place="external_id")
    if bad := _unprintable(name):
        raise Rejected(f"The id holds {bad}. Send it without.", place="external_id")
    return name


def file_name(given: str) -> str:
    """The last part of a path, without what file systems and headers stumble over, its extension kept when cut."""
    name = unicodedata.normalize("NFC", given.replace("\\", "/").rsplit("/", 1)[-1])
    name = "".join(" " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char for char in name)
    name = " ".join("".join(char for char in name if unicodedata.category(char) != "Cf").split()).strip()
    if set(name) <= {"."}:
        return ""
    if len(name) > MAX_FILE_NAME:
        stem, dot, extension = name.rpartition(".")
        kept = f"{dot}{extension}" if stem and len(extension) <= 20 else ""
        name = name[: MAX_FILE_NAME - len(kept)] + kept
    return name


def media_type(given: str, name: str) -> str:
    """As declared, without parameters; guessed from the name where nothing useful was declared."""
    plain = given.split(";", 1)[0].strip().lower()
    if not plain or plain == _UNKNOWN:
        return mimetypes.guess_type(name)[0] or _UNKNOWN
    if len(plain) > MAX_MEDIA_TYPE or not _MEDIA_TYPE.fullmatch(plain):
        message = f'"{plain[:60]}" is no media type. Send one such as application/pdf.'
        raise Rejected(message, place="original.media_type")
    return plain


def check_original(original: Blob) -> None:
    most = settings.MAX_ORIGINAL_BYTES
    if original.size > most:
        message = f"The file has {original.size:,} bytes; {most:,} are the most (WAYBILL_MAX_ORIGINAL_BYTES)."
        raise Rejected(message, place="original")
    if original.size == 0:
        message = "The file is empty. Send it again, or send the fields without an original."
        raise Rejected(message, place="original")


def metadata(given: Any) -> dict[str, Any]:
    """Raises Rejected where it is no object, too large, or holds what no database keeps."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Rejected("The metadata are a JSON object.", place="metadata")
    try:
        text = json.dumps(given, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Rejected(f"The metadata are no JSON: {error}.", place="metadata") from error
    for place, value in _texts(given, "metadata"):
        if bad := _unkeepable(value):
            raise Rejected(f"This holds {bad}. Send it without.", place=place)
    if len(text.encode()) > MAX_METADATA:
        message = f"The metadata have {len(text.encode()):,} bytes; {MAX_METADATA:,} are the most."
        raise Rejected(message, place="metadata")
    return given


def differing(old: Content, new: Content) -> list[str]:
    """The schema ids of header fields and tables in which two trees differ; node ids do not count."""
    before, after = _by_field(old), _by_field(new)
    return [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]


def merged(now: Content, sent: Content, names: Collection[str]) -> Content:
    """`now` with the fields of these names as they were sent; everything else, what people corrected and what stages
    wrote, stays. A field that was sent no more goes."""
    fresh = count(max((int(node.get("id") or 0) for node in now.nodes()), default=0) + 1)
    coming = {
        node["schema_id"]: (section, _renumbered(node, fresh))
        for section in sent.sections
        for node in section.get("children") or ()
        if node["schema_id"] in names
    }
    sections: list[Node] = []
    for section in now.sections:
        children = []
        for node in section.get("children") or ():
            if node["schema_id"] not in names:
                children.append(node)
            elif node["schema_id"] in coming:
                children.append(coming.pop(node["schema_id"])[1])
        sections.append({**section, "children": children})
    for section, node in coming.values():
        home = next((one for one in sections if one.get("schema_id") == section.get("schema_id")), None)
        if home is None:
            home = {**section, "id": next(fresh), "children": []}
            sections.append(home)
        home["children"].append(node)
    return Content(sections)


def _renumbered(node: Node, fresh: Iterator[int]) -> Node:
    made = {**node, "id": next(fresh)}
    if "children" in node:
        made["children"] = [_renumbered(child, fresh) for child in node["children"] or ()]
    return made


def _by_field(content: Content) -> dict[str, Any]:
    return {
        node["schema_id"]: _bare(node) for section in content.sections for node in section.get("children") or ()
    }  # fmt: skip


def _bare(node: Node) -> Any:
    if node.get("category") == "datapoint":
        content = node.get("content") or {}
        return content.get("value") or "", content.get("normalized_value") or ""
    return [(child.get("schema_id"), _bare(child)) for child in node.get("children") or ()]


def _check_node(node: Node) -> None:
    name = node["schema_id"]
    if not name.strip() or len(name) > MAX_SCHEMA_ID or _unprintable(name):
        message = f"Every field has a name of 1 to {MAX_SCHEMA_ID} printable characters."
        raise Rejected(message, place=f"field.{name[:40]!r}")
    for place, text in _texts(node.get("content"), f"field.{name}"):
        if bad := _unkeepable(text):
            raise Rejected(f"The value holds {bad}. Send it without.", place=place)
        if len(text) > MAX_TEXT:
            raise Rejected(f"The value has {len(text):,} characters; {MAX_TEXT:,} are the most.", place=place)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield place, str(key)
            yield from _texts(member, place)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, place)


def _unkeepable(text: str) -> str:
    if "\0" in text:
        return "a NUL character"
    return "half a surrogate pair" if any("\ud800" <= char <= "\udfff" for char in text) else ""


def _unprintable(text: str) -> str:
    return _unkeepable(text) or (
        "a control character" if any(unicodedata.category(char) == "Cc" for char in text) else ""
    )  # fmt: skip
