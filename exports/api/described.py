"""How the resources describe themselves in the OpenAPI document: names, errors and examples in one form."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, is_list_serializer, is_serializer
from drf_spectacular.utils import OpenApiParameter

from exports.api.codes import TYPES, urn
from exports.api.problems import MEDIA_TYPE

Action = TypeVar("Action", bound=Callable[..., Any])

ALWAYS = ("unauthenticated", "forbidden", "throttled", "internal", "busy")
BODY = ("malformed", "invalid", "too_large", "unsupported_media_type")
KEYED = ("key_reused", "in_progress")

RATES = {
    "RateLimit-Policy": 'How many requests a minute this caller has: `"minute";q=3000;w=60`.',
    "RateLimit": 'How many are left (`r`), and for how many seconds (`t`): `"minute";r=2987;t=41`.',
}
MAX_KEY = 255
"""Characters of an Idempotency-Key."""
WAITS = {"429", "503"}
"""Answers that say in Retry-After how many seconds to wait."""

PLACE = {
    "type": "object",
    "required": ["place", "message"],
    "properties": {
        "place": {"type": "string", "description": "The field, parameter or path; empty means all of it."},
        "message": {"type": "string"},
        "stage": {"type": "string", "description": "The stage of the pipeline, where one is meant."},
        "severity": {"type": "string", "enum": ["error", "warning"]},
        "line": {"type": "integer"},
        "column": {"type": "integer"},
    },
}
PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "code", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "description": "A name that never changes: urn:waybill:problem:CODE."},
        "code": {"type": "string", "enum": list(TYPES)},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, for the person who must act."},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": PLACE},
        "line": {"type": "integer", "description": "Of a body that could not be read."},
        "column": {"type": "integer"},
        "version": {"type": "integer", "description": "The version it is at now, where another was expected."},
    },
}


def raises(*codes: str, ends: tuple[str, ...] = ()) -> Callable[[Action], Action]:
    """Name the problems of an action beyond those that every request may meet."""
    return _marked(problems=(*codes, *ends))


def named(operation: str) -> Callable[[Action], Action]:
    """Give an action an operation id other than its verb and its resource's noun."""
    return _marked(operation=operation)


def with_etag(action: Action) -> Action:
    """Say that an action answers with an ETag."""
    return _marked(tagged=True)(action)


def _marked(**marks: Any) -> Callable[[Action], Action]:
    """Write on the function what Described reads off it."""

    def mark(action: Action) -> Action:
        vars(action).update(marks)
        return action

    return mark


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """API keys."""

    target_class = "accounts.keys.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of the organization: wb_…"}


class PersonScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """People signed in to the admin."""

    target_class = "accounts.keys.PersonAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        text = "The session of the admin; whatever changes something also needs the X-CSRFToken header."
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": text}


class Described(AutoSchema):
    """Reads `noun`, `tag`, the actions' docstrings and `raises`, and each shape's `example`."""

    view: Any  # a Resource, which imports this module

    def get_operation_id(self) -> str:
        action, noun = self.view.action, self.view.noun
        if action == "list":
            return f"list_{plural(noun)}"
        verb = {"retrieve": "get", "partial_update": "change", "destroy": "delete"}.get(action, action)
        method = getattr(self.view, action, None)
        name: str = getattr(method, "operation", "") or f"{verb}_{noun}"
        return name

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str | None:
        first = self._doc().split("\n\n")[0].split(". ")[0].strip().rstrip(".")
        return " ".join(first.split()) or None

    def get_description(self) -> str:  # type: ignore[override]  # as spectacular has it
        return self._doc()

    def _doc(self) -> str:
        noun = self.view.noun.replace("_", " ")
        action = getattr(self.view, self.view.action, None)
        written = inspect.cleandoc(getattr(action, "__doc__", None) or "")
        about = inspect.cleandoc(self.view.__doc__ or "")
        match self.view.action:
            case "list":
                return f"List {plural(noun)}, a page at a time.\n\n{about}"
            case "retrieve":
                return written if written and "GET on" not in written else f"Show one {noun}.\n\n{about}"
            case "create" | "partial_update" | "destroy" if not written:
                verb = {"create": "Create a", "partial_update": "Change a", "destroy": "Delete a"}[self.view.action]
                return f"{verb} {noun}.\n\n{about}"
            case _:
                return written

    def get_override_parameters(self) -> list[Any]:
        found: list[Any] = list(super().get_override_parameters())
        if self.method == "POST":
            text = "A text of your choice, for example a UUID. The same request with the same key is carried out once."
            key = {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"}
            found.append(OpenApiParameter("Idempotency-Key", key, OpenApiParameter.HEADER, description=text))
            text = "true: this is the reply to an earlier request with the same key."
            found.append(
                OpenApiParameter(
                    "Idempotency-Replayed",
                    str,
                    OpenApiParameter.HEADER,
                    response=["200", "201", "202"],
                    description=text,
                )
            )
        codes = self._codes()
        if "precondition_failed" in codes:
            text = "The ETag that was read: the change is made only if nobody changed it since."
            found.append(OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description=text))
        if getattr(getattr(self.view, self.view.action, None), "tagged", False):
            text = "The version, for If-Match."
            found.append(
                OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=["200", "201"], description=text)
            )
        for name, text in RATES.items():
            found.append(OpenApiParameter(name, str, OpenApiParameter.HEADER, response=True, description=text))
        return found

    def _resolve_path_parameters(self, variables: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in found:
            named = {"id": f"The {self.view.noun.replace('_', ' ')}'s id.", "name": "The secret's name."}
            parameter.setdefault("description", named.get(parameter["name"], parameter["name"]))
        return found

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        return str(super().get_serializer_name(serializer, direction)).removesuffix("Shape")

    def _codes(self) -> list[str]:
        named = getattr(getattr(self.view, self.view.action, None), "problems", ())
        codes = [*ALWAYS, *named]
        if "{" in self.path:
            codes.append("not_found")
        if self._is_list_view() or self.method == "POST" or "precondition_failed" in named:
            codes.append("invalid")  # a parameter, the Idempotency-Key, If-Match
        if self.method in {"POST", "PUT", "PATCH"} and self.get_request_serializer() is not None:
            codes.extend(BODY)
        if self.method == "POST":
            codes.extend(KEYED)
        return list(dict.fromkeys(codes))

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Problem", type=ResolvedComponent.SCHEMA, schema=PROBLEM, object="problem"
        )
        self.registry.register_on_missing(component)
        by_status: dict[str, list[str]] = {}
        for code in self._codes():
            by_status.setdefault(str(TYPES[code].status), []).append(code)
        for status, codes in sorted(by_status.items()):
            examples = {code: {"value": example(code)} for code in codes}
            bodies[status] = {
                "description": "; ".join(f"`{code}`: {TYPES[code].advice}" for code in codes),
                "content": {MEDIA_TYPE: {"schema": component.ref, "examples": examples}},
            }
            if status in WAITS:
                told = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
                bodies[status]["headers"] = {"Retry-After": told}
        return bodies

    def _get_examples(
        self, serializer: Any, direction: Any, media_type: str, status_code: str | None = None, extras: Any = None
    ) -> Any:
        given = super()._get_examples(  # type: ignore[no-untyped-call]
            serializer, direction, media_type, status_code, extras
        )
        listed = is_list_serializer(serializer)
        shape = serializer.child if listed else serializer
        if given or not is_serializer(shape) or not hasattr(shape, "example"):
            return given
        value = shape.example
        if direction == "response" and self._is_list_view(serializer):
            value = {"next": None, "previous": None, "results": [value]}
        elif listed:
            value = [value]
        return {"Example": {"value": value}}


def plural(noun: str) -> str:
    """Of the nouns here."""
    if noun == "me":
        return noun
    return re.sub(r"y$", "ie", noun) + "s"


def example(code: str) -> dict[str, Any]:
    """A problem as it looks on the wire."""
    kind = TYPES[code]
    return {
        "type": urn(code), "code": code, "title": kind.title, "status": kind.status,
        "detail": f"{kind.title}.", "errors": [],
    }  # fmt: skip
