"""Where documents come from by themselves: one module a kind, and what polls them (docs/sources/README.md).

To add a kind: its module here with the names that `exports.sources.contract` explains, a line in
`pipelines.sourcing.KINDS`, a test, and a page in docs/sources/."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from pipelines import sourcing


def get(kind: str) -> ModuleType:
    """The module of a kind. Raises KeyError for a kind that nobody provides."""
    if kind not in sourcing.KINDS:
        raise KeyError(kind)
    return import_module(f"exports.sources.{kind}")
