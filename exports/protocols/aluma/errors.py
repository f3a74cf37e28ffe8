"""Every way a request of Aluma's protocol fails, as the one body that each kind of client reads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response
from rest_framework.views import set_rollback

from exports.api import problems
from exports.api.codes import TYPES, urn
from exports.api.problems import ApiProblem
from exports.wire import aluma

log = logging.getLogger("waybill.aluma")


def missing(name: str, message: str) -> ApiProblem:
    """400: a parameter or a field that there must be."""
    return problems.wrong(name, message)


def unfit(name: str, message: str) -> ApiProblem:
    """422: a value that the protocol does not know, or not for this task."""
    return ApiProblem("rejected", message, [{"place": name, "message": message}])


def handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """In place of DRF's EXCEPTION_HANDLER, for the views of this package."""
    set_rollback()
    problem = problems.describe(exc)
    path = getattr(context.get("request"), "path", "")
    if problem.code == "internal":
        log.error("Unexpected error at %s", path, exc_info=exc)
    return response(problem, instance=path)


def response(problem: ApiProblem, *, instance: str = "") -> Response:
    kind = TYPES[problem.code]
    places: dict[str, list[str]] = {}
    for error in problem.errors:
        places.setdefault(str(error.get("place") or "request"), []).append(str(error.get("message") or ""))
    body = aluma.problem(
        kind.status,
        type_=urn(problem.code),
        title=kind.title,
        detail=problem.detail,
        instance=instance,
        errors=places,
    )
    headers = {**kind.headers, **problem.headers}
    return Response({**body, **problem.extra}, status=kind.status, headers=headers)
