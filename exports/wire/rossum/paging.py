"""Pages of a list by number, in the envelope that both styles of client read: some count pages, some follow `next`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from exports.wire.rossum.parameters import Given

SIZE, MOST = 20, 100


class NoSuchPage(ValueError):
    """The parameter `page` is no page number. Answered with 404."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: `number` counts from 1."""

    number: int = 1
    size: int = SIZE

    @classmethod
    def read(cls, given: Given, *, most: int = MOST, size: int = SIZE) -> Page:
        """From `page` and `page_size`; one over the maximum is the maximum, one that is no number the default."""
        wanted = given.text("page_size")
        if wanted.isascii() and wanted.isdigit() and int(wanted[:9]) > 0:
            size = min(int(wanted[:9]), most)
        number = given.text("page", "1")
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:10]) < 10**9):
            raise NoSuchPage("Invalid page.")
        return cls(int(number), size)

    @property
    def first(self) -> int:
        """Rows before this page."""
        return (self.number - 1) * self.size

    @property
    def end(self) -> int:
        """The row after its last one, if it is full."""
        return self.first + self.size


def envelope(results: list[Any], *, page: Page, total: int, url: str) -> dict[str, Any]:
    """The reply to a list. `url` is the request's own, absolute. A page past the end is empty and no error: the list
    may have become shorter since its first page told how many there are."""
    pages = max(1, -(-total // page.size))
    return {
        "pagination": {
            "total": total,
            "total_pages": pages,
            "next": at_page(url, page.number + 1) if page.number < pages else None,
            "previous": at_page(url, min(page.number - 1, pages)) if page.number > 1 else None,
        },
        "results": results,
    }


def at_page(url: str, number: int) -> str:
    """The same request for another page. Empty parameters go: they say nothing, and make `next` hard to read."""
    return with_parameter(url, "page", str(number))


def with_parameter(url: str, name: str, value: str) -> str:
    """The same URL with one parameter changed, without empty ones."""
    parts = urlsplit(url)
    kept = [(key, given) for key, given in parse_qsl(parts.query) if key != name]
    return parts._replace(query=urlencode([*kept, (name, value)])).geturl()
