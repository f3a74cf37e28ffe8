"""Refuses forms and addresses with a NUL character before any page reads them: no browser sends one, no database keeps
one, and a search that PostgreSQL refuses would be an error of ours. The API answers for itself (exports/api/bodies.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict


class NoNulCharacters:
    """Looks after the middleware around it has read the form, which Django's CSRF check does on every POST."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:  # noqa: ARG002 (Django's signature)
        if getattr(view, "csrf_exempt", False):
            return
        if _has_nul(request.GET) or (request.method == "POST" and _has_nul(request.POST)):
            raise BadRequest("There is a NUL character in what was sent.")


def _has_nul(given: QueryDict) -> bool:
    return any("\0" in name or any("\0" in value for value in values) for name, values in given.lists())
