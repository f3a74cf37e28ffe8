"""Rossum's export extensions: their names, the stage kinds that do their work, and where hooks call them. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

PURGE, STORAGE = "custom-format-templating-purge", "file-storage-export"
KINDS = {
    PURGE: "purge",
    "custom-format-templating": "template",
    "rest-api-export": "rest_api",
    "data-value-extractor": "extract",
    "export-evaluator": "evaluate",
    STORAGE: "file_storage",
}
"""The extensions by the names that stand in Rossum's own addresses, and the stage kind that does the work of each."""

TITLES = {
    PURGE: "Purge",
    "custom-format-templating": "Templating",
    "rest-api-export": "REST API export",
    "data-value-extractor": "Value extractor",
    "export-evaluator": "Evaluator",
    STORAGE: "File storage export",
}

STORAGE_PATH = "/svc/file-storage-export/api/v1/export"
"""The path of the SFTP and S3 extension, whatever the host."""
EVALUATOR = "export-evaluator"


def of_host(host: str) -> str | None:
    """The extension whose name is one of a host's labels, as in `us.rest-api-export.example.com`."""
    labels = host.partition(":")[0].lower().split(".")
    return next((name for name in KINDS if name in labels), None)


def of_address(url: str) -> str | None:
    """The extension that a hook's address leads to: Rossum's own hosts, Waybill's in their place, and its paths."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    path = parts.path.rstrip("/")
    if path.endswith(STORAGE_PATH):
        return STORAGE
    before, _, name = path.rpartition("/extensions/")
    return name if name in KINDS and not before else of_host(host)
