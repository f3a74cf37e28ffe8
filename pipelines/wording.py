"""What pydantic says of a config, in words for the person who typed it: where, what is wrong, what it should be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines import jsontext
from pipelines.problems import PlacedError, did_you_mean, listed

_LIST = "This must be a list: [ … ]."
_OBJECT = "This must be an object: { … }."
_TEXT = "This must be text, in double quotes."
_WHOLE = "This must be a whole number."
_NUMBER = "This must be a number."
_YES_NO = "This must be true or false, without quotes."
_PLAIN = {
    "missing": "This is required and is not here.",
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), _OBJECT),
    **dict.fromkeys(("string_type",), _TEXT),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _YES_NO),
}
_MEASURED = {
    "too_short": "At least {min_length} must be here; there are {actual_length}.",
    "too_long": "At most {max_length} may be here; there are {actual_length}.",
    "string_too_short": "This has fewer than {min_length} characters.",
    "string_too_long": "This has more than {max_length} characters.",
    "string_pattern_mismatch": "This does not look as it must ({pattern}).",
    "greater_than": "This must be more than {gt}.",
    "greater_than_equal": "This must be {ge} or more.",
    "less_than": "This must be less than {lt}.",
    "less_than_equal": "This must be {le} or less.",
}


def of(error: ValidationError, model: type[BaseModel], raw: Any) -> list[tuple[str, str]]:
    """(path, message) of each thing that is wrong, once. Where a value may take several forms, what each of them
    misses is one message; a list that is too short only because its items are wrong is not blamed too."""
    found: dict[str, list[str]] = {}
    blamed = [detail for detail in error.errors(include_url=False) if detail["type"] not in {"too_short", "too_long"}]
    paths = [_path(detail["loc"], raw, missing=False)[0] for detail in blamed]
    for detail in error.errors(include_url=False):
        path, message = said(detail, model, raw)
        inside = any(other != path and other.startswith(path) for other in paths)
        if (detail["type"] == "too_short" and inside) or message in found.setdefault(path, []):
            continue
        found[path].append(message)
    return [(path, _either(messages)) for path, messages in found.items() if messages]


def _either(messages: Sequence[str]) -> str:
    """One sentence for several forms: a list, or text."""
    wanted = [message for message in messages if message.startswith("This must be ")]
    rest = [message for message in messages if message not in wanted]
    if len(wanted) < 2:
        return " ".join(messages)
    first, *more = (message.removeprefix("This must be ").rstrip(".") for message in wanted)
    return " ".join([f"This must be {', or '.join([first, *more])}.", *rest])


def said(detail: ErrorDetails, model: type[BaseModel], raw: Any) -> tuple[str, str]:
    """(path, message) of one pydantic error."""
    loc = detail["loc"]
    kind = detail["type"]
    path, _ = _path(loc, raw, missing=kind == "missing")
    context = detail.get("ctx") or {}
    if kind in _PLAIN:
        return path, _PLAIN[kind]
    if kind == "string_too_short" and not str(detail.get("input")).strip():
        return path, "This is blank: fill it in."
    if kind in _MEASURED:
        plain = {key: f"{value:g}" if isinstance(value, float) else value for key, value in context.items()}
        return path, _MEASURED[kind].format_map(plain)
    if kind == "extra_forbidden":
        key = str(loc[-1])
        known = _keys_at(model, loc[:-1])
        inside = [name for name in known if key in _keys_at(model, (*loc[:-1], name))]
        hint = did_you_mean(key, known) or (f" It belongs into {' or '.join(inside)}." if inside else _known(known))
        return path, f'The key "{key}" is unknown here.{hint}'
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
    if isinstance(inner, PlacedError):
        return reduce(jsontext.join, inner.at, path), str(inner)
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
        if isinstance(part, int):
            continue
        inner = [field.annotation for one in models for field in [_field(one, part)] if field is not None]
        if inner:
            models = [found for annotation in inner for found in _models(annotation)]
        else:  # the tag of a union: only the forms that it names
            models = [one for one in models if _tagged(one, part)] or models
    keys: dict[str, None] = {}
    for one in models:
        for name, field in one.model_fields.items():
            keys[field.alias or name] = None
    return list(keys)


def _tagged(model: type[BaseModel], tag: str) -> bool:
    return any(
        tag in get_args(field.annotation)
        for field in model.model_fields.values()
        if get_origin(field.annotation) is Literal
    )


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
