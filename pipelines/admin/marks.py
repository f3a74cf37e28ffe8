"""Problems as the editor marks them: the place in the config, its line, and the line within a template."""

from __future__ import annotations

import re
from typing import Any

from pipelines import jsontext
from pipelines.errors import StageError
from pipelines.problems import Problem

_PLACE = re.compile(r"^config\b\.?(?P<path>[^ ,(]*)(?: \((?P<key>.*?)\))?(?:, (?P<more>.*))?$", re.DOTALL)
_LINE = re.compile(r"\bline (\d+)\b")
_OF_TEMPLATE = re.compile(r"^line (\d+) of the template: ")
_BODIES = ("file_content_template", "file_content_template_multiline")


def of_problem(problem: Problem) -> dict[str, Any]:
    """{"path", "message", "severity", "line", "inner"}: `line` of the config, from 1, 0 for none; `inner` of the
    template at `path`, likewise."""
    found = _OF_TEMPLATE.match(problem.message)
    return {
        "path": problem.path,
        "message": problem.message,
        "severity": problem.severity,
        "line": problem.line,
        "inner": int(found[1]) if found else 0,
    }


def of_error(error: StageError, config: str) -> dict[str, Any]:
    """What a stage raised for a document, likewise; `config` is the text it was raised for."""
    found = _PLACE.match(error.place)
    path = found["path"] if found else ""
    line = _LINE.search(found["more"] or "") if found else _LINE.search(error.place)
    inner = int(line[1]) if line else 0
    lines = _lines(config)
    for body in _BODIES if inner else ():
        whole = f"{path}.{body}"
        if whole in lines:
            path = whole
            break
    return {
        "path": f"config.{path}" if path else "config",
        "message": error.message,
        "severity": "error",
        "line": lines.get(f"{path}[{inner - 1}]") or _nearest(lines, path),
        "inner": inner,
    }


def _lines(config: str) -> dict[str, int]:
    try:
        return dict(jsontext.read(config).lines)
    except jsontext.BadJsonError:
        return {}


def _nearest(lines: dict[str, int], path: str) -> int:
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)
