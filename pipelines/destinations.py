"""Destinations: what one may be, pausing and resuming what is sent there, and looking whether the other side answers.
Saving and deleting are the same for all configuration (configuration)."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from accounts.policy import Principal, require
from audit import trail
from pipelines import configs, jsontext, vault
from pipelines.errors import Misconfigured, StageError
from pipelines.models import Channel, Destination, Stage
from pipelines.transports.guard import Egress
from pipelines.transports.http import Client, Request
from pipelines.transports.stores import open_store

TEST_SECONDS = 10.0
TEST_BYTES = 4096
PLACEHOLDER = "{organization}"
"""In a folder root: the organization's slug."""
MAX_ADDRESSES = 5
"""Addresses of stages that one test tries."""

_HOST = re.compile(r"(?:\*\.)?[^\s*/:@]+|\[?[0-9A-Fa-f:.]+\]?")
_SECRET_KEYS = frozenset({
    "password", "ssh_key", "ssh_key_passphrase", "access_key_id", "secret_access_key", "client_secret", "token",
    "session_token",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a test saw. `reason` is that of the error, empty where all was well."""

    ok: bool
    what: str
    message: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a test saw, finding by finding; as one answer it is the first thing that was wrong, else all of it."""

    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)

    @property
    def reason(self) -> str:
        return next((finding.reason for finding in self.findings if not finding.ok), "")

    @property
    def message(self) -> str:
        wrong = [f"{finding.what}: {finding.message}" for finding in self.findings if not finding.ok]
        return wrong[0] if wrong else " ".join(f"{finding.what}: {finding.message}" for finding in self.findings)


def problems(destination: Destination) -> list[str]:
    """What is wrong with a destination that is about to be saved, for forms too."""
    found = []
    if not destination.name.strip():
        found.append("name: Give the destination a name.")
    found += reach_problems(destination)
    if not isinstance(destination.credentials, Mapping):
        found.append('credentials: This is a JSON object, {"type": "sftp", …}, or {} for none.')
    elif secret := sorted(_SECRET_KEYS & set(destination.credentials)):
        found.append(f'credentials: "{secret[0]}" is a secret. Keep it among the secrets, where it is sealed.')
    if destination.concurrency is not None and destination.concurrency < 1:
        found.append("concurrency: At least one attempt must be allowed. To stop all of them, pause the destination.")
    if destination.rate is not None and destination.rate <= 0:
        found.append("rate: More than 0 a second, or empty for no limit.")
    return found


def reach_problems(row: Destination | Channel) -> list[str]:
    """What is wrong with the hosts and networks that a row allows."""
    found: list[str] = []
    hosts = [host for host in _texts(row.allowed_hosts, "allowed_hosts", found) if not _HOST.fullmatch(host)]
    found += [f'allowed_hosts: "{host}" is no host name. Write erp.example, or *.example.' for host in hosts]
    for network in _texts(row.allowed_networks, "allowed_networks", found):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            found.append(f'allowed_networks: "{network}" is no network such as 10.1.0.0/16: {error}.')
    return found


def pause(destination: Destination, *, by: Principal, why: str = "") -> Destination:
    """Nothing is sent there until it is resumed. Pausing what is paused changes nothing."""
    require(by, "pipelines.pause_destination", destination)
    with transaction.atomic():
        rows = Destination.objects.filter(pk=destination.pk, paused_at=None)
        if rows.update(paused_at=timezone.now(), paused_why=why):
            _record("pause", destination, by=by, why=why)
    destination.refresh_from_db()
    return destination


def resume(destination: Destination, *, by: Principal, why: str = "") -> Destination:
    require(by, "pipelines.pause_destination", destination)
    with transaction.atomic():
        rows = Destination.objects.filter(pk=destination.pk, paused_at__isnull=False)
        if rows.update(paused_at=None, paused_why=""):
            _record("resume", destination, by=by, why=why)
    destination.refresh_from_db()
    return destination


def egress_of(destination: Destination | Channel | None) -> Egress:
    """Whom a stage with this destination may reach, or a channel; without one, every public address."""
    closed = tuple(settings.CLOSED_NETWORKS)
    if destination is None:
        return Egress(closed_networks=closed)
    return Egress(frozenset(destination.allowed_hosts), tuple(destination.allowed_networks), closed)


def test(destination: Destination, *, by: Principal) -> Diagnosis:
    """Look whether the other side answers: a file store is logged in to and a probe file written, read and removed;
    the addresses of the stages that send here are asked with HEAD, which books nothing. Takes its time; no transaction
    may be open."""
    require(by, "pipelines.test_destination", destination)
    egress = egress_of(destination)
    findings = []
    if destination.credentials:
        findings.append(_tested("File store", partial(_store, destination, egress)))
    addresses = _addresses(destination)
    if addresses:
        client = Client()
        try:
            findings += [_tested(address, partial(_head, client, address, egress)) for address in addresses]
        finally:
            client.close()
    if not findings:
        message = (
            "There is nothing to ask yet: the destination has no credentials, and no stage that sends here names a "
            "whole address."
        )
        findings.append(Finding(False, "Nothing to test", message, Misconfigured.reason))
    diagnosis = Diagnosis(tuple(findings))
    _record("test", destination, by=by, detail={"ok": diagnosis.ok, "message": diagnosis.message[:500]})
    return diagnosis


def _tested(what: str, ask: Callable[[], str]) -> Finding:
    try:
        return Finding(True, what, ask())
    except StageError as error:
        return Finding(False, what, error.message, error.reason)


def folder_roots(organization_id: int) -> list[Path]:
    """Where the folder stores of an organization may write: WAYBILL_FOLDER_ROOTS, with {organization} as its slug, so
    that none reaches another's files. A folder of its own is made where the one above it is there."""
    slug = Organization.objects.values_list("slug", flat=True).get(pk=organization_id)
    roots = []
    for given in settings.FOLDER_ROOTS:
        root = Path(str(given).replace(PLACEHOLDER, slug))
        if root != given and root.parent.is_dir():
            root.mkdir(exist_ok=True)
        roots.append(root)
    return roots


def _store(destination: Destination, egress: Egress) -> str:
    secrets = vault.secrets_for(destination.organization_id, destination_id=destination.pk, pipeline_id=None)
    roots = folder_roots(destination.organization_id)
    store = open_store(destination.credentials, secrets, egress=egress, folder_roots=roots)
    try:
        return store.check()
    finally:
        store.close()


def _head(client: Client, url: str, egress: Egress) -> str:
    begun = time.monotonic()
    request = Request("HEAD", url, timeout=TEST_SECONDS, idempotency_header="")
    reply = client.send(request, egress=egress, cap=TEST_BYTES)
    return f"answered with status {reply.status} after {(time.monotonic() - begun) * 1000:.0f} ms."


def _addresses(destination: Destination) -> list[str]:
    """Every address that a stage of this destination names, without query; only its host where a document's field or
    a secret stands in the rest."""
    found: dict[str, None] = {}
    for config in Stage.objects.filter(destination=destination, active=True).values_list("config", flat=True):
        try:
            raw = jsontext.read(config).value
        except jsontext.BadJsonError:
            continue
        for path, text in configs.strings(raw):
            if path.rsplit(".", 1)[-1] == "url" and (address := _askable(text)):
                found[address] = None
    return list(found)[:MAX_ADDRESSES]


def _askable(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or "{" in parts.netloc or not parts.netloc:
        return ""
    path = "/" if "{" in parts.path else parts.path or "/"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"  # a user and password are nobody's to read


def _texts(value: Any, column: str, found: list[str]) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        found.append(f"{column}: This is a list of texts.")
        return []
    return value


def _record(
    verb: str, destination: Destination, *, by: Principal, why: str = "", detail: dict[str, Any] | None = None
) -> None:
    trail.record(
        f"destination.{verb}",
        f"destination:{destination.pk}",
        organization_id=destination.organization_id,
        actor=by.name,
        why=why,
        detail=detail,
    )
