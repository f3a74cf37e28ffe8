"""The stage kinds, one module each. To add one: its module, a line here, a test, a page in docs/stages/."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType

KINDS = {
    "purge": "Purge: detach earlier artifacts",
    "template": "Template: render files from the fields",
    "rest_api": "REST API: send a request and keep the reply",
    "extract": "Extract: read values out of a reply into fields",
    "evaluate": "Evaluate: judge whether the export succeeded",
    "file_storage": "File storage: put files at SFTP, S3 or a folder",
    "client_action": "Client action: offer files to an outside client and wait for its word",
}


def choices() -> list[tuple[str, str]]:
    """A callable, so that a new kind needs no migration."""
    return [*KINDS.items(), *((entry.name, entry.name) for entry in _third_party())]


def get(kind: str) -> ModuleType:
    """The module of a kind. Raises KeyError for a kind that nobody provides."""
    if kind in KINDS:
        name = f"pipelines.stages.{kind}"
        # Asked five times a document, and import_module takes locks that all threads of a worker share.
        return sys.modules.get(name) or import_module(name)
    for entry in _third_party():
        if entry.name == kind:
            module = entry.load()
            assert isinstance(module, ModuleType)
            return module
    raise KeyError(kind)


def _third_party() -> tuple:  # type: ignore[type-arg]
    return tuple(entry_points(group="waybill.stages"))
