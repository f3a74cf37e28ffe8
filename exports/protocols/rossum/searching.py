"""`annotations/search`: Rossum's query language on the same index that Waybill's own lists ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from exports import conditions, matching
from exports.models import Document, FieldValue
from exports.protocols.rossum import filters, people
from exports.protocols.rossum.annotations import beside, every, narrowed_keys, shapes
from exports.protocols.rossum.view import View
from exports.readings import MOST_WORDS, fold
from exports.searching import tokens
from exports.wire.rossum import paging, queries
from exports.wire.rossum.paging import Page
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.queries import Condition, Group

MOST, MOST_WITH_CONTENT = 500, 100
AFTER = "search_after"


class Search(View):
    """POST with `query`, `query_string` or both. Pages by number, or, following `next`, from one id to the next."""

    verbs = {"post": "exports.view_document"}

    def post(self, request: Request) -> Response:
        group, text = queries.read(self.body())
        rows = every().filter(_q(group))
        if not _speaks_of_standing(group):
            rows = rows.exclude(status__in=conditions.GONE)
        for word in fold(text).split()[:MOST_WORDS]:
            rows = rows.filter(pk__in=matching.documents_saying(word))
        most = MOST_WITH_CONTENT if "content" in self.given.words("sideload") else MOST
        if "page" in self.given or "ordering" in self.given:
            return self.listed(
                rows,
                lambda found: narrowed_keys(self.given, shapes(found, self.at)),
                keys=filters.ORDER,
                most=most,
                beside=lambda found: beside(found, self.given, self.at),
            )
        return self._after(rows, most)

    def _after(self, rows: QuerySet[Document], most: int) -> Response:
        page = Page.read(self.given, most=most)
        after = self.given.text(AFTER, "0")
        if not (after.isascii() and after.isdigit() and len(after) < 19):
            raise WrongValue(AFTER, "This is no cursor of this search. Follow `next`.")
        found = list(rows.filter(pk__gt=int(after)).order_by("pk")[: page.size + 1])
        shown, more = found[: page.size], len(found) > page.size
        url = self.request.build_absolute_uri()
        results = narrowed_keys(self.given, shapes(shown, self.at))
        body = paging.envelope(results, page=page, total=rows.count(), url=url)
        body["pagination"]["next"] = paging.with_parameter(url, AFTER, str(shown[-1].pk)) if more else None
        return Response({**body, **beside(shown, self.given, self.at)})


def _speaks_of_standing(group: Group) -> bool:
    return any(
        _speaks_of_standing(part) if isinstance(part, Group) else part.name in {"status", "id", "document", "url"}
        for part in group.parts
    )


def _q(part: Group | Condition) -> Q:
    if isinstance(part, Condition):
        return _of_field(part) if part.field else _of_property(part)
    found = Q()
    for inner in part.parts:
        found = found & _q(inner) if part.all_of else found | _q(inner)
    return found if part.parts or part.all_of else Q(pk__in=[])


_COLUMNS: dict[str, str] = {
    "id": "pk", "url": "pk", "document": "pk", "queue": "queue", "workspace": "organization", "assignees": "assignee",
    "status": "status", "original_file_name": "file_name", "automated": "automated", **filters.MOMENTS,
}  # fmt: skip
_SUFFIXES = {"$gt": "__gt", "$gte": "__gte", "$lt": "__lt", "$lte": "__lte", "$startsWith": "__istartswith"}


def _of_property(condition: Condition) -> Q:
    name, operator, value = condition.name, condition.operator, condition.value
    if name == "modifier" or name in filters.WHO:
        return _of_people(name, operator, value)
    column = _COLUMNS[name]
    if operator == "$emptyOrMissing":
        missing = Q(**{column: ""}) if name == "original_file_name" else Q(**{f"{column}__isnull": True})
        return missing if value else ~missing
    if operator in {"$in", "$nin"}:
        found = Q(**{f"{column}__in": value})
        return ~found if operator == "$nin" else found
    if operator in {"$eq", "$ne"}:
        found = Q(**{column: value})
        return ~found if operator == "$ne" else found
    return Q(**{f"{column}{_SUFFIXES[operator]}": value})


def _of_people(name: str, operator: str, value: Any) -> Q:
    if operator == "$emptyOrMissing":
        found = filters.by_anybody(name)
        return ~found if value else found
    names = people.names_of(value if isinstance(value, list) else [value])
    found = filters.by_people(name, names)
    return ~found if operator in {"$ne", "$nin"} else found


def _of_field(condition: Condition) -> Q:
    rows = FieldValue.objects.filter(name=condition.field)
    operator, value = condition.operator, condition.value
    if operator == "$emptyOrMissing":
        there = Q(pk__in=rows.filter(whole=True).order_by().values("document_id"))
        return ~there if value else there
    if operator in {"$ne", "$nin"}:
        opposite = {"$ne": "$eq", "$nin": "$in"}[operator]
        return ~_of_field(Condition("", condition.kind, opposite, value, condition.field))
    if operator == "$containsPrefixes":
        found = Q()
        for word in tokens(str(value))[:MOST_WORDS]:
            found &= Q(pk__in=rows.filter(matching.begins(word)).order_by().values("document_id"))
        return found
    return Q(pk__in=rows.filter(_VALUES[condition.kind](operator, value)).order_by().values("document_id"))


def _texts(operator: str, value: Any) -> Q:
    if operator == "$in":
        return Q(text__in=[fold(one)[: queries.LONGEST] for one in value], whole=True)
    text = fold(value)[: queries.LONGEST]
    match operator:
        case "$eq":
            return Q(text=text, whole=True)
        case "$startsWith":
            return matching.begins(text) & Q(whole=True)
        case "$anyTokenStartsWith":
            return matching.begins(text)
        case _:
            return Q(**{f"text{_SUFFIXES[operator]}": text}, whole=True)


def _compared(column: str) -> Callable[[str, Any], Q]:
    def compare(operator: str, value: Any) -> Q:
        if operator == "$in":
            return Q(**{f"{column}__in": value})
        return Q(**{f"{column}{_SUFFIXES.get(operator, '')}": value, f"{column}__isnull": False})

    return compare


_VALUES: dict[str, Callable[[str, Any], Q]] = {
    "string": _texts,
    "number": _compared("number"),
    "date": _compared("date"),
}
