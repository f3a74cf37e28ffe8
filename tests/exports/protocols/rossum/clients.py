"""Rossum's official client, and what a Waybill did, read over its own API and shown by the client."""

from __future__ import annotations

from collections import Counter

import requests
from rossum_api import SyncRossumAPIClient
from rossum_api.dtos import UserCredentials

PASSWORD = "correct horse"


def client(url, name="anna", **options):
    return SyncRossumAPIClient(f"{url}/rossum/api/v1", UserCredentials(name, PASSWORD), **options)


def documented(url, name="anna", **options):
    """The client without its dataclasses: what the documentation shows."""
    return client(url, name, deserializer=lambda _resource, found: found, **options)


def ids_of(results):
    return [int(one["url"].rpartition("/")[2]) for one in results]


def attempts(site, queue):
    """How many attempts each document of the queue has, as Waybill's own API tells."""
    url, world = site
    headers = {"Authorization": f"Bearer {world['keys']['owner']}"}
    counted, after = Counter(), f"{url}/api/v1/attempts?page_size=200&queue={world['queues'][queue]}"
    while after:
        page = requests.get(after, headers=headers, timeout=30)
        page.raise_for_status()
        counted.update(one["document"] for one in page.json()["results"])
        after = page.json().get("next")
    return counted


def statuses(site, queue):
    url, world = site
    rossum = documented(url)
    return Counter(one["status"] for one in rossum.list_annotations(queue=world["queues"][queue]))
