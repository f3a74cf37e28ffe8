"""One stage's config, from the text that a person typed to the kind's Config, or to problems that name the place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines import jsontext
from pipelines.errors import StageError
from pipelines.problems import Problem, Severity, did_you_mean, listed

CHANGE_ME = "__change_me__"

ADDRESSES = frozenset({"url", "host", "bucket_name", "endpoint_url", "username", "path", "folder"})
"""Keys whose blank text means that nobody has filled in yet where to send."""

SECRET = re.compile(r"\{secret\.([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Parsed:
    """`config` is None where there are errors; `raw` is the JSON as typed, None where it is no JSON."""

    config: Any
    raw: Any
    problems: Sequence[Problem]
    lines: Mapping[str, int]

    def problem(self, stage: str, path: str, message: str, severity: Severity = "error") -> Problem:
        """A problem at `path` of this config, with its line."""
        return Problem(stage, _under(path), message, severity, _line(self.lines, path))


def parse(stage: str, module: ModuleType, text: str) -> Parsed:
    """The kind's Config out of `text`. Never raises: whatever is wrong is in `problems`, errors first seen first."""
    try:
        read = jsontext.read(text)
    except jsontext.BadJsonError as error:
        return Parsed(None, None, [Problem(stage, _under(error.path), str(error), line=error.line)], {})
    if not isinstance(read.value, dict):
        message = "A stage's config is one JSON object: it begins with { and ends with }."
        return Parsed(None, read.value, [Problem(stage, "config", message, line=1)], read.lines)

    empty = Parsed(None, read.value, [], read.lines)
    problems = [empty.problem(stage, path, message, severity) for path, message, severity in _unfilled(read.value)]
    named = {one.path for one in problems}
    config: Any = None
    try:
        config = module.Config.model_validate(read.value)
    except ValidationError as error:
        said = dict.fromkeys(_said(detail, module.Config, read.value) for detail in error.errors(include_url=False))
        problems += [empty.problem(stage, path, message) for path, message in said if _under(path) not in named]
    except StageError as error:
        place = error.place.removeprefix("config").removeprefix(".")
        problems.append(empty.problem(stage, place, error.message))
    return Parsed(config, read.value, problems, read.lines)


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in the JSON, keys included, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, member in value.items():
            inner = jsontext.join(path, key)
            yield inner, key
            yield from strings(member, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings(item, jsontext.join(path, index))


def secrets_named(raw: Any) -> Iterator[tuple[str, str]]:
    """(path, name) of every {secret.name} in the config."""
    for path, text in strings(raw):
        for name in SECRET.findall(text):
            yield path, name


def fetches_its_token(raw: Any) -> bool:
    """The stage has its own `auth`, which writes the secret `access_token`."""
    return isinstance(raw, dict) and isinstance(raw.get("auth"), dict)


def _under(path: str) -> str:
    """The path as problems name it, below `config`."""
    return "config" if not path else f"config{path}" if path.startswith("[") else f"config.{path}"


def _line(lines: Mapping[str, int], path: str) -> int:
    """The line of `path`, or of the nearest thing around it that stands in the text."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 1)


def _unfilled(raw: Any) -> Iterator[tuple[str, str, Severity]]:
    """(path, message, severity) of what was left to fill in."""
    seen = set()
    for path, text in strings(raw):
        if CHANGE_ME in text and path not in seen:
            seen.add(path)
            yield path, f"{CHANGE_ME} is a placeholder of the example: put the real value here.", "error"
    yield from _blanks(raw, "", addressed=False)


def _blanks(value: Any, path: str, *, addressed: bool) -> Iterator[tuple[str, str, Severity]]:
    if isinstance(value, dict):
        for key, member in value.items():
            inner = jsontext.join(path, key)
            if isinstance(member, str) and not member.strip():
                if key in ADDRESSES:
                    yield inner, "This address is blank: fill it in before you publish.", "error"
                elif addressed:
                    yield (
                        inner,
                        "This is blank and would be sent empty: fill it in, or delete the line.",
                        "warning",
                    )
            else:
                yield from _blanks(member, inner, addressed=addressed or key in {"auth", "headers", "credentials"})
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _blanks(item, jsontext.join(path, index), addressed=addressed)


def _said(detail: ErrorDetails, model: type[BaseModel], raw: Any) -> tuple[str, str]:
    """(path, message) of one pydantic error."""
    loc = detail["loc"]
    kind = detail["type"]
    path, kept = _path(loc, raw, missing=kind == "missing")
    if kind == "missing":
        return path, "This is required and is not here."
    if kind == "extra_forbidden":
        key = str(loc[-1])
        known = _keys_at(model, kept[:-1])
        return path, f'The key "{key}" is unknown here.{did_you_mean(key, known) or _known(known)}'
    context = detail.get("ctx") or {}
    if kind in {"literal_error", "enum"}:
        expected = str(context.get("expected", ""))
        return path, f"This must be {expected}.{_near(detail.get('input'), expected)}"
    if kind == "union_tag_invalid":
        expected, tag = str(context.get("expected_tags", "")), str(context.get("tag", ""))
        path = jsontext.join(path, str(context.get("discriminator", "")).strip("'"))
        return path, f'"{tag}" is unknown here; known are {expected}.{_near(tag, expected)}'
    if kind == "union_tag_not_found":
        key = str(context.get("discriminator", "")).strip("'")
        return jsontext.join(path, key), "This is required and is not here: it says which form is meant."
    inner = context.get("error")
    if isinstance(inner, Exception):
        return path, str(inner) or "This is not allowed."
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return path, message if message.endswith(".") else f"{message}."


def _near(given: Any, expected: str) -> str:
    """Did you mean one of the names that pydantic lists in single quotes?"""
    return did_you_mean(given, re.findall(r"'([^']*)'", expected)) if isinstance(given, str) else ""


def _known(keys: Sequence[str]) -> str:
    return f" Known here: {listed(sorted(keys))}." if keys else ""


def _path(loc: Sequence[str | int], raw: Any, *, missing: bool) -> tuple[str, list[str | int]]:
    """pydantic's location as a path of the text: tags of unions are left out, since nobody typed them."""
    path = ""
    kept: list[str | int] = []
    current = raw
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(part, int) and isinstance(current, list):
            current = current[part] if part < len(current) else None
        elif isinstance(part, str) and isinstance(current, dict) and part in current:
            current = current[part]
        elif not (last and missing):
            continue
        kept.append(part)
        path = jsontext.join(path, part)
    return path, kept


def _keys_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that a model knows at `loc`; of every model it may be where it is a union."""
    models = [model]
    for part in loc:
        if isinstance(part, str):
            inner = [field.annotation for one in models for field in [_field(one, part)] if field is not None]
            models = [found for annotation in inner for found in _models(annotation)]
    keys: dict[str, None] = {}
    for one in models:
        for name, field in one.model_fields.items():
            keys[field.alias or name] = None
    return list(keys)


def _field(model: type[BaseModel], key: str) -> Any:
    for name, field in model.model_fields.items():
        if key in {name, field.alias, field.validation_alias}:
            return field
    return None


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models inside an annotation such as `list[Rule] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models(argument)]
