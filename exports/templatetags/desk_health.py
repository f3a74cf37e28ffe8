"""How a destination does, on its own page: the line of the home page, and what opens its breaker's hold."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from exports import health
from pipelines.models import Destination

register = template.Library()


@register.inclusion_tag("admin/home/destination.html", takes_context=True)
def destination_health(context: Any, destination: Destination) -> dict[str, Any]:
    if not context["request"].user.has_perm("exports.view_attempt"):
        return {}
    return {"line": health.of_one(destination, timezone.now())}


@register.inclusion_tag("admin/home/breaker.html", takes_context=True)
def breaker_control(context: Any, destination: Destination, may: bool) -> dict[str, Any]:  # noqa: FBT001 - as tags are called
    return {
        "request": context["request"],
        "csrf_token": context.get("csrf_token"),
        "destination": destination,
        "breaker": health.breaker_of(destination),
        "may": may,
    }
