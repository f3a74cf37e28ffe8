"""The `condition` of a stage: text with placeholders that says whether to go on (docs/stages/rest_api.md).

After templating, an empty text, white space alone, or `false` in any case means skip.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pipelines import jsontemplates
from pipelines.fields import Content


def skip_reason(
    condition: str | Literal[True, False] | None, fields: Content, *, extra: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Why the stage does nothing, for example "condition @{api_gate} is empty"; empty text where it runs.

    No condition, or one that is blank as written, holds."""
    if condition is None or condition is True:
        return ""
    if condition is False:
        return "condition is false"
    if not condition.strip():
        return ""
    text = jsontemplates.fill_text(condition, fields, extra=extra).strip()
    if not text:
        return f"condition {condition.strip()} is empty"
    if text.lower() == "false":
        return f"condition {condition.strip()} is false"
    return ""
