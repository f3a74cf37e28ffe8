"""Template tags of the desk: moments, spans, sizes and badges as accounts/display.py writes them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils.safestring import SafeString

from accounts import display

register = template.Library()


@register.simple_tag
def moment(at: datetime | None, empty: str = "–") -> SafeString:
    return display.moment(at, empty=empty)


@register.filter
def span(lasted: timedelta | float | None) -> str:
    return display.span(lasted)


@register.filter
def milliseconds(value: float | None) -> str:
    return display.span(None if value is None else float(value) / 1000)


@register.filter
def bytesize(count: int | None) -> str:
    return display.size(count)


@register.simple_tag
def badge(text: str, tone: str = "", symbol: str = "", title: str = "") -> SafeString:
    return display.badge(text, tone or display.QUIET, symbol, title)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    return display.icon(name, label)
