"""What a robot asks of `queues/{id}/export`: parameters of the query, and of a POST's body as well."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from rest_framework.request import Request

from exports.protocols.rossum import filters
from exports.states import Status
from exports.wire.rossum.paging import Page
from exports.wire.rossum.parameters import Given, WrongValue
from exports.wire.rossum.sheets import Dialect

FORMATS = {
    "json": "application/json",
    "xml": "application/xml",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ACCEPTED = {**{media: name for name, media in FORMATS.items()}, "text/xml": "xml"}
SHAPES = ("documented", "flat")
TO = (Status.EXPORTING, Status.EXPORTED)
OF_PAGES = ("page", "page_size")
OWN = frozenset({
    "format", "to_status", "columns", "prepend_columns", "append_columns", "delimiter", "quote_char", "quoting",
    "escape_char", "shape", "ordering", "sideload", "content.schema_id", "include_total", *OF_PAGES,
})  # fmt: skip
MOST_IN_CSV = 1000
"""Rows of one page of CSV; other formats have a list's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, checked as far as it can be before anything is looked up."""

    given: Given
    lists: Mapping[str, Sequence[str]]
    form: str
    flat: bool
    to: Status | None
    page: Page | None
    """None: everything at once, for files that were asked for without a page."""
    dialect: Dialect

    @property
    def names_what(self) -> bool:
        """Whether the robot said which documents it means, and not only the queue."""
        return any(name in self.given for name in ("status", "id", "document"))

    @property
    def digest(self) -> str:
        """sha256 of all that was asked but for the page, in whatever order it was sent."""
        told = {
            name: sorted(values)
            for name, values in self.lists.items()
            if name not in {"page", "include_total"} and any(value.strip() for value in values)
        }
        return hashlib.sha256(urlencode(sorted(told.items()), doseq=True).encode()).hexdigest()

    def url(self, address: str) -> str:
        """The request's address with all parameters in its query, wherever they were sent."""
        return f"{address}?{urlencode(dict(self.lists), doseq=True)}"


def read(request: Request) -> Asked:
    """Raises WrongValue naming the parameter, and NoSuchPage. A name that is unknown is refused on POST: a filter that
    was mistyped and ignored would move the whole queue there."""
    lists: dict[str, list[str]] = {name: list(values) for name, values in request.query_params.lists()}
    if request.method == "POST":
        for name, values in body_of(request).items():
            lists[name] = [*lists.get(name, ()), *values]
        for name in lists:
            if name not in OWN and name not in filters.NAMES:
                raise WrongValue(name, "There is no such parameter. Nothing was exported.")
    given = Given(lists)
    form = _form(given, request)
    raw = {name: values[-1] for name, values in lists.items() if values}
    to = given.one_of("to_status", TO)
    if to and request.method != "POST":
        raise WrongValue("to_status", "Send it with POST: GET changes nothing.")
    page = None
    if form == "json" or any(name in given for name in OF_PAGES):
        page = Page.read(given, most=MOST_IN_CSV if form == "csv" else 100)
    flat = given.one_of("shape", SHAPES, "documented") == "flat"
    return Asked(given, lists, form, flat, Status(to) if to else None, page, Dialect.read(raw))


def _form(given: Given, request: Request) -> str:
    if "format" in given:
        return given.one_of("format", FORMATS)
    for wanted in request.META.get("HTTP_ACCEPT", "").split(","):
        if name := _ACCEPTED.get(wanted.partition(";")[0].strip().lower()):
            return name
    return "json"


def body_of(request: Request) -> dict[str, list[str]]:
    """The parameters of a POST's body: a form, or JSON."""
    sent = request.data
    if hasattr(sent, "lists"):
        return {name: [value for value in values if isinstance(value, str)] for name, values in sent.lists()}
    if not isinstance(sent, Mapping):
        raise WrongValue("non_field_errors", "The body must be a JSON object.")
    return {str(name): _texts(str(name), value) for name, value in sent.items() if value is not None}


def _texts(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if any(not isinstance(one, str | int | float) for one in values):
        raise WrongValue(name, "This is a text, a number, or a list of them.")
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
