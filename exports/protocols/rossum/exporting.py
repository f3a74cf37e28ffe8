"""`queues/{id}/export`: what the Confirmed tab's robots read and move (docs/protocols/rossum-export.md)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlencode

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from accounts import scope
from accounts.models import AccessToken, ApiKey
from accounts.policy import require
from exports import attempts, documents, exportsets, robots
from exports.api.bodies import FormBody
from exports.exportsets import DONE, Run
from exports.models import Document, ExportSet
from exports.protocols.rossum import exportparameters, filters
from exports.protocols.rossum.bodies import AnyJson, UrlForm
from exports.protocols.rossum.exportparameters import FORMATS, Asked
from exports.protocols.rossum.rendering import AT_ONCE, Rendering
from exports.protocols.rossum.view import View, ordering
from exports.robots import RobotRequest
from exports.states import Status
from exports.wire.rossum import paging
from exports.wire.rossum.paging import Page
from exports.wire.rossum.parameters import WrongValue
from pipelines.models import Queue
from pipelines.refusals import Refused

MOST_AT_ONCE = 100_000
"""Documents of one file without pages."""
LONGEST_KEY = 255
WHY = "Asked for by a robot, over Rossum's export."


class Export(View):
    """GET reads; POST with `to_status` also moves what it hands out, each page its own."""

    verbs = {"get": "exports.view_document", "post": "exports.view_document"}
    parser_classes = [UrlForm, FormBody, AnyJson]

    def get(self, request: Request, pk: str) -> StreamingHttpResponse:
        queue = self._queue(pk)
        asked = exportparameters.read(request)
        return self._read(queue, asked, Rendering(queue, asked, self.at))

    def post(self, request: Request, pk: str) -> StreamingHttpResponse:
        arrived = timezone.now()
        queue = self._queue(pk)
        asked = exportparameters.read(request)
        rendering = Rendering(queue, asked, self.at)
        if asked.to is None:
            return self._read(queue, asked, rendering)
        require(self.principal, "exports.export_document", queue)
        rendering.check()
        mover = _Mover(self, queue, asked, rendering)
        if asked.given.numbers("id") is not None or asked.given.numbers("document") is not None:
            return self._move_listed(mover, asked)
        return self._move_matching(mover, self._run(request, queue, asked, arrived))

    def _queue(self, pk: str) -> Queue:
        queue: Queue = self.row(Queue.objects.select_related("schema", "pipeline"), pk)
        return queue

    def _read(self, queue: Queue, asked: Asked, rendering: Rendering) -> StreamingHttpResponse:
        rendering.check()
        rows = filters.narrowed(Document.objects.filter(queue=queue), asked.given)
        order = ordering(asked.given, filters.ORDER)
        ids = rows.order_by(*order, *([] if {"pk", "-pk"} & set(order) else ["pk"])).values_list("pk", flat=True)
        if asked.page is not None:
            found, total = list(ids[asked.page.first : asked.page.end]), rows.count()
        else:
            found = list(ids[: MOST_AT_ONCE + 1])
            total = len(found)
            if total > MOST_AT_ONCE:
                raise WrongValue("page_size", f"More than {MOST_AT_ONCE:,} annotations match. Ask for pages.")
        return self._reply(asked, rendering, found, total)

    def _move_listed(self, mover: _Mover, asked: Asked) -> StreamingHttpResponse:
        """With ids the request names its documents itself: asked again, each is shown as it stands."""
        ids = asked.given.numbers("id") or asked.given.numbers("document") or []
        listed = Document.objects.filter(queue=mover.queue, pk__in=ids)
        matching = filters.narrowed(listed, asked.given).filter(status__in=mover.sources)
        found = sorted({
            *matching.values_list("pk", flat=True), *listed.filter(status__in=DONE).values_list("pk", flat=True)
        })  # fmt: skip
        page = found if asked.page is None else found[asked.page.first : asked.page.end]
        for some in _chunks(page):
            mover.move(list(matching.filter(pk__in=some).order_by("pk")))
        done = set(listed.filter(pk__in=page, status__in=DONE).values_list("pk", flat=True))
        return self._reply(asked, mover.rendering, [pk for pk in page if pk in done], len(found))

    def _move_matching(self, mover: _Mover, run: Run) -> StreamingHttpResponse:
        """Without ids the documents are those that matched when the run began."""
        asked = mover.asked
        rows = filters.narrowed(Document.objects.filter(queue=mover.queue), asked.given)
        matching = rows.filter(status__in=mover.sources | DONE)
        page = asked.page or Page(1, exportsets.MOST)
        held = exportsets.latest(run) if page.number > 1 else None
        held = held or exportsets.begin(run, matching)
        try:
            found: list[int] = []
            for first in range(page.first, min(page.end, len(held.ids)), AT_ONCE):
                found += exportsets.take(held, first, min(first + AT_ONCE, page.end), mover.move)
            return self._reply(asked, mover.rendering, found, len(held.ids), held)
        except BaseException:
            exportsets.unanswered(held)
            raise

    def _run(self, request: Request, queue: Queue, asked: Asked, at: datetime) -> Run:
        key = request.headers.get("Idempotency-Key", "").strip()
        if len(key) > LONGEST_KEY or not key.isprintable():
            raise WrongValue("Idempotency-Key", f"At most {LONGEST_KEY} printable characters.")
        # The official client repeats by itself what it got no answer to; that it is the one shows in what it sends.
        official = request.headers.get("User-Agent", "").startswith("python-httpx/") and (
            "include_total" in asked.given or asked.page is None
        )
        return Run(queue, _caller(request), asked.digest, key, official, at)

    def _reply(
        self, asked: Asked, rendering: Rendering, ids: Sequence[int], total: int, held: ExportSet | None = None
    ) -> StreamingHttpResponse:
        page = asked.page or Page(1, max(total, 1))
        address = self.request.build_absolute_uri(self.request.path)
        body = paging.envelope([], page=page, total=total, url=asked.url(address))
        if asked.form == "json":
            chunks = iter([json.dumps({**body, "results": rendering.results(ids)}, ensure_ascii=False).encode()])
        else:
            chunks = rendering.stream(ids, body["pagination"])
        reply = StreamingHttpResponse(
            _Written(chunks, held, self.principal.organization_id), content_type=_content_type(asked.form)
        )
        if asked.form != "json":
            reply["Content-Disposition"] = content_disposition_header(True, f"export.{asked.form}") or "attachment"
        reply["X-Content-Type-Options"] = "nosniff"
        reply["Cache-Control"] = "private, no-store"
        return reply


class _Mover:
    """How this request moves documents: exported by the robot itself, or into the queue's own pipeline."""

    def __init__(self, view: Export, queue: Queue, asked: Asked, rendering: Rendering) -> None:
        self.queue = queue
        self.asked = asked
        self.rendering = rendering
        self._by = view.principal
        named = frozenset({Status.CONFIRMED, Status.FAILED_EXPORT, Status.TO_REVIEW})
        self.sources = named if asked.names_what else frozenset({Status.CONFIRMED})
        if asked.to == Status.EXPORTING and (queue.pipeline is None or queue.pipeline.published_id is None):
            raise Refused(f'The queue "{queue.name}" has no published pipeline that could export. Nothing was moved.')
        request = view.request
        self._request = RobotRequest(
            method="POST",
            url=request.build_absolute_uri(),
            headers=[(name, value) for name, value in request.headers.items() if value],
            body=urlencode(exportparameters.body_of(request), doseq=True).encode(),
            begun_at=timezone.now(),
            reply_headers=[("Content-Type", _content_type(asked.form))],
            reply=rendering.pieces,
        )

    def move(self, found: Sequence[Document]) -> Collection[int]:
        """Moves those that can be moved; returns their ids."""
        if self.asked.to == Status.EXPORTED:
            return robots.deliver(found, by=self._by, protocol="Rossum", request=self._request, sources=self.sources)
        return [document.pk for document in found if document.status in self.sources and self._export(document)]

    def _export(self, document: Document) -> bool:
        try:
            if document.status == Status.TO_REVIEW and documents.confirm(document, by=self._by) is not None:
                return True
            last = document.attempts.order_by("-number").first()
            if document.status == Status.FAILED_EXPORT and last is not None:
                attempts.requeue(last, by=self._by, why=WHY, trigger="robot")
            else:
                documents.ask_export(document, by=self._by, trigger="robot", why=WHY)
        except Refused:
            return False
        return True


class _Written:
    """The pieces of a reply, in the organization's scope; tells a set whether the last one was taken."""

    def __init__(self, chunks: Iterator[bytes], held: ExportSet | None, organization_id: int) -> None:
        self._chunks = chunks
        self._held = held
        self._organization_id = organization_id

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with scope.to(self._organization_id):
            try:
                return next(self._chunks)
            except StopIteration:
                if (held := self._held) is not None:
                    self._held = None
                    exportsets.answered(held)
                raise

    def close(self) -> None:
        """The server calls it at the end, and when the robot left before."""
        if self._held is not None:
            with scope.to(self._organization_id):
                exportsets.unanswered(self._held)
            self._held = None


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(ids), AT_ONCE):
        yield ids[first : first + AT_ONCE]


def _content_type(form: str) -> str:
    charset = "" if form == "xlsx" else "; charset=utf-8"
    return f"{FORMATS[form]}{charset}"


def _caller(request: Request) -> str:
    match request.auth:
        case AccessToken():
            return f"token:{request.auth.pk}"
        case ApiKey():
            return f"key:{request.auth.pk}"
    return f"user:{request.user.pk}"
