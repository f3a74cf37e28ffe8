"""Ways out for files: what credentials may say, and the store that they open.

The stores themselves are `sftp`, `s3` and `folder`; each keeps contract.Store's promises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines import wording
from pipelines.contract import StageConfig, Store
from pipelines.errors import Misconfigured
from pipelines.problems import PlacedError
from pipelines.transports.guard import Egress

SECRETS = frozenset({"password", "ssh_key", "ssh_key_passphrase", "access_key_id", "secret_access_key"})
"""What a login takes from the secrets, never from its credentials."""

Secrets = Mapping[str, str] | Callable[..., str]
"""Secrets by name; a callable raises Misconfigured for one that is not there."""


class _Credentials(StageConfig):
    model_config = ConfigDict(use_attribute_docstrings=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _sealed(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and (found := sorted(SECRETS & given.keys())):
            message = f'This is a secret: keep it under the name "{found[0]}" among the secrets, where it is sealed.'
            raise PlacedError(message, found[0])
        return given


class SftpCredentials(_Credentials):
    """Secrets: `password`, or `ssh_key` and, where it is sealed, `ssh_key_passphrase`."""

    type: Literal["sftp"]
    """Which store this is."""
    host: str = Field(min_length=1)
    """Name or address of the SFTP server."""
    port: int = Field(22, ge=1, le=65535)
    """Its port, as a number or as text."""
    username: str = Field(min_length=1)
    """Who logs in."""
    host_key: str | None = None
    """The server's public key (`ssh-ed25519 AAAA…`, as in known_hosts) or its fingerprint (`SHA256:…`); one a line."""
    base: str = ""
    """Folder at the server below which every path lies."""
    timeout_s: float = Field(30.0, gt=0, le=600)
    """Seconds to wait for one answer of the server."""
    sftp_version: int | None = None
    """Accepted for configs made for Rossum; the version is agreed with the server."""

    @field_validator("host_key")
    @classmethod
    def _readable(cls, host_key: str | None) -> str | None:
        for line in (host_key or "").splitlines():
            if line.strip() and not any(word.startswith(("SHA256:", "AAAA")) for word in line.split()):
                raise ValueError("A host key is written as `ssh-ed25519 AAAA…`, or as its fingerprint `SHA256:…`.")
        return host_key


class S3Credentials(_Credentials):
    """Secrets: `access_key_id` and `secret_access_key`."""

    type: Literal["s3"]
    """Which store this is."""
    bucket_name: str = Field(min_length=1)
    """The bucket."""
    region: str = "us-east-1"
    """The bucket's region."""
    endpoint_url: str | None = None
    """Address of a compatible store; none means AWS."""
    path_style: bool | None = None
    """Bucket in the path instead of the host name; unset: wherever `endpoint_url` is given."""
    base: str = ""
    """Prefix of every key."""
    timeout_s: float = Field(60.0, gt=0, le=600)
    """Seconds to wait for one answer of the store."""


class FolderCredentials(_Credentials):
    """A folder of the machine (or mounted on it), within the roots that its administrator allows."""

    type: Literal["folder"]
    """Which store this is."""
    path: str = Field(min_length=1)
    """The folder below which every path lies."""


Credentials = Annotated[SftpCredentials | S3Credentials | FolderCredentials, Field(discriminator="type")]


class _Whole(StageConfig):
    """Credentials under the key that they have in a stage's config."""

    credentials: Credentials


def read(credentials: Mapping[str, Any]) -> SftpCredentials | S3Credentials | FolderCredentials:
    """Raises Misconfigured naming what is wrong with the credentials."""
    if not credentials:
        message = "There are no credentials: give the stage a destination that has them, or write them into its config."
        raise Misconfigured(message, place="config.credentials")
    given = {"credentials": {name: value for name, value in credentials.items() if value is not None}}
    try:
        return _Whole.model_validate(given).credentials
    except ValidationError as error:
        path, message = wording.of(error, _Whole, given)[0]
        raise Misconfigured(message, place=f"config.{path}") from error


def secrets_of(credentials: SftpCredentials | S3Credentials | FolderCredentials) -> tuple[tuple[str, ...], ...]:
    """The secrets that a login takes by their fixed names: one of each group."""
    if isinstance(credentials, SftpCredentials):
        return (("password", "ssh_key"),)
    if isinstance(credentials, S3Credentials):
        return (("access_key_id",), ("secret_access_key",))
    return ()


def open_store(
    credentials: Mapping[str, Any], secrets: Secrets, *, egress: Egress, folder_roots: Sequence[Path]
) -> Store:
    """The store, not connected yet. Raises Misconfigured naming what is wrong with the credentials."""
    parsed = read(credentials)
    known = Known(secrets)
    if isinstance(parsed, SftpCredentials):
        from pipelines.transports.sftp import SftpStore

        return SftpStore(parsed, known, egress)
    if isinstance(parsed, S3Credentials):
        from pipelines.transports.s3 import S3Store

        return S3Store(parsed, known, egress)
    from pipelines.transports.folder import FolderStore

    return FolderStore(parsed, folder_roots)


class Known:
    """The secrets of one stage, however they are handed over."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def get(self, name: str) -> str:
        """Raises Misconfigured where there is none."""
        if not isinstance(self._secrets, Mapping):
            return self._secrets(name, place=f"secrets.{name}")
        value = self._secrets.get(name)
        if not value:
            raise Misconfigured(f'There is no secret "{name}".', place=f"secrets.{name}")
        return value

    def maybe(self, name: str) -> str:
        """Likewise; empty where there is none."""
        try:
            return self.get(name)
        except Misconfigured:
            return ""


def joined(base: str, path: str) -> str:
    """`path` below `base`; as it is where there is no base."""
    if not base.strip("/"):
        return path
    return f"{base.rstrip('/')}/{path.lstrip('/')}"


def path_of(store: Store, place: str, *, absolute: bool) -> str:
    """The path that has this address in the store; `absolute` where a config began it with a slash, which no address
    tells. Raises Misconfigured where the store is elsewhere now."""
    base = store.address("a")[:-1]
    if not place.startswith(base):
        message = f"It was put at {place}, and the credentials lead to {base} now. Rebuild it to put it there."
        raise Misconfigured(message, place="config.credentials")
    path = place.removeprefix(base)
    return f"{'/' if absolute else ''}{unquote(path) if base.startswith('file:') else path}"
