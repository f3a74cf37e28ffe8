"""The attempts: their list (exports/admin/lists/); columns only, never a body."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from exports.admin.attemptpage import AttemptPage
from exports.admin.lists import page
from exports.admin.lists.kinds import ATTEMPTS
from exports.models import Attempt


@admin.register(Attempt)
class AttemptAdmin(AttemptPage):
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return page.respond(self, request, ATTEMPTS, "admin/exports/lists/page.html", extra=extra_context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An attempt begins with a document's export."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What happened is not edited."""
        return False
