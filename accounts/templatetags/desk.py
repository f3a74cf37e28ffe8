"""Template tags of the desk: moments, spans, sizes and badges as accounts/admin/display.py writes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django import template
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString

# Looked up when first used: unfold.admin renders a widget while it is being imported, which loads every tag library.
display: Any = SimpleLazyObject(lambda: import_module("accounts.admin.display"))

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
