"""JSON templating (docs/stages/json-templating.md): JSON with @{schema_id} in its texts and operators in its objects.

Lives here: filling a template from a document's fields, and listing what a template reads and does wrong before it is
ever run. The operators themselves are in `pipelines/jsonoperators.py`. Bytes of artifacts (#{…}) and secrets
({secret.x}) belong to the REST API stage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from pipelines.errors import Misconfigured
from pipelines.fields import Content, Node, text_of

PLACEHOLDER = re.compile(r"@\{\s*([^{}]*?)\s*\}")
OPERATOR = re.compile(r"\$[A-Z][A-Z_]*\$?\Z")

MAX_DEPTH = 50
MAX_VALUES = 200_000
"""Objects, lists and texts that one template may produce: rows times rows grow faster than anybody means."""

Quote = Callable[[str], str]


class Skipped:
    """The type of SKIPPED: an operator said that its place disappears."""


SKIPPED = Skipped()


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a placeholder looks: in the row first, then in the loop above, then in the document."""

    fields: Content
    extra: Mapping[str, str] = field(default_factory=dict)
    """Other names: `document.id`, and inside a loop `schema_loop.index`."""
    row: Node | None = None
    above: Scope | None = None
    made: list[int] | None = None
    """The one counter of values produced, shared by every scope of one filling."""

    def nodes(self, schema_id: str) -> list[Node]:
        """Every node with this id that stands nearest: in the row, in the loop above, in the document. Inside a loop
        no cell of a row that the loop is not in is among them: another row's value is not this row's."""
        near = self.near(schema_id)
        if near or self.row is None:
            return near or self.fields.find(schema_id)
        rows = (node for node in self.fields.nodes() if node.get("category") == "tuple")
        cells = {id(cell) for row in rows for cell in row.get("children") or ()}
        return [node for node in self.fields.find(schema_id) if id(node) not in cells]

    def near(self, schema_id: str) -> list[Node]:
        """Likewise, leaving out what stands in rows."""
        if self.row is not None:
            found = [node for node in _family(self.row) if node.get("schema_id") == schema_id]
            if found or self.above is None:
                return found
            return self.above.near(schema_id)
        header = self.fields.datapoint(schema_id)
        return [] if header is None else [header]

    def inside(self, row: Node, index: int) -> Scope:
        loop = {"schema_loop.index": str(index + 1), "schema_loop.index0": str(index)}
        return replace(self, row=row, above=self, extra={**self.extra, **loop})

    def datapoint(self, schema_id: str) -> Node | None:
        """The one datapoint with this id; None where there is none. Raises Misconfigured where there are several."""
        found = self.nodes(schema_id) if self.row is None else self.near(schema_id)
        if not found:
            return None
        if len(found) > 1:
            message = (
                f"The field stands {len(found)} times in the document, so one value cannot be chosen. "
                "Read it inside $FOR_EACH_SCHEMA_ID$ over its rows."
            )
            raise Misconfigured(message, place=f"field.{schema_id}")
        if found[0].get("category") != "datapoint":
            message = f"This is a {found[0].get('category')}, not a field with one value. Use $FOR_EACH_SCHEMA_ID$."
            raise Misconfigured(message, place=f"field.{schema_id}")
        return found[0]

    def text(self, name: str) -> str:
        """A placeholder's text; empty where the document has no such field."""
        if name in self.extra:
            return self.extra[name]
        node = self.datapoint(name)
        return "" if node is None else text_of(node)


def fill(value: Any, fields: Content, *, extra: Mapping[str, str] = MappingProxyType({})) -> Any:
    """`value` with its placeholders and operators replaced; a template that skips itself whole gives {}.

    Raises Rejected where the document's value cannot be cast, Misconfigured where the template cannot work."""
    filled = fill_in(value, Scope(fields, extra, made=[0]), 0)
    return {} if filled is SKIPPED else filled


def fill_text(
    text: str, fields: Content, *, extra: Mapping[str, str] = MappingProxyType({}), quoting: Quote | None = None
) -> str:
    """`text` with each @{name} replaced, each value passed through `quoting` first."""
    return _substitute(text, Scope(fields, extra), quoting or str)


def fill_url(url: str, fields: Content, *, extra: Mapping[str, str] = MappingProxyType({})) -> str:
    """A URL with its placeholders filled. One that begins the URL is an address and stands as it is; every later one
    is a part of host, path or query and is percent-encoded (RFC 3986, 2.1), so that a value cannot add a segment or a
    parameter."""
    scope = Scope(fields, extra)
    first = PLACEHOLDER.match(url)
    head = scope.text(first.group(1)) if first else ""
    rest = url[first.end() :] if first else url
    authority = "" if first else rest[: _authority_end(rest)]
    tail = rest[len(authority) :]
    return head + _substitute(authority, scope, _host) + _substitute(tail, scope, _part)


def _authority_end(url: str) -> int:
    start = url.find("://")
    if start < 0:
        return 0
    ends = [at for at in (url.find(mark, start + 3) for mark in "/?#") if at >= 0]
    return min(ends, default=len(url))


def _part(text: str) -> str:
    return quote(text, safe="")


def _host(text: str) -> str:
    return quote(text, safe=":.[]")


def placeholders(value: Any) -> set[str]:
    """The schema ids that a template reads, in texts and in operators; the loop's own names are none."""
    return {name for name in _names(value) if not name.startswith("schema_loop.")}


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for key, member in value.items():
            options = member if OPERATOR.match(str(key)) and isinstance(member, Mapping) else {}
            if isinstance(options.get("schema_id"), str):
                yield options["schema_id"]
            yield from _names({name: option for name, option in options.items() if name != "schema_id"} or member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _names(member)


def unknown(value: Any, known: Iterable[str]) -> list[str]:
    """One line for each schema id that `value` reads and `known` does not have, with the nearest name."""
    names = set(known)
    return [
        f"@{{{name}}} is no field of the schema.{_advice(name, names)}" for name in sorted(placeholders(value) - names)
    ]


def _advice(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), 1)
    return f' Did you mean "{near[0]}"?' if near else ""


def problems(value: Any) -> list[str]:
    """What is wrong with a template whatever the document: one line each, with its path in the template."""
    from pipelines.jsonoperators import problems_of

    return list(problems_of(value, "", 0))


def fill_in(value: Any, scope: Scope, depth: int) -> Any:
    """One value of the template, or SKIPPED. The operators call this for what they chose."""
    if depth > MAX_DEPTH:
        message = f"The JSON template is nested more than {MAX_DEPTH} levels deep."
        raise Misconfigured(message)
    if scope.made is not None:
        scope.made[0] += 1
        if scope.made[0] > MAX_VALUES:
            message = f"The JSON template would produce more than {MAX_VALUES:,} values. Are loops inside loops meant?"
            raise Misconfigured(message)
    if isinstance(value, str):
        return _substitute(value, scope, str)
    if isinstance(value, list | tuple):
        return [item for item in (fill_in(item, scope, depth + 1) for item in value) if item is not SKIPPED]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1 and OPERATOR.match(str(next(iter(value)))):
        from pipelines.jsonoperators import run

        [(operator, options)] = value.items()
        return run(str(operator), options, scope, depth)
    members = ((key, fill_in(member, scope, depth + 1)) for key, member in value.items())
    return {key: member for key, member in members if member is not SKIPPED}


def _substitute(text: str, scope: Scope, quoting: Quote) -> str:
    if "@{" not in text:
        return text
    return PLACEHOLDER.sub(lambda found: quoting(scope.text(found.group(1))), text)


def _family(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.get("children") or ()))
