"""Where a page stands, in the words of the sidebar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

from config import desk

register = template.Library()


@register.simple_tag(takes_context=True)
def crumbs(context: template.Context, parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The theme's crumbs (title, link) with each list called as the sidebar calls it, its link without the app: a
    clerk looks for "Failed exports", not for the model of an app. An object's own name keeps its letters."""
    names = _names(context)
    told = [{"link": str(part.get("link") or ""), "title": part["title"]} for part in parts]
    if len(told) > 1:
        told = told[1:]
    own = told[-1] if len(told) > 1 else None
    for part in told:
        if part is not own:
            part["title"] = names.get(part["link"], _capital(str(part["title"])))
    return told


@register.simple_tag(takes_context=True)
def page_name(context: template.Context) -> str:
    """Of the window: what the sidebar leads to by its name there, not "Select document to view"; else what it says."""
    if name := _names(context).get(context["request"].path):
        return name
    return " · ".join(str(context[name]) for name in ("subtitle", "title") if context.get(name))


def _names(context: template.Context) -> dict[str, str]:
    entries = [entry for section in desk.navigation(context["request"]) for entry in section["items"]]
    return {str(entry["link"]): str(entry["title"]) for entry in entries}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
