"""The API's description of itself: the OpenAPI document, a page for people, and the answer to every other address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator

from exports.api.codes import TYPES
from exports.api.problems import MEDIA_TYPE, ApiProblem, body

_lock = threading.Lock()
_kept: dict[str, Any] = {}


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document, made once a process: it says the same to everybody and holds nobody's data."""
    with _lock:
        if not _kept:
            generator = SchemaGenerator()  # type: ignore[no-untyped-call]
            _kept.update(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
        return _kept


@csrf_exempt
def openapi(request: HttpRequest) -> HttpResponse:
    if request.method not in {"GET", "HEAD"}:
        return answer(request, "method_not_allowed", "Read it with GET.", {"Allow": "GET, HEAD"})
    return JsonResponse(document(), json_dumps_params={"indent": 1})


@csrf_exempt
def reference(request: HttpRequest) -> HttpResponse:
    """The same, as a page that needs nothing from outside."""
    if request.method not in {"GET", "HEAD"}:
        return answer(request, "method_not_allowed", "Read it with GET.", {"Allow": "GET, HEAD"})
    known = document()
    tags = [
        {**tag, "operations": [found for found in operations(known) if found["tag"] == tag["name"]]}
        for tag in known.get("tags", [])
    ]
    context = {"info": known["info"], "tags": tags, "codes": TYPES, "shapes": sorted(shapes(known))}
    response = render(request, "api/reference.html", context)
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )
    return response


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """No resource has this address, whatever the method: nothing is changed, so that no token need come along."""
    return answer(request, "not_found", "There is nothing at this address. See /api/v1/ for what there is.")


def answer(request: HttpRequest, code: str, detail: str, headers: dict[str, str] | None = None) -> HttpResponse:
    members = body(ApiProblem(code, detail), instance=request.path)
    return JsonResponse(members, status=TYPES[code].status, content_type=MEDIA_TYPE, headers=headers)


def operations(known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the page shows of each operation."""
    for path, methods in known["paths"].items():
        for method, operation in methods.items():
            sent = operation.get("requestBody", {}).get("content", {})
            answers = operation["responses"]
            good = {code: reply for code, reply in answers.items() if code < "400"}
            yield {
                "id": operation["operationId"],
                "tag": operation["tags"][0],
                "method": method.upper(),
                "path": path,
                "summary": operation.get("summary", ""),
                "description": operation.get("description", ""),
                "parameters": operation.get("parameters", []),
                "request": [(media_type, _shape(given), _example(given)) for media_type, given in sent.items()],
                "replies": [
                    (code, media_type, _shape(given), _example(given))
                    for code, reply in good.items()
                    for media_type, given in (reply.get("content") or {"": {}}).items()
                ],
                "errors": [
                    (code, sorted(given["examples"]))
                    for code, reply in answers.items()
                    if code >= "400"
                    for given in reply["content"].values()
                ],
            }


def shapes(known: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Each shape with its members: name, type, what it means."""
    for name, shape in known["components"]["schemas"].items():
        if "properties" in shape:
            yield (
                name,
                [(member, _type(given), given.get("description", "")) for member, given in shape["properties"].items()],
            )


def _shape(given: dict[str, Any]) -> str:
    return str(given.get("schema", {}).get("$ref", "")).rpartition("/")[2]


def _example(given: dict[str, Any]) -> str:
    for example in given.get("examples", {}).values():
        return json.dumps(example["value"], indent=2, ensure_ascii=False)
    return ""


def _type(given: dict[str, Any]) -> str:
    if "$ref" in given:
        return str(given["$ref"]).rpartition("/")[2]
    for combined in ("allOf", "oneOf", "anyOf"):
        if combined in given:
            return " or ".join(_type(inner) for inner in given[combined])
    if given.get("type") == "array":
        return f"list of {_type(given.get('items', {}))}"
    kinds = given.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
