"""Lists as people keep them: saved views, shared or their own, which one a list opens with, and its columns."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policy import Principal, may, require
from audit import trail
from exports.models import ListChoice, SavedView
from exports.predicate import Predicate
from pipelines.refusals import Refused

MOST_VIEWS = 100
"""Of one person, for one list."""
MOST_COLUMNS = 40


def save(
    page: str,
    name: str,
    predicate: Predicate,
    *,
    columns: Sequence[str],
    sort: str,
    shared: bool,
    user: User,
    by: Principal,
) -> SavedView:
    """Keep a list under a name; under a name that the person used before, in place of that one."""
    require(by, "exports.add_savedview")
    if shared:
        require(by, "exports.share_savedview")
    name = _named(name)
    mine = SavedView.objects.filter(page=page, owner=user)
    if not mine.filter(name=name).exists() and mine.count() >= MOST_VIEWS:
        raise Refused(f"You keep {MOST_VIEWS} views of this list already. Delete one that you no longer need.")
    with transaction.atomic():
        view: SavedView
        view, _ = SavedView.objects.update_or_create(
            organization_id=by.organization_id,
            page=page,
            owner=user,
            name=name,
            defaults={
                "query": predicate.query(),
                "columns": list(columns)[:MOST_COLUMNS],
                "sort": sort[:60],
                "shared": shared,
                "changed_at": timezone.now(),
            },
        )
        _record("save", view, by)
    return view


def rename(view: SavedView, name: str, *, by: Principal, user: User) -> None:
    _require_own(view, by, user)
    name = _named(name)
    with transaction.atomic():
        if SavedView.objects.filter(page=view.page, owner=view.owner_id, name=name).exclude(pk=view.pk).exists():
            raise Refused(f'There is a view "{name}" already.')
        SavedView.objects.filter(pk=view.pk).update(name=name, changed_at=timezone.now())
        view.name = name
        _record("rename", view, by)


def delete(view: SavedView, *, by: Principal, user: User) -> None:
    """Gone for everybody it was shared with; their lists open as they did before."""
    _require_own(view, by, user)
    with transaction.atomic():
        _record("delete", view, by)
        view.delete()


def open_with(page: str, view: SavedView | None, *, user: User, by: Principal) -> None:
    """Which view a person's list opens with; None: the list as it is."""
    require(by, "exports.add_savedview", view)
    if view is not None and not (view.shared or view.owner_id == user.pk):
        raise Refused("This view is somebody else's.")
    ListChoice.objects.update_or_create(
        organization_id=by.organization_id, page=page, user=user, defaults={"view": view}
    )


def choose_columns(page: str, columns: Sequence[str], *, user: User, by: Principal) -> None:
    """A person's own columns of a list, in their order; none: the usual ones."""
    require(by, "exports.add_savedview")
    ListChoice.objects.update_or_create(
        organization_id=by.organization_id, page=page, user=user, defaults={"columns": list(columns)[:MOST_COLUMNS]}
    )


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80 or "\0" in name:
        raise Refused("Give the view a name of at most 80 characters.")
    return name


def _require_own(view: SavedView, by: Principal, user: User) -> None:
    """One's own, or a shared one for whoever may share."""
    require(by, "exports.add_savedview", view)
    if view.owner_id == user.pk or (view.shared and may(by, "exports.share_savedview", view)):
        return
    raise Refused("This view is somebody else's.")


def _record(verb: str, view: SavedView, by: Principal) -> None:
    trail.record(
        f"view.{verb}",
        f"view:{view.pk}",
        organization_id=by.organization_id,
        actor=by.name,
        detail={"page": view.page, "name": view.name, "shared": view.shared, "query": view.query},
    )
