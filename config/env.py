"""Typed readers of environment variables. A bad value stops the start with its name and what it should be."""

from __future__ import annotations

import base64
import ipaddress
import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def flag(name: str, *, default: bool = False) -> bool:
    given = os.environ.get(name, "").strip().lower()
    if given in {"1", "true", "yes", "on"}:
        return True
    if given in {"0", "false", "no", "off"}:
        return False
    if given:
        message = f"{name} must be 1 or 0, not {given!r}."
        raise ImproperlyConfigured(message)
    return default


def number(name: str, default: int, *, least: int = 0) -> int:
    given = os.environ.get(name, "").strip()
    try:
        value = int(given) if given else default
    except ValueError:
        value = least - 1
    if value < least:
        message = f"{name} must be a whole number from {least} up, not {given!r}."
        raise ImproperlyConfigured(message)
    return value


def words(name: str, default: str = "") -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def networks(name: str) -> list[str]:
    """Comma-separated networks and addresses, as 10.0.0.0/8."""
    given = words(name)
    for network in given:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            message = f"{name} holds {network!r}, which is no network such as 10.0.0.0/8: {error}."
            raise ImproperlyConfigured(message) from error
    return given


def database(name: str, *, fallback: Path) -> dict[str, object]:
    """Django's database settings from a URL: postgresql://user:password@host:5432/name, sqlite:///path, or nothing."""
    url = urlsplit(os.environ.get(name, "") or f"sqlite:///{fallback}")
    if url.scheme == "sqlite":
        return {
            "ENGINE": "config.sqlite",  # Django's, with turns
            "NAME": unquote(url.path[1:] if url.path.startswith("//") else url.path),
            "CONN_MAX_AGE": 60,
            # A file, as in production: in shared memory, threads get "table is locked" at once instead of waiting.
            "TEST": {"NAME": f"{tempfile.gettempdir()}/waybill-test-{os.getpid()}.sqlite3"},
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",  # a deferred one fails with "database is locked" when it upgrades
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    if url.scheme in {"postgres", "postgresql"}:
        options = dict(parse_qsl(url.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(url.path[1:]),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": options.pop("host", None) or unquote(url.hostname or ""),
            "PORT": str(url.port or ""),
            "CONN_MAX_AGE": 60,  # 0 cost a factor of six in tasks a second (docs/decisions/0006)
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": options,
        }
    message = f"{name} must begin with postgresql:// or sqlite:///, not {url.scheme}://."
    raise ImproperlyConfigured(message)


def kept_secret(path: Path) -> str:
    """A random text made once and kept in a file that only its owner reads: the one-machine default."""
    if not path.exists():
        _keep(path, secrets.token_urlsafe(50))
    return path.read_text().strip()


def kept_key(path: Path) -> str:
    """A random 32-byte key in the form of WAYBILL_KEYS, made once and kept likewise."""
    if not path.exists():
        _keep(path, f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    return path.read_text().strip()


def _keep(path: Path, value: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    with os.fdopen(handle, "w") as file:
        file.write(value)
    try:
        os.link(name, path)  # whoever is first wins; a second process reads the first one's
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()


def storage(folder: Path) -> dict[str, object]:
    """Django's default storage: a folder, or the S3 bucket that WAYBILL_S3_BUCKET names."""
    bucket = text("WAYBILL_S3_BUCKET")
    if not bucket:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": text("WAYBILL_S3_ENDPOINT") or None,
            "access_key": text("WAYBILL_S3_ACCESS_KEY") or None,
            "secret_key": text("WAYBILL_S3_SECRET_KEY") or None,
            "region_name": text("WAYBILL_S3_REGION") or None,
            "default_acl": None,
            "file_overwrite": True,
        },
    }


def smtp(name: str) -> dict[str, object]:
    """A mail server from a URL: smtp://, smtp+starttls:// or smtps://, then user:password@host:port; {} for none."""
    given = os.environ.get(name, "")
    if not given:
        return {}
    ways = {"smtp": ("", 25), "smtp+starttls": ("starttls", 587), "smtps": ("tls", 465)}
    try:
        url = urlsplit(given)
        host, port = url.hostname, url.port
    except ValueError:
        url, host, port = urlsplit(""), None, None
    if url.scheme not in ways or not host or url.path not in {"", "/"}:
        message = f"{name} must read smtp://host:25, smtp+starttls://user:password@host:587 or smtps://…, and does not."
        raise ImproperlyConfigured(message)
    tls, usual = ways[url.scheme]
    return {
        "host": host, "port": port or usual, "tls": tls,
        "user": unquote(url.username or ""), "password": unquote(url.password or ""),
    }  # fmt: skip
