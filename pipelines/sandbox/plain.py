"""Rules that only walk: `id`, `data[0].number`, a header's name. They are followed in the caller's own process.

What can be slow or large goes to a child with its limits: a path that calls, filters or projects, a source above
`MOST` bytes, a result that is a list or an object. What goes wrong here goes there too, so that every error has one
wording. The path is read and followed by JMESPath itself, so the values are the child's
(tests/pipelines/test_sandbox_plain.py compares them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pipelines.sandbox import exact, extracting

MOST = 64 * 1024
"""Bytes of a source: parsed in half a millisecond."""
MOST_RULES = 64
LONGEST = 200
"""Characters of a path."""

_WALKS = frozenset({"field", "subexpression", "index_expression", "index", "identity", "current"})

_ELSEWHERE = object()


def extract(rules: Sequence[Mapping[str, Any]], source: bytes, form: str) -> list[Any] | None:
    """One value a rule, as `Pool.extract` gives them; None where a child has to do it."""
    if form not in {"json", "headers"} or len(source) > MOST or len(rules) > MOST_RULES:
        return None
    try:
        found = _walked(rules, source) if form == "json" else _of_headers(rules, source)
        values = [] if found is None else [_value(one) for one in found]
    except Exception:  # noqa: BLE001 - no JSON, too deep, a number of too many digits: a child finds and tells it
        return None
    return None if found is None or _ELSEWHERE in values else values


def _walked(rules: Sequence[Mapping[str, Any]], source: bytes) -> list[Any] | None:
    walks = [walk for rule in rules if (walk := _walk(rule["path"])) is not None]
    if len(walks) < len(rules):
        return None
    document = exact.loads(extracting.text(source))
    return [walk(document) for walk in walks]


def _of_headers(rules: Sequence[Mapping[str, Any]], source: bytes) -> list[Any]:
    return extracting.extract(rules, source, "headers", seconds=0.0, note=lambda _: None)  # nothing here takes time


@lru_cache(maxsize=1024)
def _walk(path: str) -> Callable[[Any], Any] | None:
    """What follows the path, where all it does is walk."""
    import jmespath

    if len(path) > LONGEST:
        return None
    parsed = jmespath.compile(path)
    nodes = [parsed.parsed]
    while nodes:
        node = nodes.pop()
        if node["type"] not in _WALKS:
            return None
        nodes += node["children"]
    found: Callable[[Any], Any] = parsed.search
    return found


def _value(found: Any) -> Any:
    if isinstance(found, exact.Exact):
        return Decimal(found.text)
    return found if found is None or isinstance(found, str | int) else _ELSEWHERE
