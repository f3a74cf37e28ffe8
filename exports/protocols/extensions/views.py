"""One call in, one answer out: 200 with the reply, 202 with the place where it will be, or a 4xx that says what lacks.

Whatever is answered has the form of a hook's reply, so that Rossum shows its messages to the person there."""

from __future__ import annotations

import time
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts import scope
from accounts.policy import Principal
from exports.extensions import answers, calls, errands, hooks
from exports.models import ExtensionCall
from exports.wire.rossum import hookpayload
from exports.wire.rossum.hookpayload import CHANGED, KINDS, HookCall, PayloadError
from pipelines import rossumsecrets
from pipelines.errors import Misconfigured
from pipelines.models import RossumAccount
from pipelines.refusals import Refused

LOOK = 0.25
"""Seconds between two looks at a call that another process works on."""
SOON = "10"
"""Seconds, for Retry-After."""
STRANGER = (
    "This call is of no Rossum account that is connected here: its base_url is not known, or its signature "
    f"({hookpayload.SIGNATURE}) is missing or wrong. Compare the hook's secret with the account's in Waybill."
)


class Answered(Exception):
    """The call ends here, with this answer."""

    def __init__(self, status: int, *texts: str, headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self.response = JsonResponse(answers.error(*texts), status=status, headers=headers)


@csrf_exempt
def front(request: HttpRequest) -> HttpResponse:
    """The bare host: a person is led to the admin; a hook whose address keeps Rossum's path names its extension in
    the host."""
    if request.method in {"GET", "HEAD"}:
        return redirect("admin:index")
    name = hookpayload.of_host(request.get_host())
    if name is None:
        return _no_extension()
    return extension(request, name)


@csrf_exempt
def storage(request: HttpRequest) -> HttpResponse:
    return extension(request, hookpayload.STORAGE)


@csrf_exempt
def extension(request: HttpRequest, name: str) -> HttpResponse:
    """A hook's call."""
    if name not in KINDS:
        return _no_extension()
    if request.method != "POST":
        return JsonResponse(answers.error("Hooks are POSTed here."), status=405, headers={"Allow": "POST"})
    try:
        return _called(request, name)
    except Answered as answer:
        return answer.response
    except OperationalError:
        return _later("The database does not answer. Try again.")


@csrf_exempt
def place(request: HttpRequest, place: str) -> HttpResponse:
    """What has become of a call that took longer: 202 until it is finished, then 201 with its reply."""
    if request.method not in {"GET", "HEAD"}:
        return JsonResponse(answers.error("Ask with GET."), status=405, headers={"Allow": "GET, HEAD"})
    row = calls.at(place)
    if row is None:
        return JsonResponse(answers.error("There is no such call."), status=404)
    if row.finished_at is None:
        return JsonResponse({"messages": []}, status=202, headers={"Retry-After": SOON})
    return JsonResponse(row.reply, status=201)


def _called(request: HttpRequest, name: str) -> HttpResponse:
    try:
        payload, account = _known(request)
        call = hookpayload.read(name, payload, timezone.now())
    except PayloadError as error:
        raise Answered(400, str(error)) from None
    if call.event == CHANGED and not _concerns(call):
        return JsonResponse({"messages": []})
    with scope.to(account.organization_id):
        try:
            row, _ = calls.take(account, call)
        except calls.OtherCallError:
            told = "request_id: Another call had this id, with another annotation or other settings."
            raise Answered(409, told) from None
        if row.finished_at is not None:
            return JsonResponse(row.reply)
        return _followed(request, row, account, call)


def _known(request: HttpRequest) -> tuple[dict[str, Any], RossumAccount]:
    """The payload, and the account that signed it. Raises Answered."""
    try:
        body = request.body
    except RequestDataTooBig:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raise Answered(413, f"The body has more than {most:,} bytes (WAYBILL_MAX_JSON_BYTES).") from None
    except UnreadablePostError:
        raise Answered(400, "The body broke off.") from None
    payload = hookpayload.parse(body)
    try:
        callers = rossumsecrets.calling(hookpayload.origin_of(payload))
    except Misconfigured as error:
        raise Answered(503, error.message) from None
    signature = request.headers.get(hookpayload.SIGNATURE, "")
    good = [caller for caller in callers if hookpayload.signed(body, signature, caller.secrets)]
    if not good:
        raise Answered(401, STRANGER)
    return payload, good[0].account


def _followed(request: HttpRequest, row: ExtensionCall, account: RossumAccount, call: HookCall) -> HttpResponse:
    """Have somebody work on the call, and wait for the answer as long as a hook may."""
    by = Principal.system("rossum", account.organization_id)
    try:
        ready = hooks.prepare(account, call, by=by)
    except Refused as refusal:
        ExtensionCall.objects.filter(pk=row.pk, attempt=None, held_until=None, finished_at=None).delete()
        raise Answered(422, *hooks.told(refusal)) from None
    if ready.needs_token and not call.token:
        ExtensionCall.objects.filter(pk=row.pk, attempt=None, held_until=None, finished_at=None).delete()
        told = "rossum_authorization_token: This is missing. Give the hook a token owner: files are read and written."
        raise Answered(400, told)
    work = errands.begin(row, account, call, ready)
    if work is None:
        return _later("Too many calls are being worked on here. Try again.")
    _wait(row, work)
    row.refresh_from_db()
    if row.finished_at is not None:
        return JsonResponse(row.reply)
    there = request.build_absolute_uri(reverse("extension-call", args=[calls.place_of(row)]))
    return JsonResponse({"messages": []}, status=202, headers={"Location": there})


def _wait(row: ExtensionCall, work: Future[None]) -> None:
    """Until it is finished, or for as long as a hook waits; not at all where too many requests wait already."""
    if not _waiters().acquire(blocking=False):
        return
    try:
        until = time.monotonic() + settings.EXTENSION_SECONDS
        wait_for([work], timeout=settings.EXTENSION_SECONDS)
        while time.monotonic() < until and not ExtensionCall.objects.filter(pk=row.pk, finished_at__isnull=False):
            time.sleep(LOOK)
    finally:
        _waiters().release()


@lru_cache(maxsize=1)
def _waiters() -> BoundedSemaphore:
    return BoundedSemaphore(settings.EXTENSION_WAITERS)


def _concerns(call: HookCall) -> bool:
    """Whether a change of status asks for a purge."""
    status = call.annotation.get("status")
    return status == "purged" or (status == "deleted" and call.settings.get("on_delete") is True)


def _later(text: str) -> HttpResponse:
    return JsonResponse(answers.error(text), status=503, headers={"Retry-After": SOON})


def _no_extension() -> HttpResponse:
    known = ", ".join(KINDS)
    return JsonResponse(answers.error(f"There is no such extension. There are {known}."), status=404)
