"""Every way a request can fail, as problem details (RFC 9457): the table of codes and the one mapping onto it.

Views raise what the verbs raise; `handler` turns it into `application/problem+json`. A traceback never leaves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import (
    FieldDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import (
    ValidationError as DjangoValidationError,
)
from django.db import IntegrityError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from exports.api.codes import TYPES, urn
from pipelines.errors import Misconfigured, Rejected, StageError, Unavailable, Unconfirmed
from pipelines.publishing import NotPublishable
from pipelines.refusals import InUse, Refused, Stale

log = logging.getLogger("waybill.api")

MEDIA_TYPE = "application/problem+json"

Error = dict[str, Any]
"""One wrong place: `place` (a field, a parameter, `stage` and path), `message`, and what else is known of it."""


@dataclass
class ApiProblem(Exception):
    """A request that ends with the problem `code` of exports/api/codes.py."""

    code: str
    detail: str
    errors: Sequence[Error] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail


def wrong(place: str, message: str, *, code: str = "invalid") -> ApiProblem:
    """One wrong place and nothing else."""
    return ApiProblem(code, message, [{"place": place, "message": message}])


def body(problem: ApiProblem, *, instance: str = "") -> dict[str, Any]:
    """The members of RFC 9457, 3.1, with `code` and `errors` as extensions."""
    kind = TYPES[problem.code]
    members: dict[str, Any] = {
        "type": urn(problem.code),
        "code": problem.code,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
    }
    if instance:
        members["instance"] = instance
    return {**members, **problem.extra, "errors": list(problem.errors)}


def handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER."""
    set_rollback()
    problem = describe(exc)
    request = context.get("request")
    if problem.code == "internal":
        log.error("Unexpected error at %s", getattr(request, "path", "?"), exc_info=exc)
    kind = TYPES[problem.code]
    headers = {**kind.headers, **problem.headers}
    members = body(problem, instance=getattr(request, "path", ""))
    return Response(members, status=kind.status, headers=headers, content_type=MEDIA_TYPE)


def describe(exc: BaseException) -> ApiProblem:
    """The problem that an exception is. What nobody expected is `internal` and tells nothing of the inside."""
    if isinstance(exc, ApiProblem):
        return exc
    for known, translate in _TRANSLATIONS.items():
        if isinstance(exc, known):
            return translate(exc)
    return ApiProblem("internal", "Something went wrong inside Waybill. It has been logged.")


def _validation(exc: Any) -> ApiProblem:
    errors = list(flatten(exc.detail))
    first = errors[0] if errors else {"place": "", "message": "The request is not valid."}
    many = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
    place = f"{first['place']}: " if first["place"] else ""
    return ApiProblem("invalid", f"{place}{first['message']}{many}", errors)


def flatten(detail: Any, place: str = "") -> Iterator[Error]:
    """DRF's nested error detail as a list of places: `stages[0].name`."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from flatten(inner, f"{place}.{name}" if place and name else place or name)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from flatten(inner, f"{place}[{index}]" if nested else place)
    else:
        yield {"place": place, "message": str(detail)}


def _django_validation(exc: DjangoValidationError) -> ApiProblem:
    return _validation(exceptions.ValidationError(exc.message_dict if hasattr(exc, "error_dict") else exc.messages))


def _not_authenticated(exc: Any) -> ApiProblem:
    challenge = getattr(exc, "auth_header", None) or "Bearer"
    return ApiProblem("unauthenticated", str(exc.detail), headers={"WWW-Authenticate": challenge})


def _throttled(exc: Any) -> ApiProblem:
    wait = {"Retry-After": str(int(exc.wait))} if exc.wait else {}
    return ApiProblem("throttled", str(exc.detail), headers=wait)


def _not_publishable(exc: Any) -> ApiProblem:
    errors = [
        {
            "place": problem.path,
            "message": problem.message,
            "stage": problem.stage,
            "severity": problem.severity,
            **({"line": problem.line} if problem.line else {}),
        }
        for problem in exc.problems
    ]
    return ApiProblem("not_publishable", str(exc), errors)


def _stage_error(code: str) -> Callable[[Any], ApiProblem]:
    def translate(exc: StageError) -> ApiProblem:
        error: Error = {"place": exc.place, "message": exc.message}
        if exc.detail:
            error["explanation"] = exc.detail
        return ApiProblem(code, str(exc), [error])

    return translate


def _busy(exc: Any) -> ApiProblem:
    log.warning("The database did not answer: %s", exc)
    return ApiProblem("busy", "The database is busy or away. Nothing was changed; send the same request again.")


def _in_use(exc: Any) -> ApiProblem:
    kept = getattr(exc, "protected_objects", None) or getattr(exc, "restricted_objects", None) or ()
    kinds = sorted({type(row)._meta.verbose_name_plural for row in kept})
    return ApiProblem(
        "in_use", f"It cannot be deleted: {', '.join(map(str, kinds)) or 'other rows'} still refer to it."
    )


def _api_exception(exc: Any) -> ApiProblem:
    code = _BY_STATUS.get(
        exc.status_code, "invalid" if exc.status_code < status.HTTP_500_INTERNAL_SERVER_ERROR else "busy"
    )
    return ApiProblem(code, str(exc.detail))


def _plain(code: str, text: str = "") -> Callable[[Any], ApiProblem]:
    return lambda exc: ApiProblem(code, text or str(getattr(exc, "detail", exc)))


_BY_STATUS = {
    status.HTTP_401_UNAUTHORIZED: "unauthenticated",
    status.HTTP_403_FORBIDDEN: "forbidden",
    status.HTTP_404_NOT_FOUND: "not_found",
    status.HTTP_409_CONFLICT: "refused",
}

# Looked through in order: the narrower class stands first.
_TRANSLATIONS: dict[type[BaseException], Callable[[Any], ApiProblem]] = {
    exceptions.ValidationError: _validation,
    exceptions.ParseError: _plain("malformed"),
    exceptions.NotAuthenticated: _not_authenticated,
    exceptions.AuthenticationFailed: _not_authenticated,
    exceptions.PermissionDenied: _plain("forbidden"),
    exceptions.NotFound: _plain("not_found", "There is nothing here, or it belongs to another organization."),
    exceptions.MethodNotAllowed: _plain("method_not_allowed"),
    exceptions.UnsupportedMediaType: _plain("unsupported_media_type"),
    exceptions.Throttled: _throttled,
    exceptions.APIException: _api_exception,
    Http404: _plain("not_found", "There is nothing here, or it belongs to another organization."),
    PermissionDenied: _plain("forbidden", "You may not do this."),
    DjangoValidationError: _django_validation,
    RequestDataTooBig: _plain("too_large", "The body is larger than this server accepts (WAYBILL_MAX_JSON_BYTES)."),
    TooManyFieldsSent: _plain("malformed", "The form has too many fields."),
    TooManyFilesSent: _plain("malformed", "The form has too many files."),
    SuspiciousOperation: _plain("malformed", "The request could not be read."),
    FieldDoesNotExist: _plain("invalid"),
    ProtectedError: _in_use,
    RestrictedError: _in_use,
    IntegrityError: _plain("conflict", "Somebody else just made the same thing. Read it again, then decide."),
    OperationalError: _busy,
    NotPublishable: _not_publishable,
    Stale: _plain("stale"),
    InUse: _plain("in_use"),
    Refused: _plain("refused"),
    Rejected: _stage_error("rejected"),
    Misconfigured: _stage_error("misconfigured"),
    Unavailable: _stage_error("unavailable"),
    Unconfirmed: _stage_error("unconfirmed"),
    StageError: _stage_error("misconfigured"),
}
