"""What a list's own forms ask for: its columns, its saved views, the list as a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from accounts.admin.desk import DeskAdmin, principal, require
from accounts.models import User
from audit import trail
from exports import savedviews
from exports.admin.lists import columns, files, page, walking
from exports.admin.lists.kinds import KINDS, Kind
from exports.models import SavedView
from pipelines.refusals import Refused

Act = Callable[[HttpRequest, Kind], HttpResponse]


def urls(admin: DeskAdmin) -> list[Any]:
    """Of every list there is; each is a POST."""
    view = admin.admin_site.admin_view
    made = {
        "columns": _columns,
        "save": _save,
        "rename": _rename,
        "delete": _delete,
        "default": _default,
        "file": _file,
    }
    return [
        path(f"lists/<slug:name>/{key}/", view(_guarded(act)), name=f"exports_list_{key}") for key, act in made.items()
    ]


def _guarded(act: Act) -> Callable[..., HttpResponse]:
    @wraps(act)
    def guarded(request: HttpRequest, name: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        if name not in KINDS:
            raise Http404
        kind = KINDS[name]
        require(request, kind.permission)
        try:
            return act(request, kind)
        except Refused as refusal:
            messages.error(request, refusal.message)
            return _back(request)

    return guarded


def _back(request: HttpRequest, query: str | None = None) -> HttpResponseRedirect:
    """To the list that the form stood on; with another query where one is given."""
    to = request.POST.get("next", "")
    if not walking.local(to):
        to = "/"
    return HttpResponseRedirect(to if query is None else f"{to.partition('?')[0]}?{query}")


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _names(request: HttpRequest) -> list[str]:
    return [column.name for column in columns.chosen(request.POST.getlist("columns"))]


def _columns(request: HttpRequest, kind: Kind) -> HttpResponse:
    """`usual` takes the choice back."""
    names = [] if "usual" in request.POST else _names(request)
    savedviews.choose_columns(kind.name, names, user=_user(request), by=principal(request))
    messages.success(request, "The list has its usual columns." if not names else "The columns are kept for you.")
    return _back(request)


def _save(request: HttpRequest, kind: Kind) -> HttpResponse:
    predicate = page.read(request)
    sort = request.POST.get("sort", "")
    page.order_of(kind, sort)
    view = savedviews.save(
        kind.name,
        request.POST.get("name", ""),
        predicate,
        columns=_names(request),
        sort=sort,
        shared=bool(request.POST.get("shared")),
        user=_user(request),
        by=principal(request),
    )
    messages.success(request, f'The view "{view.name}" is kept{" for everybody" if view.shared else ""}.')
    return _back(request, page.address(view))


def _found(request: HttpRequest, kind: Kind) -> SavedView:
    pk = request.POST.get("view", "")
    view = SavedView.objects.filter(pk=int(pk), page=kind.name).first() if pk.isascii() and pk.isdigit() else None
    if view is None or not (view.shared or view.owner_id == request.user.pk):
        raise Refused("This view is gone.")
    found: SavedView = view
    return found


def _rename(request: HttpRequest, kind: Kind) -> HttpResponse:
    view = _found(request, kind)
    savedviews.rename(view, request.POST.get("name", ""), by=principal(request), user=_user(request))
    messages.success(request, f'The view is called "{view.name}" now.')
    return _back(request)


def _delete(request: HttpRequest, kind: Kind) -> HttpResponse:
    view = _found(request, kind)
    savedviews.delete(view, by=principal(request), user=_user(request))
    messages.success(request, f'The view "{view.name}" is deleted.')
    return _back(request, "view=none")


def _default(request: HttpRequest, kind: Kind) -> HttpResponse:
    """Open the list with a view, or with `none`."""
    view = None if request.POST.get("view") == "none" else _found(request, kind)
    savedviews.open_with(kind.name, view, user=_user(request), by=principal(request))
    messages.success(request, f'The list opens with "{view.name}".' if view else "The list opens as it is.")
    return _back(request)


def _file(request: HttpRequest, kind: Kind) -> HttpResponse:
    """The list as a file, and an audit event that says which and how long it was."""
    by = require(request, "exports.download_list")
    predicate = page.read(request)
    order = page.order_of(kind, request.POST.get("sort", ""))
    chosen = columns.chosen(request.POST.getlist("columns")) or columns.chosen(kind.columns)
    form = request.POST.get("format", "csv")
    made = files.response(kind, predicate, chosen, order, form)
    trail.record(
        "list.download",
        f"list:{kind.name}",
        organization_id=by.organization_id,
        actor=by.name,
        detail={
            "format": form,
            "filters": predicate.json(),
            "columns": [column.name for column in chosen],
            "rows": kind.found(predicate).count(),
        },
    )
    return made  # type: ignore[return-value]  # a streaming one is a response too
