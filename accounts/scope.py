"""The one place that says whose rows a query may see. No organization in context: nothing is found.

Every model of a tenant inherits `Scoped`; its `objects` answers for the organization in context only: the one when the
query runs, so that a form or view class may hold a queryset. Work that serves all tenants (the work list, the sealer)
says so with `unscoped`, in the few modules a house test names. What is written is checked likewise: a row may refer to
rows of its own organization only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, ClassVar, Self

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import models
from django.db.models.expressions import Expression

_current: ContextVar[int | None] = ContextVar("organization", default=None)
_queues: ContextVar[frozenset[int] | None] = ContextVar("queues", default=None)


class OutOfScope(Exception):
    """Code tried to write a row without an organization, into another one than it works for, or referring to another
    one's row. A mistake of ours, never of the person: nothing was written."""


def current() -> int | None:
    """The id of the organization in context, or None."""
    return _current.get()


@contextmanager
def to(organization_id: int | None) -> Iterator[None]:
    """Everything inside sees this organization's rows and no others."""
    token, narrowed = _current.set(organization_id), _queues.set(None)
    try:
        yield
    finally:
        _queues.reset(narrowed)
        _current.reset(token)


def enter(organization_id: int | None, queues: frozenset[int] | None = None) -> None:
    """Change the organization in context from within `to`, which takes it back at its end. For authentication, which
    runs inside the view; everything else uses `to`. With `queues`, what belongs to other queues is not found either."""
    _current.set(organization_id)
    _queues.set(queues)


TOWARDS_A_QUEUE = ("queue", "document", "attempt", "run")
"""The names of the foreign keys that lead from a row to its queue."""


def way_to_queue(model: type[models.Model]) -> str:
    """The first of TOWARDS_A_QUEUE that the model has, "pk" for the queue itself; empty where its rows are of none."""
    if model._meta.label == "pipelines.Queue":
        return "pk"
    links = {field.name for field in _links(model)} if issubclass(model, Scoped) else set()
    return next((name for name in TOWARDS_A_QUEUE if name in links), "")


def _of_queues(model: type[models.Model], queues: frozenset[int]) -> models.Q:
    """The condition that a row belongs to one of the queues. It joins nothing, so that a conditional UPDATE stays one:
    its own conditions are looked at again when it waited for another."""
    way = way_to_queue(model)
    if way in {"", "pk", "queue"}:
        return models.Q(**{f"{way or 'pk'}__in": queues}) if way else models.Q()
    target: Any = model._meta.get_field(way).related_model
    return models.Q(**{f"{way}__in": target.unscoped.filter(_of_queues(target, queues)).values("pk")})


class InContext(Expression):
    """The organization's id at the moment the query runs; without one, the condition that uses it finds nothing."""

    output_field = models.BigIntegerField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:  # noqa: ARG002 (Django's signature)
        organization_id = _current.get()
        if organization_id is None:
            raise EmptyResultSet
        return "%s", (organization_id,)


class CheckedQuerySet(models.QuerySet[Any]):
    """Looks at what is written in bulk, which passes by `Scoped.save`, without a query: compares the rows at hand."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        rows = list(objs)
        for row in rows:
            if row.organization_id is None or isinstance(self, InScope):
                row.adopt()
            row.refuse_strangers(ask=False)
        return super().bulk_create(rows, *args, **options)

    def update(self, **values: Any) -> int:
        if "organization" in values or "organization_id" in values:
            raise OutOfScope("A row never moves to another organization.")
        for name, value in values.items():
            if isinstance(value, Scoped) and value.organization_id != _current.get() is not None:
                raise OutOfScope(f"{name}: {value!r} belongs to another organization.")
        return super().update(**values)


class InScope(CheckedQuerySet):
    """Narrowed to the organization in context."""


class ScopedManager(models.Manager[Any]):
    """Finds the rows of the organization in context; without one, none."""

    def get_queryset(self) -> CheckedQuerySet:
        rows = InScope(self.model, using=self._db).filter(organization_id=InContext())
        queues = _queues.get()
        return rows if queues is None else rows.filter(_of_queues(self.model, queues))


class UnscopedManager(models.Manager[Any]):
    """Finds every organization's rows. Named in tests/house/test_scope.py wherever it may be used."""

    def get_queryset(self) -> CheckedQuerySet:
        return CheckedQuerySet(self.model, using=self._db)


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
        self.adopt()
        self.refuse_strangers(options.get("update_fields"))
        super().save(**options)

    def clean(self) -> None:
        super().clean()
        if strange := next(self._strangers(None, ask=True), None):
            raise ValidationError({strange: "This belongs to another organization."})

    def adopt(self) -> None:
        """Take the organization in context, where the row has none. Raises OutOfScope when there is none, or when the
        row is another's than the one in context."""
        in_context = _current.get()
        if "organization_id" not in self.__dict__:  # deferred: a row that exists, and has one
            return
        if self.organization_id is None:
            if in_context is None:
                raise OutOfScope(f"A new {self._meta.verbose_name} needs an organization: scope.to(…) around it.")
            self.organization_id = in_context
        elif in_context is not None and self.organization_id != in_context:
            raise OutOfScope(f"This {self._meta.verbose_name} belongs to another organization than the one in context.")

    def refuse_strangers(self, names: Collection[str] | None = None, *, ask: bool = True) -> None:
        """Raises OutOfScope where a foreign key (one of `names`, or any) leads into another organization. Rows at hand
        are compared; `ask` looks the others up."""
        if strange := next(self._strangers(names, ask=ask), None):
            raise OutOfScope(f"{self._meta.label}.{strange} leads to a row of another organization.")

    @classmethod
    def own(cls, **values: Any) -> Self:
        """A new, unsaved row of the organization in context."""
        return cls(organization_id=_current.get(), **values)

    def _strangers(self, names: Collection[str] | None, *, ask: bool) -> Iterator[str]:
        for field in _links(type(self)):
            if names is not None and field.name not in names and field.attname not in names:
                continue
            target = self.__dict__.get(field.attname)  # absent while deferred: then it has not changed
            if target is None:
                continue
            if field.is_cached(self):
                owner = field.get_cached_value(self).organization_id
            elif ask:
                found = field.related_model._base_manager.filter(**{field.target_field.attname: target})  # noqa: SLF001
                owner = found.values_list("organization_id", flat=True).first()
            else:
                continue
            if owner is not None and owner != (self.organization_id or _current.get()):
                yield field.name


@cache
def _links(model: type[Scoped]) -> tuple[Any, ...]:
    """The foreign keys of a model that lead to rows with an organization."""
    return tuple(
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and isinstance(field.related_model, type)
        and issubclass(field.related_model, Scoped)
    )
