"""A kept request as a command to copy: asked for when somebody opens it, so that no page makes those nobody reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from exports.admin import chosen
from exports.models import Exchange


def shown(model_admin: Any) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, exchange_id: Any) -> HttpResponse:
        rows = Exchange.objects.select_related("attempt", "request_content")
        exchange = rows.filter(pk=exchange_id).first()
        if exchange is None:
            raise Http404("There is no such request here.")
        attempt = model_admin.found(request, str(exchange.attempt_id))
        made: HttpResponse = model_admin.page(
            request,
            "admin/exports/curl.html",
            attempt,
            title="As a command",
            attempt=attempt,
            exchange=exchange,
            **chosen.command(exchange),
        )
        return made

    return view
