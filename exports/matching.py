"""Asking the search indexes: which documents have a value, which attempts were answered with some words.

Never reads a body, a tree of fields or a reply: only the copies that exports/searching.py makes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from exports.models import Attempt, FieldValue, ReplyText
from exports.readings import LONGEST, Range, Wanted
from exports.searching import tokens

_LAST = chr(0x10FFFF)
FREQUENT = 10_000
"""Values that begin with a word, from which on it is taken for no rarer than another one."""


def documents_with(name: str, wanted: Wanted) -> QuerySet[Any]:
    """Ids of documents whose newest fields have this value under this name, in the header or in a line item."""
    rows = FieldValue.objects.filter(name=name)
    if wanted.numbers is not None:
        return _ids(rows.filter(_between("number", wanted.numbers), number__isnull=False))
    if wanted.dates is not None:
        return _ids(rows.filter(_between("date", wanted.dates), date__isnull=False))
    text = wanted.text[:LONGEST]
    return _ids(rows.filter(begins(text) if wanted.prefix else Q(text=text), whole=True))


def documents_saying(word: str) -> QuerySet[Any]:
    """Ids of documents some value of which has a word, or a phrase, that begins like this; also by external id and
    file name. A single character must be the whole value."""
    return _ids(FieldValue.objects.filter(_said(word)))


def rarest_first(words: Sequence[str]) -> list[str]:
    """The words in the order in which they are looked up and checked: longer ones first, for they are rarer; but the
    longest one second where many values begin like it. One short query, none for a single word."""
    first, *others = sorted(dict.fromkeys(words), key=len, reverse=True)
    if others and documents_saying(first)[:FREQUENT].count() == FREQUENT:
        return [others[0], first, *others[1:]]
    return [first, *others]


def attempts_answered(words: Sequence[str]) -> Q:
    """A condition on attempts: reply and message together have each of these words or phrases, or their beginnings."""
    return Q(pk__in=_answers(words).values("attempt_id"))


def attempts_saying(words: Sequence[str]) -> Q:
    """A condition on attempts: for each of the words, of a document with it, or answered with it.

    The rarest one is looked up in the indexes; the others are checked of what that finds. An OR of two indexes would
    read every attempt, and looking up a word that is everywhere would, too."""
    rarest, *others = rarest_first(words)
    found = Q(pk__in=ids_saying(rarest))
    for word in others:
        found &= attempt_has(word)
    return found


def ids_saying(word: str) -> QuerySet[Any]:
    """Ids of attempts of a document with this word, or answered with it; from the indexes, without the attempts."""
    of_documents = Attempt.objects.filter(document_id__in=documents_saying(word)).order_by()
    return of_documents.values_list("pk", flat=True).union(_answers([word]).values_list("attempt_id", flat=True))


def attempt_has(word: str) -> Q:
    """The same of one word, as a condition to check of attempts that are found already."""
    values = FieldValue.objects.filter(_said(word), document=OuterRef("document_id")).order_by()
    return Q(Exists(values)) | Q(Exists(_answers([word]).filter(attempt=OuterRef("pk"))))


def documents_about(words: Sequence[str], newest: Any) -> Q:
    """A condition on documents: for each of the words, with it, or whose newest attempt was answered with it."""
    rarest, *others = rarest_first(words)
    answered = Attempt.objects.filter(attempts_answered([rarest]), newest).order_by().values("document_id")
    found = Q(pk__in=documents_saying(rarest).union(answered))
    for word in others:
        found &= document_has(word, newest)
    return found


def document_has(word: str, newest: Any) -> Q:
    """The same of one word, as a condition to check of documents that are found already."""
    values = FieldValue.objects.filter(_said(word), document=OuterRef("pk")).order_by()
    answers = _answers([word]).filter(attempt=OuterRef("pk"))
    answered = Attempt.objects.filter(newest, Exists(answers), document=OuterRef("pk")).order_by()
    return Q(Exists(values)) | Q(Exists(answered))


def begins(text: str) -> Q:
    """A prefix, in the form for which each database uses its index."""
    if connection.vendor == "sqlite":
        return Q(text__gte=text, text__lt=text + _LAST)
    return Q(text__startswith=text)


class OneOf(Func):
    """Whether a row's id is one of `ids`, given as one parameter: a thousand ones take longer to write than to find."""

    output_field = BooleanField()

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = list(ids)
        super().__init__(F("pk"))

    def as_sqlite(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, Any]:  # noqa: ARG002 (Django's)
        key, parameters = compiler.compile(self.get_source_expressions()[0])
        inner = "SELECT value FROM json_each(%s)"
        return f"{key} IN ({inner})", [*parameters, json.dumps(self.ids)]

    def as_postgresql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, Any]:  # noqa: ARG002 (likewise)
        key, parameters = compiler.compile(self.get_source_expressions()[0])
        return f"{key} = ANY(%s::bigint[])", [*parameters, self.ids]


class HasWords(Func):
    """Whether a reply's words have each of `terms`, the last one perhaps only as a beginning."""

    output_field = BooleanField()

    def __init__(self, terms: Sequence[str], at: str = "words") -> None:
        self.terms = list(terms)
        super().__init__(F(at), F("attempt_id"))

    def as_sqlite(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, Any]:  # noqa: ARG002 (Django's)
        key, parameters = compiler.compile(self.get_source_expressions()[1])
        asked = " ".join(f'"{term}"' for term in self.terms) + "*"  # words hold letters and digits, nothing to escape
        inner = "SELECT rowid FROM exports_replytext_words WHERE exports_replytext_words MATCH %s"
        return f"{key} IN ({inner})", [*parameters, asked]

    def as_postgresql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, Any]:  # noqa: ARG002 (likewise)
        words, parameters = compiler.compile(self.get_source_expressions()[0])
        *before, last = [f"'{term}'" for term in self.terms]
        # The word itself beside its beginning changes nothing but the planner's guess: it knows how often words occur,
        # of beginnings it mostly assumes one in fifty.
        asked = " & ".join([*before, f"({last} | {last}:*)"])
        return f"array_to_tsvector(string_to_array({words}, ' ')) @@ %s::tsquery", [*parameters, asked]


def _said(word: str) -> Q:
    return begins(word[:LONGEST]) if len(word) > 1 else Q(text=word, whole=True)


def _answers(words: Sequence[str]) -> QuerySet[ReplyText]:
    rows: QuerySet[ReplyText] = ReplyText.objects.order_by()
    for word in words:
        terms = tokens(word)
        if not terms:
            return ReplyText.objects.none()
        rows = rows.filter(HasWords(terms))
        if len(terms) > 1:
            rows = rows.alias(line=Concat(Value(" "), F("words"), output_field=TextField())).filter(
                line__contains=f" {' '.join(terms)}"
            )
    return rows


def _between(column: str, wanted: Range) -> Q:
    found = Q()
    if wanted.low is not None:
        found &= Q(**{f"{column}__gte": wanted.low})
    if wanted.high is not None:
        found &= Q(**{f"{column}__lte": wanted.high})
    return found


def _ids(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by().values("document_id")
