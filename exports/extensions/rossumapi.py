"""Rossum's API as the extensions use it, with the token of a call: files read from an annotation's document relations
and written there. Every exchange is noted for the attempt's history, without the token."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from typing import Any

from django.conf import settings
from django.utils import timezone

from exports.wire.rossum.hookpayload import HookCall, id_of
from pipelines.blobs import Blob
from pipelines.errors import StageError, Unavailable, Unconfirmed
from pipelines.transports.guard import Egress
from pipelines.transports.http import Client, Part, Reply, Request

TIMEOUT = 20.0
TRIES = 3
LONGEST_WAIT = 5.0
"""Seconds between two tries, whatever Retry-After says: a call has little time."""
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
PAGES = 20
"""Of 100 relations each: an annotation has a handful."""
REPLY_BYTES = 5 * 1024 * 1024


class RossumError(Exception):
    """Rossum's API did not do what a call needs. The message is for the person who reads the annotation's messages."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One exchange with Rossum, as its history shows it."""

    method: str
    url: str
    begun_at: datetime
    ended_at: datetime
    status: int | None
    request_size: int
    request_sha256: str
    reply_size: int
    error: str
    timings: Mapping[str, Any]


class RossumApi:
    """For one call. `beat` is called before every request: the work goes on."""

    def __init__(self, call: HookCall, egress: Egress, client: Client, beat: Callable[[], None]) -> None:
        self._call = call
        self._egress = egress
        self._client = client
        self._beat = beat
        self.noted: list[Noted] = []

    def relations(self, key: str = "") -> list[dict[str, Any]]:
        """The annotation's relations of the type export, or the one with this key."""
        query = f"type=export&annotation={self._call.annotation_id}&page_size=100"
        found: list[dict[str, Any]] = []
        for page in range(1, PAGES + 1):
            given = self._json("GET", f"document_relations?{query}&page={page}")
            found += [row for row in given.get("results") or () if isinstance(row, dict)]
            pages = (given.get("pagination") or {}).get("total_pages") or 1
            if page >= pages:
                break
        mine = [row for row in found if row.get("type", "export") == "export"]
        return [row for row in mine if row.get("key") == key] if key else mine

    def file(self, document: int) -> Blob:
        """A stored document with its name and media type."""
        about = self._json("GET", f"documents/{document}")
        reply = self._done(self._sent("GET", f"documents/{document}/content", cap=settings.MAX_ORIGINAL_BYTES))
        if reply.truncated:
            raise RossumError(f"Document {document} has more than {settings.MAX_ORIGINAL_BYTES:,} bytes.")
        name = about.get("original_file_name") or _file_name(reply) or ""
        media_type = about.get("mime_type") or reply.header("Content-Type") or "application/octet-stream"
        return Blob.of(reply.body, name=str(name), media_type=str(media_type).partition(";")[0].strip())

    def kept(self, key: str) -> Blob | None:
        """The file under a key: its document relation, or the link in the metadata that older pipelines left."""
        for relation in self.relations(key):
            for document in _documents(relation):
                return self.file(document)
        link = (self._call.annotation.get("metadata") or {}).get(key)
        if isinstance(link, str) and link.startswith(f"{self._call.api}/documents/"):
            document_id = id_of(link.removesuffix("/content"))
            return self.file(document_id) if document_id is not None else None
        return None

    def keep(self, key: str, blob: Blob) -> None:
        """Store a file under a key, in place of the one before."""
        name = blob.name or key
        part = Part("content", blob=blob, file_name=name)
        made = self._done(self._sent("POST", "documents", parts=[part]))
        document = _read(made).get("id")
        if not isinstance(document, int):
            raise RossumError(f'Rossum took the file "{name}" and named no id for it.')
        url = f"{self._call.api}/documents/{document}"
        before = self.relations(key)
        if not before:
            relation = {"type": "export", "key": key, "annotation": self._call.annotation_url, "documents": [url]}
            reply = self._sent("POST", "document_relations", body=relation)
            if reply.status != 400:
                self._done(reply)
                return
            before = self.relations(key)  # somebody made it meanwhile, or an earlier try of ours did
            if not before:
                self._done(reply)
        relation_id = before[0].get("id")
        self._done(self._sent("PATCH", f"document_relations/{relation_id}", body={"documents": [url]}))
        for old in _documents(before[0]):
            if old != document:
                self._gone(self._sent("DELETE", f"documents/{old}"))

    def drop(self, relation: Mapping[str, Any]) -> None:
        """Delete a relation and its documents. What is gone already is no error."""
        for document in _documents(relation):
            self._gone(self._sent("DELETE", f"documents/{document}"))
        reply = self._sent("DELETE", f"document_relations/{relation.get('id')}")
        if reply.status == 400:  # documents that could not be deleted still hang on it: let go of them first
            self._done(self._sent("PATCH", f"document_relations/{relation.get('id')}", body={"documents": []}))
            reply = self._sent("DELETE", f"document_relations/{relation.get('id')}")
        self._gone(reply)

    def schema(self, schema_id: int) -> list[dict[str, Any]]:
        """The sections of a schema that the hook does not sideload."""
        content = self._json("GET", f"schemas/{schema_id}").get("content")
        return content if isinstance(content, list) else []

    def _json(self, method: str, path: str) -> dict[str, Any]:
        return _read(self._done(self._sent(method, path)))

    def _done(self, reply: Reply) -> Reply:
        if reply.status in {401, 403}:
            raise RossumError(
                f"Rossum answered {reply.status}: the token of this call may not do that, or holds no more. Give the "
                "hook a token owner who may read and write the annotation's documents, and export again."
            )
        if not 200 <= reply.status < 300:
            said = reply.body[:300].decode("utf-8", "replace")
            raise RossumError(f"Rossum's API answered {reply.status}: {said.replace(self._call.token, '[secret]')}")
        return reply

    def _gone(self, reply: Reply) -> None:
        if reply.status != 404:
            self._done(reply)

    def _sent(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parts: Sequence[Part] = (),
        cap: int = REPLY_BYTES,
    ) -> Reply:
        """The reply, whatever its status, after some tries. All of these requests may be sent twice: at worst a
        document stays that nothing points at."""
        headers = {"Authorization": f"Bearer {self._call.token}", "Accept": "*/*"}
        blob = None
        if body is not None:
            blob = Blob.of(json.dumps(body).encode(), media_type="application/json")
            headers["Content-Type"] = "application/json"
        url = f"{self._call.api}/{path}"
        request = Request(method, url, headers, blob, parts, TIMEOUT, idempotency_header="")
        for left in range(TRIES - 1, -1, -1):
            self._beat()
            begun = timezone.now()
            wait = float(TRIES - left)
            try:
                reply = self._client.send(request, egress=self._egress, cap=cap)
            except StageError as error:
                self._note(request, begun, error=error.message)
                if not left or not isinstance(error, Unavailable | Unconfirmed):
                    raise RossumError(f"Rossum's API cannot be reached: {error.message}") from error
            else:
                self._note(request, begun, reply=reply)
                if reply.status not in AGAIN or not left:
                    return reply
                asked = reply.header("Retry-After") or ""
                wait = min(float(asked), LONGEST_WAIT) if asked.isdigit() else wait
            time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _note(self, request: Request, begun: datetime, *, reply: Reply | None = None, error: str = "") -> None:
        sent = request.body or next((part.blob for part in request.parts if part.blob), None)
        self.noted.append(
            Noted(
                request.method,
                request.url,
                begun,
                timezone.now(),
                reply.status if reply else None,
                sent.size if sent else 0,
                sent.sha256 if sent else hashlib.sha256(b"").hexdigest(),
                reply.size if reply else 0,
                error,
                dict(reply.timings) if reply else {},
            )
        )


def _read(reply: Reply) -> dict[str, Any]:
    try:
        given = json.loads(reply.body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise RossumError("Rossum's API answered with something that is no JSON object.")
    return given


def _documents(relation: Mapping[str, Any]) -> Iterator[int]:
    """The ids of a relation's documents; addresses of other hosts are never asked."""
    for url in relation.get("documents") or ():
        if (number := id_of(url)) is not None:
            yield number


def _file_name(reply: Reply) -> str | None:
    header = Message()
    header["Content-Disposition"] = reply.header("Content-Disposition") or ""
    return header.get_filename()
