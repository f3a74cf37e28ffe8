"""Templates and extraction rules, run in child processes with limits on memory, time and output.

`pool`, `process` and `plain` are the parent's side. `child`, `rendering`, `environment` and `growth` run inside the
child, which imports no Django, has none of our environment variables and talks to nobody but its parent. `wire`,
`exact`, `refusal` and `extracting` serve both, `vocabulary` tells the editor what templates may say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.sandbox.pool import Pool, Unreadable, configure, shared

__all__ = ["Pool", "Unreadable", "configure", "shared"]


def __getattr__(name: str) -> Any:
    """The parent's names, read when first asked for: the child never asks, and starts sooner."""
    if name not in __all__:
        message = f"module {__name__} has no attribute {name}"
        raise AttributeError(message)
    from pipelines.sandbox import pool

    return getattr(pool, name)
