"""Every way a request of Rossum's protocol fails, in its form: {"detail": …}, or {"field": ["…"]} where that one is
wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response
from rest_framework.views import set_rollback

from exports.api import problems
from exports.api.codes import TYPES
from exports.wire.rossum.paging import NoSuchPage
from exports.wire.rossum.parameters import WrongValue

log = logging.getLogger("waybill.rossum")

_WRONG_PLACES = frozenset({"invalid", "malformed", "rejected"})
_STATUS = {422: 400, 412: 409, 428: 409}
"""Where Rossum's protocol knows only the broader one."""


class Answer(Exception):
    """The request ends with this status and this body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body))
        self.code = status
        self.body = dict(body)


def refused(message: str) -> Answer:
    """409: as things stand it cannot be done, or somebody else was faster."""
    return Answer(409, {"detail": message})


def handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """In place of DRF's EXCEPTION_HANDLER, for the views of this package."""
    set_rollback()
    match exc:
        case Answer():
            return Response(exc.body, status=exc.code)
        case WrongValue():
            return Response({exc.name: [exc.message]}, status=400)
        case NoSuchPage():
            return Response({"detail": str(exc)}, status=404)
    problem = problems.describe(exc)
    if problem.code == "internal":
        log.error("Unexpected error at %s", getattr(context.get("request"), "path", "?"), exc_info=exc)
    kind = TYPES[problem.code]
    return Response(
        _body(problem), status=_STATUS.get(kind.status, kind.status), headers={**kind.headers, **problem.headers}
    )


def _body(problem: problems.ApiProblem) -> dict[str, Any]:
    if problem.code == "not_found":
        return {"detail": "Not found."}
    body: dict[str, Any] = {}
    for error in problem.errors if problem.code in _WRONG_PLACES else ():
        if place := str(error.get("place") or ""):
            body.setdefault(place, []).append(str(error["message"]))
    return body or {"detail": problem.detail}
