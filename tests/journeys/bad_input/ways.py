"""The four ways in: how each is given a wrong document, and what it answers as (status, place, text)."""

from __future__ import annotations

import html
import io
import json
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts import scope
from accounts.models import Organization
from pipelines.models import Queue
from tests import builders
from tests.exports.api import world

Answer = tuple[int, str, str]

QUEUE = "Invoices"


def _problem(reply: Any) -> Answer:
    if reply.status_code < 300:
        return reply.status_code, "", ""
    body = reply.json()
    first = body["errors"][0] if body["errors"] else {"place": ""}
    return reply.status_code, first["place"], body["detail"]


def _parts(sent: dict[str, Any]) -> dict[str, Any]:
    """(name, bytes, media type) is a file."""
    return {name: SimpleUploadedFile(*part) if isinstance(part, tuple) else part for name, part in sent.items()}


def api_json(sent: Any, folder: Path) -> Answer:
    """`sent` is the JSON body, or its bytes."""
    return _problem(world.caller().post("documents", sent))


def api_form(sent: Any, folder: Path) -> Answer:
    """`sent` are the parts; (name, bytes, media type) is a file."""
    return _problem(world.caller().form("documents", _parts(sent)))


def command(sent: Any, folder: Path) -> Answer:
    """`sent` are the folder's files by name, and the words after it."""
    files, words = sent
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    out, err = io.StringIO(), io.StringIO()
    given = [str(folder)] if "NOWHERE" not in words else [str(folder / "nowhere")]
    words = [word for word in words if word != "NOWHERE"]
    try:
        call_command("import_documents", *given, *(words or ["--queue", QUEUE]), stdout=out, stderr=err)
    except CommandError as error:
        told = " ".join(f"{err.getvalue()} {error}".split()).replace(str(folder), "FOLDER")
        return 1, "", told
    return 0, "", out.getvalue().split(", in ")[0]


def admin(sent: Any, folder: Path) -> Answer:
    """`sent` is the form of the upload page."""
    organization = Organization.objects.get(pk=scope.current())
    person = builders.user(role="operator", organization=organization)
    client = Client()
    client.force_login(person)
    chosen = Queue.objects.get(name=QUEUE).pk
    parts = _parts({name: chosen if part == "QUEUE" else part for name, part in sent.items()})
    reply = client.post(reverse("admin:exports_document_add"), parts)
    if reply.status_code != 200:
        return reply.status_code, "", ""
    form = reply.context["form"]
    errors = [(name, text) for name, texts in form.errors.items() for text in texts]
    page = html.unescape(reply.content.decode())
    assert [text for _, text in errors if text not in page] == [], "what is wrong is not shown on the page"
    return 200, ", ".join(name for name, _ in errors).replace("__all__", ""), " ".join(text for _, text in errors)
