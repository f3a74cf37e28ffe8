"""Template tags for the states of exports, as exports/looks.py draws them."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts import display
from exports import looks, signatures
from exports.models import Attempt, Document, EventDelivery

register = template.Library()


@register.simple_tag
def status_badge(document: Document) -> SafeString:
    return looks.of_status(document.status).badge()


@register.simple_tag
def attempt_badge(attempt: Attempt) -> SafeString:
    """The state, and for a failed one its reason."""
    if attempt.state == "failed" and attempt.reason:
        return format_html("{}", looks.of_reason(attempt.reason).badge(title="Failed"))
    return looks.of_attempt(attempt.state).badge()


@register.simple_tag
def reason_badge(reason: str) -> SafeString:
    return looks.of_reason(reason).badge() if reason else SafeString("")


@register.simple_tag
def attempt_look(attempt: Attempt) -> looks.Look:
    """The reason's look for a failed one, else the state's."""
    failed = attempt.state == "failed" and attempt.reason
    return looks.of_reason(attempt.reason) if failed else looks.of_attempt(attempt.state)


@register.simple_tag
def delivery_badge(delivery: EventDelivery) -> SafeString:
    return looks.of_delivery(delivery.state).badge()


@register.simple_tag
def took(attempt: Attempt) -> str:
    if attempt.started_at is None or attempt.finished_at is None:
        return "–"
    return display.span(attempt.finished_at - attempt.started_at)


@register.simple_tag
def pattern(text: str) -> SafeString:
    """A failure group's pattern; what was masked is marked."""
    drawn = (
        format_html('<i class="desk-masked">{}</i>', piece) if masked else format_html("{}", piece)
        for piece, masked in signatures.pieces(text)
    )
    return format_html_join("", "{}", ((piece,) for piece in drawn))


@register.filter
def awaited(parked_on: str) -> str:
    """Whom a parked attempt waits for, in words."""
    return "an outside client" if parked_on.startswith("client:") else parked_on or "an answer"


@register.filter
def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
