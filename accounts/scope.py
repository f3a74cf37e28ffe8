"""The one place that says whose rows a query may see. No organization in context: nothing is found.

Every model of a tenant inherits `Scoped`; its `objects` answers for the organization in context only. Work that
serves all tenants (the work list, the sealer) says so with `unscoped`, in the few modules a house test names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Self

from django.db import models

_current: ContextVar[int | None] = ContextVar("organization", default=None)


def current() -> int | None:
    """The id of the organization in context, or None."""
    return _current.get()


@contextmanager
def to(organization_id: int | None) -> Iterator[None]:
    """Everything inside sees this organization's rows and no others."""
    token = _current.set(organization_id)
    try:
        yield
    finally:
        _current.reset(token)


def enter(organization_id: int | None) -> None:
    """Change the organization in context from within `to`, which takes it back at its end. For authentication, which
    runs inside the view; everything else uses `to`."""
    _current.set(organization_id)


class ScopedQuerySet(models.QuerySet[Any]):
    """A queryset that a manager has already narrowed."""


class ScopedManager(models.Manager[Any]):
    """Finds the rows of the organization in context; without one, none."""

    def get_queryset(self) -> ScopedQuerySet:
        organization_id = _current.get()
        rows = ScopedQuerySet(self.model, using=self._db)
        return rows.none() if organization_id is None else rows.filter(organization_id=organization_id)


class UnscopedManager(models.Manager[Any]):
    """Finds every organization's rows. Named in tests/house/test_scope.py wherever it may be used."""


class Scoped(models.Model):
    """A row that belongs to exactly one organization; a new one takes the organization in context."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects: ClassVar[ScopedManager] = ScopedManager()
    unscoped: ClassVar[UnscopedManager] = UnscopedManager()

    class Meta:
        abstract = True

    def save(self, **options: Any) -> None:
        if self.organization_id is None and (organization_id := _current.get()) is not None:
            self.organization_id = organization_id
        super().save(**options)

    @classmethod
    def own(cls, **values: Any) -> Self:
        """A new, unsaved row of the organization in context."""
        return cls(organization_id=_current.get(), **values)
