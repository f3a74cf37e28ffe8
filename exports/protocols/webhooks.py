"""POST /sources/<id>: the door of the inbound webhook (exports/sources/webhook.py). 202 with the document; the same
message again is the same answer. Whoever does not sign learns nothing, not even whether the source is there."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.urls import re_path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts import scope
from exports.api.codes import TYPES, urn
from exports.models import Claim
from exports.sources import leases, turn, webhook
from exports.sources.contract import Outcome
from exports.sources.pull import Pull
from exports.sources.webhook import Sent, Stranger
from exports.states import ClaimState
from pipelines.blobs import Blob
from pipelines.errors import Rejected, StageError
from pipelines.models import Source
from pipelines.transports.http import Client

STRANGER = "No webhook here takes this call: its address, its signature or its clock is wrong."
SOON = "30"
"""Seconds, for Retry-After."""


class Turned(Exception):
    """The call ends here, with this problem."""

    def __init__(self, status: int, code: str, detail: str, *, later: bool = False) -> None:
        super().__init__(detail)
        body = {"type": urn(code), "title": TYPES[code].title, "status": status, "detail": detail, "code": code}
        headers = {"Retry-After": SOON} if later else {}
        self.response = JsonResponse(body, status=status, headers=headers, content_type="application/problem+json")


@csrf_exempt
def receive(request: HttpRequest, source_id: str) -> HttpResponse:
    """One message."""
    if request.method != "POST":
        return JsonResponse({"detail": "Documents are POSTed here."}, status=405, headers={"Allow": "POST"})
    try:
        body = _body(request)
        source = leases.told(int(source_id), "webhook")
        with scope.to(source.organization_id if source else None):
            return _received(request, source, body)
    except Turned as turned:
        return turned.response


def _received(request: HttpRequest, source: Source | None, body: bytes) -> HttpResponse:
    if source is None:
        raise Turned(401, "unauthenticated", STRANGER)
    try:
        pull = turn.opened(source, Client())
        message = webhook.message_id(pull, request.headers, body, timezone.now())
    except Stranger:
        raise Turned(401, "unauthenticated", STRANGER) from None
    except StageError as error:
        raise Turned(503, "busy", "This webhook is not set up yet.", later=True) from error
    paused = source.paused_at or (source.destination and source.destination.paused_at)
    if paused:
        raise Turned(503, "busy", "This webhook is paused. Send it again later.", later=True)
    version = hashlib.sha256(body).hexdigest()
    for _ in range(2):
        known = Claim.objects.filter(source=source, key=message).select_related("document").first()
        if known is not None and known.version == version:
            return _again(known)
        try:
            return _told(_taken(request, pull, message, version, body), repeated=False)
        except IntegrityError:  # the same message at the same moment: the other one took it
            continue
    raise Turned(503, "busy", "The same message is being taken. Send it again.", later=True)


def _taken(request: HttpRequest, pull: Pull, message: str, version: str, body: bytes) -> Claim:
    """Claimed and taken in one transaction: what cannot be taken leaves nothing behind but the reason."""
    try:
        given = _sent(request, pull, body)
        with transaction.atomic():
            claim = pull.claim(message, version=version)
            if claim is None:
                raise Turned(
                    409, "refused", "A message of this id came before, with another body, and is not done yet."
                )
            pull.take(
                claim,
                fields=given.fields,
                original=given.original,
                metadata=given.metadata,
                external_id=given.external_id,
            )
    except Rejected as error:
        with transaction.atomic():
            refused = pull.claim(message, version=version)
            if refused is not None:
                pull.fail(refused, str(error))
                pull.reported(refused)
        raise Turned(422, "rejected", str(error)) from error
    except StageError as error:
        raise Turned(503, "busy", pull.redacted(str(error)), later=True) from error
    return claim


def _again(known: Claim) -> HttpResponse:
    if known.document is None:
        failed = known.outcome == Outcome.FAILED
        raise Turned(422 if failed else 409, "rejected" if failed else "refused", known.message or "It was let go.")
    return _told(known, repeated=True)


def _told(claim: Claim, *, repeated: bool) -> HttpResponse:
    document = claim.document
    assert document is not None
    document.refresh_from_db(fields=["status"])
    told = {
        "document": document.pk, "external_id": document.external_id, "status": document.status, "repeated": repeated,
        "done": claim.state == ClaimState.REPORTED,
    }  # fmt: skip
    return JsonResponse(told, status=202)


def _body(request: HttpRequest) -> bytes:
    """All of it, for the signature is over the bytes."""
    most = settings.MAX_ORIGINAL_BYTES * 4 // 3 + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    try:
        body = request.read(most + 1) if length <= most else b""
    except (UnreadablePostError, OSError) as error:
        raise Turned(400, "malformed", "The body broke off.") from error
    if length > most or len(body) > most:
        raise Turned(413, "too_large", f"A message has {most:,} bytes at the most.")
    return bytes(body)


def _sent(request: HttpRequest, pull: Pull, body: bytes) -> Sent:
    """JSON, or multipart/form-data with the parts `document` (JSON) and `original` (a file)."""
    if not (request.content_type or "").startswith("multipart/"):
        return webhook.sent(pull.config, body)
    handlers: list[Any] = [MemoryFileUploadHandler(request), TemporaryFileUploadHandler(request)]
    try:
        parts, files = MultiPartParser(request.META, io.BytesIO(body), handlers).parse()
    except (MultiPartParserError, RequestDataTooBig, SuspiciousOperation, UnicodeError) as error:
        raise Rejected("The multipart form cannot be read.", place="body") from error
    file = files.get("original")
    data = file.read() if file is not None else b""
    original = None
    if file is not None:
        original = Blob.of(data, name=file.name or "original", media_type=file.content_type or "")
    return webhook.sent(pull.config, str(parts.get("document") or json.dumps({})).encode(), file=original)


urlpatterns = [re_path(r"^sources/(?P<source_id>[0-9]{1,18})/?$", receive, name="webhook")]
