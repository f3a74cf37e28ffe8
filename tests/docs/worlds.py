"""What the examples of a page find: rows, a key, files. One function a page; every page has an organization of its own.

Run as a program, with the environment of the Waybill that the examples speak to: `python -m tests.docs.worlds PAGE`
with the addresses of what stands beside it as JSON on its input; prints `{"variables": …, "files": …}`.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any


@dataclass
class Found:
    """Environment variables, and the files of the folder where the examples run."""

    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


WORLDS: dict[str, Callable[[dict[str, str]], Found]] = {}
"""By page, or by folder of pages ("api/"). A function is given the variables that there are already: WAYBILL_URL, and
the addresses that tests/docs/standins.py has for the page."""
ROOMS: tuple[str, ...] = (
    "tests.docs.own_api",
    "tests.docs.aluma_protocol",
    "tests.docs.extensions",
    "tests.docs.rossum_export",
    "tests.docs.aluma_source",
)
"""The modules that fill WORLDS: a line for each owner of pages."""


def world(page: str) -> Callable[[Callable[[dict[str, str]], Found]], Callable[[dict[str, str]], Found]]:
    """Say that a function makes what the page's examples find."""

    def keep(make: Callable[[dict[str, str]], Found]) -> Callable[[dict[str, str]], Found]:
        WORLDS[page] = make
        return make

    return keep


def plain(given: dict[str, str]) -> Found:
    """What every page has that asks for nothing else: an owner's key ($WAYBILL_KEY); a queue "AP invoices" ($QUEUE)
    whose published pipeline ($PIPELINE) puts NUMBER.json into a folder; and three documents, confirmed ($CONFIRMED),
    in review ($IN_REVIEW), and exported by the worker some time soon ($DOCUMENT)."""
    from django.conf import settings

    from accounts import scope
    from accounts.models import Organization
    from exports import documents
    from pipelines import publishing
    from tests import builders
    from tests.exports.api import world as worlds

    slug = Organization.objects.get(pk=scope.current()).slug
    folder = {"type": "folder", "path": str(settings.OUTBOX / slug)}
    outbox = builders.destination("Outbox", credentials=folder)
    rendered = {"export_reference_key": "payload", "json_template": {"number": "@{number}"}, "file_name": "fields.json"}
    put = {
        "path_to_directory": "in",
        "export_object_configurations": [
            {"type": "custom_format", "export_reference_key": "payload", "filename_template": "{number}.json"}
        ],
    }
    pipeline = builders.pipeline(
        {"name": "Render", "kind": "template", "config": {"export_configs": [rendered]}},
        {"name": "Put", "kind": "file_storage", "config": {"export_rules": [put]}, "destination": outbox},
        name="To the ERP",
    )
    publishing.publish(pipeline, by=builders.owner())
    pipeline.refresh_from_db()
    queue = builders.queue("AP invoices", pipeline=pipeline, use_confirmed_state=True)
    rows = {
        status: builders.document(queue, {"number": f"INV-{number}"}, status=status, external_id=f"INV-{number}")
        for number, status in enumerate(("confirmed", "to_review"), start=41)
    }
    exported = builders.document(queue, {"number": "INV-43"}, external_id="INV-43")
    documents.ask_export(exported, by=builders.owner(), why="")
    subjects = {
        "QUEUE": queue, "PIPELINE": pipeline, "DESTINATION": outbox, "CONFIRMED": rows["confirmed"],
        "IN_REVIEW": rows["to_review"], "DOCUMENT": exported,
    }  # fmt: skip
    return Found({"WAYBILL_KEY": worlds.caller("owner").key, **{name: str(row.pk) for name, row in subjects.items()}})


def later() -> Any:
    """A moment at which no worker begins anything while the examples run."""
    from django.utils import timezone

    return timezone.now() + timedelta(days=1)


def _main(page: str) -> None:
    import django

    django.setup()
    for room in ROOMS:
        import_module(room)
    from accounts import scope
    from tests import builders

    given: dict[str, str] = json.load(sys.stdin)
    own = import_module("tests.docs.worlds").WORLDS
    make = own.get(page) or own.get(page.rpartition("/")[0] + "/") or plain
    acme = builders.organization(f"Acme {page.removesuffix('.md').replace('/', ' ').replace('_', ' ')}")
    with scope.to(acme.pk):
        found = make(given)
    files = {name: base64.b64encode(content).decode() for name, content in found.files.items()}
    print(json.dumps({"variables": found.variables, "files": files}))  # noqa: T201 (what this program is for)


if __name__ == "__main__":
    _main(sys.argv[1])
