"""Asking the search indexes: which documents have a value, which attempts were answered with some words.

Never reads a body, a tree of fields or a reply: only the copies that exports/searching.py makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from exports.models import Attempt, FieldValue, ReplyText
from exports.readings import LONGEST, Range, Wanted
from exports.searching import tokens

_LAST = chr(0x10FFFF)


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
    found = begins(word[:LONGEST]) if len(word) > 1 else Q(text=word, whole=True)
    return _ids(FieldValue.objects.filter(found))


def attempts_answered(words: Sequence[str]) -> Q:
    """A condition on attempts: reply and message together have each of these words or phrases, or their beginnings."""
    rows = ReplyText.objects.all()
    for word in words:
        terms = tokens(word)
        if not terms:
            return Q(pk__in=[])
        rows = rows.filter(HasWords(terms))
        if len(terms) > 1:
            rows = rows.alias(line=Concat(Value(" "), F("words"), output_field=TextField())).filter(
                line__contains=f" {' '.join(terms)}"
            )
    return Q(pk__in=rows.values("attempt_id"))


def attempts_saying(word: str) -> Q:
    """A condition on attempts: of a document with that word, or answered with it."""
    of_documents = Attempt.objects.filter(document_id__in=documents_saying(word)).order_by().values("pk")
    answered = Attempt.objects.filter(attempts_answered([word])).order_by().values("pk")
    return Q(pk__in=of_documents.union(answered))  # one set of ids: an OR of two would read every attempt


def documents_about(word: str, newest: Any) -> Q:
    """A condition on documents: with that word, or whose newest attempt was answered with it."""
    answered = Attempt.objects.filter(attempts_answered([word]), newest).order_by().values("document_id")
    return Q(pk__in=documents_saying(word).union(answered))


def begins(text: str) -> Q:
    """A prefix, in the form for which each database uses its index."""
    if connection.vendor == "sqlite":
        return Q(text__gte=text, text__lt=text + _LAST)
    return Q(text__startswith=text)


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
        asked = " & ".join(f"'{term}'" for term in self.terms) + ":*"
        return f"array_to_tsvector(string_to_array({words}, ' ')) @@ %s::tsquery", [*parameters, asked]


def _between(column: str, wanted: Range) -> Q:
    found = Q()
    if wanted.low is not None:
        found &= Q(**{f"{column}__gte": wanted.low})
    if wanted.high is not None:
        found &= Q(**{f"{column}__lte": wanted.high})
    return found


def _ids(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by().values("document_id")
