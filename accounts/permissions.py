"""The REST API's question to `may`. A view says what each of its actions asks for; what it does not say is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.policy import Principal, may


class Policy(BasePermission):
    """`verbs = {"list": "exports.view_document", …}` on the view, by action or, for a plain view, by method in lower
    case. Where several are needed, a tuple of them."""

    message = "Your role does not include this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if _answers_405(request, view):
            return True
        return self._may(request, view, None)

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return self._may(request, view, obj)

    def _may(self, request: Request, view: Any, subject: Any) -> bool:
        principal = getattr(request, "principal", None)
        needed = _verbs(request, view)
        if not isinstance(principal, Principal) or not needed:
            return False
        self.message = f"Your role does not include {' and '.join(needed)}."
        return all(may(principal, verb, subject) for verb in needed)


def _verbs(request: Request, view: Any) -> tuple[str, ...]:
    given: Mapping[str, str | tuple[str, ...]] = getattr(view, "verbs", {})
    method = (request.method or "").lower()
    action = getattr(view, "action", None) or ("get" if method == "head" else method)
    needed = given.get(action, ())
    return (needed,) if isinstance(needed, str) else needed


def _answers_405(request: Request, view: Any) -> bool:
    """Nothing will run, so that "method not allowed" is the truer answer."""
    return not hasattr(view, (request.method or "").lower())
