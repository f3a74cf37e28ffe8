"""What a template may say, read off the sandbox's own environment: what the editor offers cannot drift from it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pipelines.sandbox.environment import MAX_TEMPLATE, Environment
from pipelines.sandbox.refusal import RefusalError
from pipelines.sandbox.rendering import check

TAGS = (
    "for",
    "if",
    "elif",
    "else",
    "set",
    "macro",
    "call",
    "filter",
    "with",
    "raw",
    "break",
    "continue",
    "do",
    "block",
)
"""Statements of Jinja2; those that the sandbox's environment cannot read are left out of `words`."""

LOOP = {
    "index": "The round, from 1.",
    "index0": "The round, from 0.",
    "revindex": "Rounds left, down to 1.",
    "revindex0": "Rounds left, down to 0.",
    "first": "True in the first round.",
    "last": "True in the last round.",
    "length": "How many rounds there are.",
    "depth": "How deep a recursive loop is, from 1.",
    "depth0": "How deep a recursive loop is, from 0.",
    "previtem": "The item of the round before.",
    "nextitem": "The item of the round after.",
    "cycle": "One of its arguments after the other.",
    "changed": "True where the value differs from the round before.",
}
"""Of `loop` inside a for block, as jinja2.runtime.LoopContext has them."""

_MARKUP = re.compile(r":\w+:`~?([^`]*)`|``([^`]*)``|`([^`]*)`|\*\*?([^*]+)\*\*?")
_LONGEST = 160


@cache
def words() -> dict[str, list[dict[str, str]]]:
    """`filters`, `tests`, `functions`, `tags` and `loop`, each a list of {"name", "doc"} in the order of names."""
    environment = Environment(MAX_TEMPLATE)
    return {
        "filters": _listed(environment.filters),
        "tests": [one for one in _listed(environment.tests) if one["name"].isidentifier()],
        "functions": _listed(environment.globals),
        "tags": [{"name": tag, "doc": ""} for tag in _LEAST if _reads(tag)],
        "loop": [{"name": name, "doc": doc} for name, doc in LOOP.items()],
    }


def _listed(found: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "doc": _sentence(found[name])} for name in sorted(found)]


def _sentence(word: Any) -> str:
    """The first sentence of its docstring, without markup."""
    paragraph = (inspect.getdoc(word) or "").partition("\n\n")[0]
    plain = _MARKUP.sub(lambda found: next(part for part in found.groups() if part is not None), paragraph)
    flat = " ".join(plain.split())
    first = re.split(r"(?<=[.!?]) |:$|: ", flat, maxsplit=1)[0]
    return first if len(first) <= _LONGEST else f"{first[:_LONGEST]}…"


_LEAST = {  # of Jinja2's statements; those that the environment cannot read are left out
    "for": "{% for a in [] %}{% endfor %}",
    "if": "{% if 1 %}{% endif %}",
    "elif": "{% if 1 %}{% elif 2 %}{% endif %}",
    "else": "{% if 1 %}{% else %}{% endif %}",
    "set": "{% set a = 1 %}",
    "macro": "{% macro a() %}{% endmacro %}",
    "call": "{% macro a() %}{% endmacro %}{% call a() %}{% endcall %}",
    "filter": "{% filter upper %}{% endfilter %}",
    "with": "{% with %}{% endwith %}",
    "raw": "{% raw %}{% endraw %}",
    "break": "{% for a in [] %}{% break %}{% endfor %}",
    "continue": "{% for a in [] %}{% continue %}{% endfor %}",
    "do": "{% do 1 %}",
    "block": "{% block a %}{% endblock %}",
}


def _reads(tag: str) -> bool:
    try:
        check(_LEAST[tag])
    except RefusalError:
        return False
    return True
