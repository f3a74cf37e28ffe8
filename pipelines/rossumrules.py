"""What a connected Rossum account may be: the addresses of its API, and its signing secrets. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

LEAST_SECRET, MOST_SECRET = 8, 500
"""Characters of a signing secret."""
MOST_ADDRESSES = 20


def origin(address: str) -> str:
    """Scheme, host and port of an address in one spelling: `HTTPS://Acme.Rossum.app:443/` is
    `https://acme.rossum.app`. Raises ValueError saying what is wrong."""
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or not address.isprintable():
        raise ValueError(f'"{address[:100]}" is no address. Write it as https://acme.rossum.app.')
    if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f'"{address[:100]}" is more than scheme and host. Write it as https://acme.rossum.app.')
    usual = {"http": 80, "https": 443}[parts.scheme]
    name = f"[{host}]" if ":" in host else host.rstrip(".")
    return f"{parts.scheme}://{name}" if port in {None, usual} else f"{parts.scheme}://{name}:{port}"


def problems(base_urls: Any, networks: Any) -> Iterator[str]:
    """Each beginning with its column, as forms take them."""
    if not _texts(base_urls) or not base_urls:
        yield "base_urls: Give the address of the account's API, for example https://acme.rossum.app."
    elif len(base_urls) > MOST_ADDRESSES:
        yield f"base_urls: At most {MOST_ADDRESSES} addresses; these are {len(base_urls)}."
    else:
        for address in base_urls:
            try:
                origin(address)
            except ValueError as error:
                yield f"base_urls: {error}"
    if not _texts(networks):
        yield "allowed_networks: This is a list of texts."
        return
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            yield f'allowed_networks: "{network}" is no network such as 10.1.0.0/16: {error}.'


def secret_problem(secrets: Sequence[str]) -> str:
    """What is wrong with signing secrets that somebody typed; empty where nothing is. Never repeats one."""
    for number, secret in enumerate(secrets, 1):
        if not LEAST_SECRET <= len(secret) <= MOST_SECRET or not secret.isprintable():
            return f"Line {number}: a signing secret has {LEAST_SECRET} to {MOST_SECRET} printable characters."
    return ""


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
