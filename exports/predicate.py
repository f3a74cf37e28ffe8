"""The predicate: one set of filters that drives a list, its count, its file, a saved view, the API and a bulk action.

Whatever shows or changes "all that match" asks here, so that no two of them can disagree. Reading a parameter lives in
exports/parameters.py, its meaning to the database in exports/conditions.py, its words in exports/wording.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils import timezone

from exports import conditions, matching
from exports.models import Attempt, Document
from exports.parameters import FIELD, MOST_FIELDS, NEVER_EMPTY, Parameter, named, refuse
from exports.readings import Reading
from pipelines.refusals import Refused


@dataclass(frozen=True, slots=True)
class Predicate:
    """Filters that were understood. Immutable; narrowing and widening make another one."""

    given: Mapping[str, str]
    """The parameters as they were given, trimmed; several values joined by commas."""
    values: Mapping[str, Any]
    """What they mean."""
    reading: Reading

    @classmethod
    def read(
        cls,
        params: Mapping[str, Any],
        *,
        me: int | None = None,
        zone: tzinfo = UTC,
        besides: Collection[str] = (),
    ) -> Self:
        """From a query (a QueryDict, or texts by name). `me` is the id of the person who asks, `zone` the zone of
        times without one, `besides` names the parameters that are somebody else's. Raises Refused naming the parameter
        and what is allowed, also where there is no such parameter: a misspelt filter must not widen a bulk action."""
        reading = Reading(timezone.now(), zone, me)
        given: dict[str, str] = {}
        values: dict[str, Any] = {}
        for name in params:
            if name in besides:
                continue
            parameter = named(name)
            text = _text(name, parameter, params)
            if not text:
                if name in NEVER_EMPTY:
                    raise refuse(name, text, parameter.allowed)
                continue
            try:
                values[name] = parameter.read(text, reading)
            except (ValueError, OverflowError):
                raise refuse(name, text, parameter.allowed) from None
            given[name] = text
        if sum(name.startswith(FIELD) for name in given) > MOST_FIELDS:
            raise Refused(f"field: At most {MOST_FIELDS} field values are searched for at once.")
        return cls(given, values, reading)

    @classmethod
    def from_json(cls, kept: Mapping[str, str]) -> Self:
        """From what `json` gave. Raises Refused where a version since then has taken a filter away."""
        return cls.read(kept)

    def json(self) -> dict[str, str]:
        """For keeping: what is relative ("24h", "me") stands as what it meant when it was read."""
        kept = {}
        for name, text in self.given.items():
            frozen = named(name).frozen
            kept[name] = frozen(self.values[name]) if frozen else text
        return kept

    def query(self) -> str:
        """The query of an address, as it was given: "24h" stays "24h"."""
        return urlencode(self.given)

    def having(self, **changed: str) -> Self:
        """With these parameters changed; an empty text takes one away."""
        merged = {**self.given, **changed}
        kept = {name: text for name, text in merged.items() if text}
        return self.read(kept, me=self.reading.me, zone=self.reading.zone)

    def saying(self, *words: str) -> Self:
        """With these words, folded already, in place of those of `q`. For looking up in steps only: what it was given
        as does not follow."""
        return replace(self, values={**self.values, "q": words})

    def wordless(self) -> Self:
        """Without any free text; the same holds."""
        return replace(
            self, values={name: value for name, value in self.values.items() if name not in conditions.WORDS}
        )

    def attempts(self) -> QuerySet[Attempt]:
        """The attempts of the organization in scope that fit; none twice, in no order."""
        rows: QuerySet[Attempt] = Attempt.objects.filter(self._of_attempts() & self._of_documents("document__"))
        if words := self.values.get("q"):
            rows = rows.filter(matching.attempts_saying(words))
        if "last" in self.given:
            rows = rows.filter(conditions.newest())
            if not conditions.NAMING_A_STANDING & self.given.keys():
                rows = rows.exclude(document__status__in=conditions.GONE)
        return rows.order_by()

    def documents(self) -> QuerySet[Document]:
        """The documents of the organization in scope that fit; none twice, in no order. What speaks of attempts must
        fit a document's newest one; deleted documents only where status, tab or ids name them."""
        rows: QuerySet[Document] = Document.objects.filter(self._of_documents(""))
        if not conditions.NAMING_A_STANDING & self.given.keys():
            rows = rows.exclude(status__in=conditions.GONE)
        if words := self.values.get("q"):
            rows = rows.filter(matching.documents_about(words, conditions.newest()))
        if conditions.OF_ATTEMPTS.keys() & self.given.keys():
            fitting = Attempt.objects.filter(self._of_attempts())
            if not self.values.get("open"):  # an open failure is its document's newest attempt
                fitting = fitting.filter(conditions.newest())
            rows = rows.filter(pk__in=fitting.values("document_id"))
        return rows.order_by()

    def said(self) -> str:
        """The filters in words: "reason rejected, at ERP, in the last 24 hours"; empty where there are none."""
        from exports import wording

        return ", ".join(chip.words for chip in wording.chips(self))

    def _of_attempts(self) -> Q:
        found = Q()
        for name, meaning in conditions.OF_ATTEMPTS.items():
            if name in self.values:
                found &= meaning(self.values[name])
        return found

    def _of_documents(self, at: str) -> Q:
        found = Q()
        for name, meaning in conditions.OF_DOCUMENTS.items():
            if name in self.values:
                found &= meaning(self.values[name], at)
        for name, value in self.values.items():
            if name.startswith(FIELD):
                found &= Q(**{f"{at}id__in": matching.documents_with(name.removeprefix(FIELD), value)})
        return found


def _text(name: str, parameter: Parameter, params: Mapping[str, Any]) -> str:
    values = params.getlist(name) if hasattr(params, "getlist") else params[name]
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise refuse(name, str(values), f"text; {parameter.allowed}")
    texts = [value.strip() for value in values if value.strip()]
    if len(texts) > 1 and not parameter.many:
        raise refuse(name, ", ".join(texts), f"one value; {parameter.allowed}")
    text = ",".join(texts)
    if "\0" in text:
        raise refuse(name, text.replace("\0", ""), parameter.allowed)
    return text
