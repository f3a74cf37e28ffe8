"""Objects are named by absolute URLs that end in their id; clients cut the id off the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

KEY_IDS = 10**12
"""Added to an API key's id where Rossum's wire knows users only: the user of a robot's key. JSON-safe, no collision."""

_LAST = re.compile(r"(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Makes the URLs of one request's answer: `base` is scheme, host and prefix, `https://acme.example/rossum/api/v1`."""

    base: str

    def of(self, kind: str, pk: int) -> str:
        """`kind` is the collection: annotations, queues, document_relations."""
        return f"{self.base}/{kind}/{pk}"

    def maybe(self, kind: str, pk: int | None) -> str | None:
        return None if pk is None else self.of(kind, pk)

    def annotation(self, pk: int) -> str:
        return self.of("annotations", pk)

    def document(self, pk: int) -> str:
        return self.of("documents", pk)

    def queue(self, pk: int) -> str:
        return self.of("queues", pk)

    def schema(self, pk: int) -> str:
        return self.of("schemas", pk)

    def user(self, pk: int) -> str:
        return self.of("users", pk)

    def organization(self, pk: int) -> str:
        return self.of("organizations", pk)

    def workspace(self, pk: int) -> str:
        return self.of("workspaces", pk)

    def hook(self, pk: int) -> str:
        return self.of("hooks", pk)

    def node(self, annotation: int, node: int) -> str:
        """A datapoint, multivalue, tuple or section of an annotation's content."""
        return f"{self.base}/annotations/{annotation}/content/{node}"


def id_of(reference: Any, kind: str = "") -> int | None:
    """The id that a reference names: an integer, its digits, or a URL whose last segment it is. With `kind`, a URL of
    another collection names nothing. None where there is no id."""
    if isinstance(reference, bool) or not isinstance(reference, int | str):
        return None
    if isinstance(reference, int):
        return reference if 0 <= reference < 10**18 else None
    text = reference.strip()
    if "/" in text:
        try:
            parts = urlsplit(text).path.rstrip("/").split("/")
        except ValueError:
            return None
        if kind and (len(parts) < 2 or parts[-2] != kind):
            return None
        text = parts[-1]
    return int(text) if text.isascii() and _LAST.fullmatch(text) else None
