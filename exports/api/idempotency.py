"""Idempotency-Key: the same POST, sent twice, is done once (IETF draft-ietf-httpapi-idempotency-key-header).

Only what succeeded is kept: a request that was refused changed nothing, so its key is free for the corrected one.
A caller that died while it was answered leaves a claim, which the next one takes over after `ABANDONED`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from exports.api.problems import ApiProblem, wrong
from exports.replies import KEPT, ApiReply

ABANDONED = timedelta(minutes=5)  # longer than any web worker may take for one request
MAX_KEY = 255
KEPT_HEADERS = ("ETag", "Location")


class Replay(Exception):
    """The request was answered before; `response` is that answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def claim(request: Request, actor: str) -> ApiReply | None:
    """Reserve the request's key; None where it has none. Raises Replay, or ApiProblem `key_reused`, `in_progress`."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    key = given.strip()
    if not key or len(key) > MAX_KEY or not key.isprintable():
        raise wrong("Idempotency-Key", f"A key has 1 to {MAX_KEY} printable characters.")
    now = timezone.now()
    ApiReply.objects.filter(actor=actor, key=key, created_at__lt=now - KEPT).delete()  # the sweep forgets the others
    fingerprint = _fingerprint(request)
    reply: ApiReply
    reply, fresh = ApiReply.objects.get_or_create(actor=actor, key=key, defaults={"fingerprint": fingerprint})
    if fresh:
        return reply
    if reply.fingerprint != fingerprint:
        raise ApiProblem(
            "key_reused", "This Idempotency-Key was used for another request; this one was not carried out."
        )
    if reply.status is None:
        late = ApiReply.objects.filter(pk=reply.pk, status=None, created_at__lt=now - ABANDONED)
        if not late.update(created_at=now):
            raise ApiProblem("in_progress", "A request with this Idempotency-Key is being answered right now.")
        return reply
    headers = {**reply.headers, "Idempotency-Replayed": "true"}
    raise Replay(Response(json.loads(reply.body) if reply.body else None, status=reply.status, headers=headers))


def settle(reply: ApiReply, response: Response) -> None:
    """Keep what was answered, or free the key where nothing was done."""
    if response.status_code >= 400:
        reply.delete()
        return
    response.render()
    reply.status = response.status_code
    reply.headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    reply.body = _without(response, getattr(response, "shown_once", ()))
    reply.save(update_fields=["status", "headers", "body"])


def _without(response: Response, members: tuple[str, ...]) -> str:
    """What is kept of a reply: a secret that was shown once is not."""
    if not members:
        return str(response.content.decode())
    return json.dumps({**json.loads(response.content), **dict.fromkeys(members)})


def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    for piece in _pieces(request.data):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(given: Any) -> Iterator[bytes]:
    """The content, so that another multipart boundary or key order is still the same request."""
    if not isinstance(given, QueryDict):
        yield json.dumps(given, sort_keys=True).encode()
        return
    for name, values in sorted(given.lists()):
        for value in values:
            if isinstance(value, UploadedFile):
                yield f"{name}\0{value.name}\0{value.content_type}\0{value.size}\0".encode()
                yield from value.chunks()
                value.seek(0)
            else:
                yield f"{name}\0{value}\0".encode()
