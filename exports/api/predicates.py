"""The API's lists of documents and attempts are asked by the predicate (exports/predicate.py), as the desk's lists,
their files and bulk work are. What the API calls otherwise is told here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter

from accounts.models import User
from exports.api.pages import PARAMETERS as OF_PAGES
from exports.api.problems import wrong
from exports.bulk.acts import ATTEMPTS, DOCUMENTS
from exports.parameters import FIELD, FIELDS, LONGEST_NAME, PARAMETERS
from exports.predicate import Predicate
from pipelines.refusals import Refused

SYNONYMS = {ATTEMPTS: {"id": "ids", "http_status": "code"}, DOCUMENTS: {"id": "document"}}
SPANS = {ATTEMPTS: {"created": "begun"}, DOCUMENTS: {"created": "arrived", "modified": "modified"}}
"""NAME_after and NAME_before, two ends of one span."""


def known(of: str) -> frozenset[str]:
    """The names of all parameters, besides `field.`."""
    ends = {f"{name}_{end}" for name in SPANS[of] for end in ("after", "before")}
    return frozenset({*PARAMETERS, *SYNONYMS[of], *ends})


def read(params: Mapping[str, Any], of: str, *, me: int | None) -> Predicate:
    """From a query. Raises the problem that names the parameter."""
    given = {name: str(text) for name, text in params.items() if name not in OF_PAGES}
    for name, text in given.items():
        if not text.strip():
            raise wrong(name, "Give a value, or leave it out.")
        if name.startswith(FIELD) and not 0 < len(name) - len(FIELD) <= LONGEST_NAME:
            raise wrong(name[:60], "Name the field after the point, and give its value as text.")
    try:
        return Predicate.read(renamed(given, of), me=me)
    except Refused as refusal:
        place = refusal.message.partition(":")[0]
        raise wrong(_given_as(place, given, of), refusal.message) from None


def _given_as(place: str, given: Mapping[str, str], of: str) -> str:
    """The parameter that the caller wrote for one of the predicate's; empty where it is none."""
    if place in given or place == "field":
        return place
    old = [old for old, new in SYNONYMS[of].items() if new == place]
    old += [f"{name}_{end}" for name, span in SPANS[of].items() if span == place for end in ("after", "before")]
    return next((name for name in old if name in given), "")


def renamed(given: Mapping[str, str], of: str) -> dict[str, str]:
    """By the predicate's own names. Raises Refused where one is given twice, under two names."""
    found: dict[str, str] = {}
    for name, text in given.items():
        new = SYNONYMS[of].get(name, name)
        if new in found:
            raise Refused(f"{name}: It is given as {new} too. Give one of them.")
        found[new] = text
    for name, span in SPANS[of].items():
        ends = [found.pop(f"{name}_{end}", "").strip() for end in ("after", "before")]
        if any(ends):
            if span in found:
                raise Refused(f"{span}: It is given as {name}_after or {name}_before too. Give one of them.")
            found[span] = "..".join(ends)
    return found


def described(of: str) -> list[OpenApiParameter]:
    """For the OpenAPI document."""
    found = [_parameter(one.name, f"{one.title}: {one.allowed}.") for one in PARAMETERS.values()]
    found += [_parameter(old, f"The same as `{new}`.") for old, new in SYNONYMS[of].items()]
    for name, span in SPANS[of].items():
        found += [_parameter(f"{name}_after", f"The beginning of `{span}`, included.", "date-time"),
                  _parameter(f"{name}_before", f"The end of `{span}`, not included.", "date-time")]  # fmt: skip
    field = {"type": "object", "additionalProperties": {"type": "string"}}
    told = f"`{FIELD}SCHEMA_ID=value`: by a captured value, anywhere in the fields: {FIELDS.allowed}."
    return [
        *found,
        OpenApiParameter("field", field, OpenApiParameter.QUERY, description=told, style="form", explode=True),
    ]


def _parameter(name: str, told: str, form: str = "") -> OpenApiParameter:
    schema = {"type": "string", **({"format": form} if form else {})}
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=told)


class Asked:
    """Mixed into a resource whose list is asked by the predicate; `of` says which list it is."""

    of: ClassVar[str]
    action: str
    request: Any
    check_parameters: Any
    rows: Any
    open_parameters: ClassVar[tuple[str, ...]] = (FIELD,)

    def parameters(self) -> frozenset[str]:
        return known(self.of)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.action != "list":
            return queryset
        self.check_parameters(self.request)
        user = self.request.user
        predicate = read(self.request.query_params, self.of, me=user.pk if isinstance(user, User) else None)
        found = predicate.attempts() if self.of == ATTEMPTS else predicate.documents()
        return self.rows(found)  # type: ignore[no-any-return]
