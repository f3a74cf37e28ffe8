"""One list page: reads the address, asks the predicate, fetches one page of rows, and lays out what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse

from accounts.admin.desk import DeskAdmin, number
from accounts.models import User
from exports import wording
from exports.admin.lists import columns, panel
from exports.admin.lists.counting import count
from exports.admin.lists.kinds import Kind
from exports.admin.lists.paging import Order, Slice
from exports.bulk.acts import ACTS
from exports.models import ListChoice, SavedView
from exports.predicate import Predicate
from pipelines.refusals import Refused

OWN = frozenset({"sort", "after", "before", "per", "view"})
"""Parameters of the page that are no filters."""
SIZES = (25, 50, 100, 200)


def respond(
    admin: DeskAdmin, request: HttpRequest, kind: Kind, template: str, *, extra: Mapping[str, Any] | None = None
) -> HttpResponse:
    """A whole page that is this list."""
    if not request.GET and (start := _default_view(request, kind)) is not None:
        return HttpResponseRedirect(f"?{address(start)}")
    context = build(request, kind)
    response = admin.page(request, template, title=kind.title, cl=None, **context, **(extra or {}))
    response.status_code = 400 if context["refused"] else 200
    return response


def build(
    request: HttpRequest, kind: Kind, *, fixed: Mapping[str, str] | None = None, bare: bool = False
) -> dict[str, Any]:
    """What admin/exports/lists/list.html shows. `fixed` are filters that the page itself stands for, for example
    {"group": "5", "open": "1"}: they hold whatever the address says, and are no chips. `bare`: without views, columns
    and filters to choose, for a page that has more to show than its list."""
    refused = ""
    try:
        predicate = read(request, fixed)
        order, sort = _order(request, kind)
    except Refused as refusal:
        refused, predicate, (order, sort) = refusal.message, Predicate.read(dict(fixed or {})), (Order(), "")
    views = [] if bare else list(SavedView.objects.filter(page=kind.name).select_related("owner"))
    views = [view for view in views if view.shared or view.owner_id == request.user.pk]
    choice = None if bare else ListChoice.objects.filter(page=kind.name, user=request.user.pk).first()
    view = next((view for view in views if str(view.pk) == request.GET.get("view")), None)
    names = (view.columns if view else None) or (choice.columns if choice else None) or list(kind.columns)
    shown = columns.chosen(str(name) for name in names) or columns.chosen(kind.columns)
    size = number(request.GET.get("per", ""))
    size = size if size in SIZES else 50
    total, more, tabs, page = 0, False, [], Slice([])
    if not refused:
        counted = count(kind, predicate, size)
        tabs, more = kind.tabs(predicate, counted.by), counted.more
        total = counted.total(predicate, tabs)
        marks = {name: request.GET.get(name, "") for name in ("after", "before")}
        try:
            page = counted.page(kind, predicate, order, size=size, **marks)
        except Refused as refusal:
            refused = refusal.message
    wanted = {name for column in shown for name in column.fields}
    rows = kind.complete(page.rows, wanted, replies=any(column.name == "reply" for column in shown))
    known = [] if bare else panel.known_fields(predicate)
    open_filters = {name: text for name, text in predicate.given.items() if name not in (fixed or {})}
    chips = [] if bare else [chip for chip in wording.chips(predicate) if chip.name in open_filters]
    kept = {name: request.GET[name] for name in ("sort", "per", "view") if request.GET.get(name)}
    return {
        "kind": kind,
        "bare": bare,
        "refused": refused,
        "predicate": predicate,
        "fixed": dict(fixed or {}),
        "tabs": tabs,
        "chosen_tab": next((tab for tab in tabs if tab.chosen), None),
        "total": total,
        "more": more,
        "noun": kind.noun[total != 1],
        "rows": [(row, [(column, column.draw(row)) for column in shown]) for row in rows],
        "headings": [_heading(column, kind, sort, open_filters, kept) for column in shown],
        "chips": [
            {"chip": chip, "without": _query(open_filters, kept, without=chip.name)}
            for chip in chips
            if chip.name != "tab"
        ],
        "said": ", ".join(chip.words for chip in chips),
        "whole": _query({}, {"view": "none"}),
        "q": predicate.given.get("q", ""),
        "hidden": [(n, t) for n, t in {**open_filters, **kept}.items() if n not in {"q", "view"}],
        "held": [(n, t) for n, t in {**open_filters, **kept}.items() if n in {"tab", "sort", "per", "q"}],
        "asked": list(predicate.given.items()),
        "controls": [] if bare else panel.controls(kind.filters, predicate),
        "fields": panel.fields(known, predicate),
        "choosable": _choosable(known, [column.name for column in shown]),
        "shown_names": [column.name for column in shown],
        "before": _query(open_filters, kept, before=page.before) if page.before else "",
        "after": _query(open_filters, kept, after=page.after) if page.after else "",
        "sizes": [(one, one == size, _query(open_filters, {**kept, "per": str(one)})) for one in SIZES],
        "acts": _acts(request, kind),
        "job_url": _job_url(),
        "views": [(one, address(one), choice is not None and choice.view_id == one.pk) for one in views],
        "view": view,
        "view_changed": view is not None and dict(open_filters) != dict(_given(view.query)),
        "sort": sort,
        "walk": urlencode(open_filters) if kind.name == "documents" else "",
        "may_share": request.user.has_perm("exports.share_savedview"),
        "may_keep": request.user.has_perm("exports.add_savedview"),
        "may_download": request.user.has_perm("exports.download_list"),
    }


def read(request: HttpRequest, fixed: Mapping[str, str] | None = None) -> Predicate:
    """The predicate of an address, or of a form, for the person who asks. Raises Refused."""
    given = (request.POST if request.method == "POST" else request.GET).copy()
    for name, text in (fixed or {}).items():
        given.setlist(name, [text])
    return Predicate.read(given, me=request.user.pk, zone=_zone(request), besides=OWN | _FORM)


_FORM = frozenset({
    "acknowledge", "csrfmiddlewaretoken", "format", "columns", "next", "name", "shared", "default", "page",
})  # fmt: skip


def _zone(request: HttpRequest) -> ZoneInfo:
    name = request.user.time_zone if isinstance(request.user, User) else ""
    return ZoneInfo(name or "UTC")


def order_of(kind: Kind, sort: str) -> Order:
    """Raises Refused where the list does not sort by that."""
    if not sort:
        return Order()
    column = columns.named(sort.lstrip("-"))
    by = column.sorts.get(kind.of) if column is not None and column.sorts else None
    if by is None:
        raise Refused(f'sort: this list does not sort by "{sort[:40]}".')
    return Order(by, descending=sort.startswith("-"))


def _order(request: HttpRequest, kind: Kind) -> tuple[Order, str]:
    sort = request.GET.get("sort", "")
    return order_of(kind, sort), sort


def address(view: SavedView) -> str:
    """The query that shows a saved view."""
    return _query(_given(view.query), {"view": str(view.pk), **({"sort": view.sort} if view.sort else {})})


def _given(query: str) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl(query))


def _default_view(request: HttpRequest, kind: Kind) -> SavedView | None:
    choice = ListChoice.objects.filter(page=kind.name, user=request.user.pk).select_related("view").first()
    view: SavedView | None = choice.view if choice is not None else None
    return view if view is not None and (view.shared or view.owner_id == request.user.pk) else None


def _query(filters: Mapping[str, str], kept: Mapping[str, str], *, without: str = "", **more: str) -> str:
    merged = {**{name: text for name, text in filters.items() if name != without}, **kept, **more}
    return urlencode(merged) or "view=none"


def _heading(column: columns.Column, kind: Kind, sort: str, filters: Any, kept: Any) -> dict[str, Any]:
    """Its title, how it sorts now, and the query that sorts by it."""
    if not (column.sorts and kind.of in column.sorts):
        return {"column": column}
    now = {column.name: "ascending", f"-{column.name}": "descending"}.get(sort, "none")
    turned = column.name if now == "descending" else f"-{column.name}"
    return {"column": column, "now": now, "query": _query(filters, {**kept, "sort": turned})}


def _choosable(known: list[tuple[str, str]], shown: list[str]) -> list[tuple[columns.Column, bool]]:
    """Those that are shown first, in their order; then the others."""
    others = [*columns.COLUMNS.values(), *(columns.of_field(name, label) for name, label in known)]
    labels = {column.name: column for column in others}
    first = [labels.get(name) or columns.of_field(name.partition(".")[2]) for name in shown]
    return [*((column, True) for column in first), *((column, False) for column in others if column.name not in shown)]


def _acts(request: HttpRequest, kind: Kind) -> list[Any]:
    return [ACTS[key] for key in kind.acts if key in ACTS and request.user.has_perm(ACTS[key].permission)]


def _job_url() -> str:
    try:
        return reverse("admin:exports_job_new")
    except NoReverseMatch:
        return ""
