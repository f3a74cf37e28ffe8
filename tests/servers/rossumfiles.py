"""Documents, their files and their relations, and the operations on a content tree, as the stand-in Rossum has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.servers.http import Answer, Seen, reply
from tests.servers.rossumobjects import Document, Refusal, Relation, body_of

if TYPE_CHECKING:
    from tests.servers.rossum import Rossum

Query = dict[str, list[str]]


def get_document(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    return reply(200, _document(account, ids[0]).told(account.url))


def get_file(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    document = _document(account, ids[0])
    return reply(
        200,
        document.data,
        headers={
            "Content-Type": document.media_type,
            "Content-Disposition": f'attachment; filename="{document.name}"',
        },
    )


def post_documents(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    """Multipart with a part `content`, or the bytes themselves with a Content-Disposition."""
    media_type = seen.header("Content-Type") or ""
    if media_type.startswith("multipart/form-data"):
        part = next(
            (one for one in seen.parts() if one.get_param("name", header="content-disposition") == "content"), None
        )
        if part is None or not part.get_filename():
            raise Refusal(400, {"content": ["No file was submitted."]})
        data = part.get_payload(decode=True)
        document = Document(str(part.get_filename()), bytes(data or b""), part.get_content_type())
    else:
        disposition = seen.header("Content-Disposition") or ""
        named = re.search(r"filename\*=utf-8''([^;]+)|filename=\"?([^\";]+)", disposition, re.IGNORECASE)
        if named is None:
            raise Refusal(400, {"detail": "Missing filename."})
        name = unquote(named[1]) if named[1] else named[2]
        document = Document(name, seen.body, media_type or "application/octet-stream")
    account.documents[document.id] = document
    return reply(201, document.told(account.url))


def patch_document(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    document, given = _document(account, ids[0]), body_of(seen)
    if unknown := sorted(set(given) - {"metadata"}):
        raise Refusal(400, {unknown[0]: ["This field is read-only."]})
    document.metadata = given.get("metadata", document.metadata)
    return reply(200, document.told(account.url))


def delete_document(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    document = _document(account, ids[0])
    if document.annotations:
        raise Refusal(409, "Datapoints refer to this document.")
    del account.documents[document.id]
    for relation in account.relations.values():
        relation.documents = [one for one in relation.documents if one != document.id]
    return reply(204)


def get_relations(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    def wanted(name: str) -> set[str]:
        return {part for value in query.get(name, []) for part in value.split(",") if part}

    found = [
        one
        for one in sorted(account.relations.values(), key=lambda one: -one.id)
        if (not wanted("annotation") or str(one.annotation) in wanted("annotation"))
        and (not wanted("key") or one.key in wanted("key"))
        and (not wanted("type") or one.type in wanted("type"))
        and (not wanted("documents") or wanted("documents") & set(map(str, one.documents)))
    ]
    page, rows = account._page(found, query, most=100)
    return reply(200, {"pagination": page, "results": [one.told(account.url) for one in rows]})


def get_relation(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    return reply(200, _relation(account, ids[0]).told(account.url))


def post_relations(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    given = body_of(seen)
    made = Relation(_id(given.get("annotation"), "annotation"), given.get("key"), _ids(account, given.get("documents")))
    made.type = given.get("type") or "export"
    account.found(made.annotation)
    if made.type not in {"export", "einvoice"}:
        raise Refusal(400, {"type": [f'"{made.type}" is not a valid choice.']})
    same = (made.type, made.key, made.annotation)
    if any((one.type, one.key, one.annotation) == same for one in account.relations.values()):
        raise Refusal(400, {"non_field_errors": ["The fields type, key, annotation must make a unique set."]})
    account.relations[made.id] = made
    return reply(201, made.told(account.url))


def patch_relation(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    relation, given = _relation(account, ids[0]), body_of(seen)
    if "documents" in given:
        relation.documents = _ids(account, given["documents"])
    if "key" in given:
        relation.key = given["key"]
    return reply(200, relation.told(account.url))


put_relation = patch_relation


def delete_relation(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    relation = _relation(account, ids[0])
    if relation.documents:
        raise Refusal(400, {"documents": ["Delete the documents first."]})
    del account.relations[relation.id]
    return reply(204)


def post_operations(account: Rossum, seen: Seen, ids: list[int], query: Query) -> Answer:
    """`replace` of a datapoint's value; the rest of the operations is not pretended."""
    annotation = account.found(ids[0])
    for operation in body_of(seen).get("operations", []):
        if operation.get("op") != "replace":
            raise Refusal(400, {"operations": ["The stand-in only replaces."]})
        node = next((one for one in nodes(annotation.content) if str(one["id"]) == str(operation["id"])), None)
        if node is None:
            raise Refusal(400, {"operations": [f"There is no node {operation['id']}."]})
        node["content"].update(operation["value"]["content"])
    return reply(200, {"content": annotation.content})


def nodes(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for node in content for one in (node, *nodes(node.get("children") or []))]


def _document(account: Rossum, number: int) -> Document:
    if number not in account.documents:
        raise Refusal(404, "Not found.")
    return account.documents[number]


def _relation(account: Rossum, number: int) -> Relation:
    if number not in account.relations:
        raise Refusal(404, "Not found.")
    return account.relations[number]


def _id(url: Any, name: str) -> int:
    last = str(url or "").rpartition("/")[2]
    if not last.isdigit():
        raise Refusal(400, {name: ["Invalid hyperlink - No URL match."]})
    return int(last)


def _ids(account: Rossum, urls: Any) -> list[int]:
    found = [_id(url, "documents") for url in urls or []]
    for one in found:
        _document(account, one)
    return found
