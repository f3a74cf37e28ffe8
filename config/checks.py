"""System checks, each with a number to search for and what to do about it (docs/operate/checks.md).

Errors stop every command. What is only worth a thought in production speaks up with `check --deploy`; what asks the
database, with `check --database default`.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.http.request import validate_host

from audit import barriers
from pipelines import vault
from pipelines.errors import Misconfigured


def _here_only() -> bool:
    """Whether people reach this installation from the same machine alone."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"", "localhost"} or host.endswith(".localhost")


def _sqlite() -> bool:
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("sqlite")


@register(Tags.security)
def keys(app_configs: Any, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001 (Django's signature)
    try:
        vault.environment_keys(tuple(settings.KEYS))
    except Misconfigured as error:
        hint = "Make one: python -c \"import base64, os; print('k1:' + base64.b64encode(os.urandom(32)).decode())\""
        return [Error(f"WAYBILL_KEYS: {error.message}", hint=hint, id="waybill.E001")]
    return []


@register(Tags.security)
def secret_key(app_configs: Any, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001
    if _here_only() or (len(settings.SECRET_KEY) >= 32 and not settings.SECRET_KEY.startswith("django-insecure")):
        return []
    hint = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    return [Error("WAYBILL_SECRET_KEY is too easy to guess for a public address.", hint=hint, id="waybill.E002")]


@register(Tags.security)
def debug(app_configs: Any, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001
    if not settings.DEBUG or _here_only():
        return []
    hint = "Its error pages show settings and data to whoever causes an error. Set WAYBILL_DEBUG=0."
    return [Error(f"WAYBILL_DEBUG is on at {settings.PUBLIC_URL}.", hint=hint, id="waybill.E003")]


@register()
def broker(app_configs: Any, **_options: Any) -> Iterator[CheckMessage]:  # noqa: ARG001
    cluster: dict[str, Any] = settings.Q_CLUSTER
    if cluster.get("redis") and cluster.get("orm"):
        hint = "Its workers would listen at one and its bells ring at the other. Keep one of them."
        yield Error("Q_CLUSTER names both redis and orm.", hint=hint, id="waybill.E004")
    if cluster["retry"] <= cluster["timeout"]:
        hint = "Every long task would be handed out twice. Make retry the larger one."
        yield Error("Q_CLUSTER retries before its time limit.", hint=hint, id="waybill.E005")
    if cluster["timeout"] <= settings.DRAIN_SECONDS + settings.HAND_BACK_SECONDS:
        hint = (
            "A worker would be killed while it hands its work back. Raise the timeout or lower WAYBILL_DRAIN_SECONDS."
        )
        yield Error("Q_CLUSTER's time limit ends before a worker has drained.", hint=hint, id="waybill.E006")


@register()
def hosts(app_configs: Any, **_options: Any) -> Iterator[CheckMessage]:  # noqa: ARG001
    if not settings.ALLOWED_HOSTS:
        hint = "Name the hosts that people use, for example WAYBILL_HOSTS=waybill.example.com."
        yield Error("WAYBILL_HOSTS is empty: every request would be refused.", hint=hint, id="waybill.E007")
    elif not validate_host(urlsplit(settings.PUBLIC_URL).hostname or "", settings.ALLOWED_HOSTS):
        hint = "Add it, or correct WAYBILL_PUBLIC_URL."
        message = f"WAYBILL_HOSTS does not name the host of {settings.PUBLIC_URL}: requests there are refused."
        yield Caution(message, hint=hint, id="waybill.W001")


@register()
def folders(app_configs: Any, **_options: Any) -> Iterator[CheckMessage]:  # noqa: ARG001
    if (folder := _contents()) is not None and not os.access(_existing(folder), os.W_OK | os.X_OK):
        hint = "Large contents go there. Give the user that runs Waybill the right to write, or set WAYBILL_DATA."
        yield Error(f"{folder} cannot be written.", hint=hint, id="waybill.E008")
    own = {Path(settings.BASE_DIR).resolve(), Path(settings.DATA_DIR).resolve()}
    for given in map(Path, settings.FOLDER_ROOTS):
        root = next((above.parent for above in (given, *given.parents) if "{organization}" in above.name), given)
        plain = root.resolve()
        if not root.is_absolute():
            hint = "Write the whole path; a relative one would depend on where the process was started."
            yield Error(f"WAYBILL_FOLDER_ROOTS: {root} is not absolute.", hint=hint, id="waybill.E009")
        elif plain.parent == plain or any(place.is_relative_to(plain) for place in own):
            hint = "A pipeline could overwrite Waybill itself, its database or its keys. Name a folder of its own."
            yield Error(f"WAYBILL_FOLDER_ROOTS: {root} holds Waybill's own files.", hint=hint, id="waybill.E010")
        elif not root.is_dir():
            hint = "Make it, or mount what belongs there; until then every file for it waits."
            yield Caution(f"WAYBILL_FOLDER_ROOTS: {root} is not there.", hint=hint, id="waybill.W011")


@register(Tags.security, deploy=True)
def address(app_configs: Any, **_options: Any) -> Iterator[CheckMessage]:  # noqa: ARG001
    if _here_only():
        hint = "Links in messages lead there. Set WAYBILL_PUBLIC_URL to the address that people use."
        yield Caution(f"WAYBILL_PUBLIC_URL is {settings.PUBLIC_URL}.", hint=hint, id="waybill.W002")
    elif not settings.HTTPS:
        hint = "Passwords and keys cross the network readable. Put a proxy with TLS before it and write https://."
        yield Caution("WAYBILL_PUBLIC_URL is not https.", hint=hint, id="waybill.W003")
    elif not getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        hint = (
            "If a proxy ends TLS and sets X-Forwarded-Proto itself, set WAYBILL_BEHIND_PROXY=1; else forms are refused."
        )
        yield Caution("WAYBILL_PUBLIC_URL is https, but no proxy is trusted.", hint=hint, id="waybill.W004")


@register(deploy=True)
def several_machines(app_configs: Any, **_options: Any) -> Iterator[CheckMessage]:  # noqa: ARG001
    if _sqlite():
        if settings.REDIS_URL:
            hint = "Several machines need one PostgreSQL: set DATABASE_URL. One machine alone needs no Redis."
            yield Caution("REDIS_URL is set, but the database is a file.", hint=hint, id="waybill.W005")
        return
    if _kept("secret_key") == settings.SECRET_KEY:
        hint = "Sessions and bells of one machine are void on the next. Set WAYBILL_SECRET_KEY, the same everywhere."
        yield Caution("This machine made its own secret key.", hint=hint, id="waybill.W006")
    if [_kept("sealing_key")] == settings.KEYS:
        hint = "Secrets sealed here cannot be opened on the next machine. Set WAYBILL_KEYS, the same everywhere."
        yield Caution("This machine made its own sealing key.", hint=hint, id="waybill.W007")
    if _contents() is not None:
        hint = "Set WAYBILL_S3_BUCKET, or let WAYBILL_DATA be a folder that all machines share."
        yield Caution("Large contents are kept in a folder.", hint=hint, id="waybill.W008")


@register(Tags.security, deploy=True)
def keys_apart(app_configs: Any, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001
    if not _sqlite() or [_kept("sealing_key")] != settings.KEYS:
        return []
    hint = "Whoever has a copy of WAYBILL_DATA opens every secret. Move its sealing_key into WAYBILL_KEYS."
    return [Caution("The sealing key lies beside the database.", hint=hint, id="waybill.W009")]


@register(Tags.database)
def migrations(app_configs: Any, databases: Sequence[str] | None = None, **_options: Any) -> Iterator[CheckMessage]:  # noqa: ARG001
    for alias in databases or ():
        connection = connections[alias]
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan and "migrate" not in sys.argv[1:2]:  # which is about to do just that
            hint = "Run manage.py migrate before the web server and the workers start."
            yield Caution(f"{len(plan)} migrations are not applied.", hint=hint, id="waybill.W010")
        trail_begun = ("audit", "0002_append_only") in executor.loader.applied_migrations
        if trail_begun and (missing := barriers.missing(connection)):
            hint = "Somebody took them down, or a migration built a table anew: audit.barriers.put_up(connection)."
            yield Error(f"The audit trail can be changed: no {', '.join(missing)}.", hint=hint, id="waybill.E011")


def _contents() -> Path | None:
    """The folder of large contents; None where they are kept elsewhere."""
    storage: dict[str, Any] = settings.STORAGES["default"]  # type: ignore[assignment]  # as config.env.storage makes it
    return Path(storage["OPTIONS"]["location"]) if storage["BACKEND"].endswith("FileSystemStorage") else None


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: where it would be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _kept(name: str) -> str | None:
    """What config.env made once and keeps in the data folder."""
    path = Path(settings.DATA_DIR) / name
    return path.read_text().strip() if path.exists() else None
