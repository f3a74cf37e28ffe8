"""Reading a list page: its rows, its count, all of its pages, and the list as a file."""

from __future__ import annotations

import csv
import io
import re

from django.test import Client
from django.urls import reverse

DOCUMENTS = "admin:exports_document_changelist"
ATTEMPTS = "admin:exports_attempt_changelist"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(client, name=DOCUMENTS, **query) -> str:
    response = client.get(reverse(name), query)
    assert response.status_code == 200, response.content.decode()[:2000]
    return response.content.decode()


def rows(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<input type="checkbox" class="action-select"[^>]*value="(\d+)"', html)]


def total(html: str) -> int:
    return int(re.search(r'data-total="(\d+)"', html)[1])


def walked(client, name, **query) -> list[int]:
    """The ids of all pages, by the links from page to page."""
    html = shown(client, name, **query)
    found = rows(html)
    while following := re.search(r'href="\?([^"]*)"[^>]*rel="next"', html):
        html = client.get(f"{reverse(name)}?{following[1].replace('&amp;', '&')}").content.decode()
        found += rows(html)
    return found


def filed(client, page="documents", form="csv", **given):
    said = client.post(reverse("admin:exports_list_file", args=[page]), {"format": form, **given})
    assert said.status_code == 200, said
    return b"".join(said.streaming_content)


def lines(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
