"""The `request` and `auth` blocks of a config, and the HTTP request that they become for one document.

Which body is sent, first match wins: `file_key` makes a multipart form; text in `content`, `data` or `file_content` is
sent as it is; an object in one of them, or `request_data`, is sent as the Content-Type says; else nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from pydantic import ConfigDict, Field, JsonValue, field_validator
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from pipelines import jsontemplates
from pipelines.blobs import Blob
from pipelines.contract import StageConfig
from pipelines.errors import Misconfigured, Rejected
from pipelines.problems import PlacedError
from pipelines.transports.http import Part, Request, checked_header, checked_method, parsed
from pipelines.transports.oauth import FORM, Auth, as_text, form
from pipelines.transports.placeholders import SECRET, TOKEN, Filling

TEXT = "text/plain; charset=utf-8"


class Block(StageConfig):
    """What every block that names an address shares."""

    model_config = ConfigDict(use_attribute_docstrings=True, coerce_numbers_to_str=True)

    url: str
    """Where the request goes: https://… or http://…; @{schema_id} may stand in it, or be all of it."""
    method: str = "POST"
    """The HTTP method."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers to send; @{schema_id} and {secret.name} may stand in their values."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not url.strip():
            raise ValueError("This address is blank: fill it in before you publish.")
        if not url.strip().startswith(("@{", "{secret.")) and not url.strip().lower().startswith(
            ("https://", "http://")
        ):
            raise ValueError("An address begins with https:// or http://, or with @{a_field} that holds one.")
        return url

    @field_validator("method")
    @classmethod
    def _method(cls, method: str) -> str:
        return str(_told(lambda: checked_method(method.strip())))

    @field_validator("headers")
    @classmethod
    def _headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            try:
                checked_header(name, value)
            except Misconfigured as error:
                raise PlacedError(error.message, name) from error
        return headers

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name), "")


def _told(check: Any) -> Any:
    try:
        return check()
    except Misconfigured as error:
        raise ValueError(error.message) from error


class AuthBlock(Block):
    """The token call. Its JSON reply's `access_token` is sent as `Authorization: Bearer …`, where no such header is
    configured, and stands for {secret.access_token}."""

    data: dict[str, JsonValue] | str | None = None
    """What the token endpoint is sent: form-encoded, unless the Content-Type header says JSON."""

    @field_validator("data")
    @classmethod
    def _template(cls, data: Any) -> Any:
        return _fillable(data)


class RequestBlock(Block):
    """The request itself."""

    content: JsonValue = None
    """The body: `#{file_content}` is the artifact, `#{original_file}` the original; any other text is sent as it is."""
    data: JsonValue = None
    """The same as `content`; an object is a form: multipart or JSON where the Content-Type says so, else urlencoded."""
    file_content: str | None = None
    """The file to send: `#{file_content}` or `#{original_file}`."""
    file_key: str | None = Field(None, min_length=1)
    """Sends multipart/form-data, with the file in the part of this name."""
    file_name: str | None = None
    """The file name told in the multipart form; without it the file's own."""
    request_data: dict[str, JsonValue] | None = None
    """Further fields of the form."""

    @field_validator("content", "data", "request_data")
    @classmethod
    def _template(cls, value: Any) -> Any:
        return _fillable(value)

    def texts(self) -> Iterator[str]:
        """Every template text of the body."""
        stack: list[Any] = [self.content, self.data, self.file_content, self.request_data]
        while stack:
            value = stack.pop()
            if isinstance(value, str):
                yield value
            elif isinstance(value, dict):
                stack += value.values()
            elif isinstance(value, list):
                stack += value


class ProbeRequestBlock(RequestBlock):
    """The request that asks the other side whether the document arrived."""

    method: str = "GET"
    """The HTTP method."""


def _fillable(template: Any) -> Any:
    if wrong := jsontemplates.problems(template):
        raise ValueError(" ".join(wrong))
    return template


def authentication(block: AuthBlock, filling: Filling, timeout: float) -> Auth:
    """The token call for this document."""
    place = "config.auth"
    url = filling.url(block.url, f"{place}.url")
    headers = {
        name: header(name, filling.text(value, f"{place}.headers.{name}"), value, place)
        for name, value in block.headers.items()
    }
    data = filling.value(block.data, f"{place}.data")
    configured = json.dumps(block.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    secrets = tuple(filling.secret(name, place) for name in dict.fromkeys(SECRET.findall(configured)))
    settings = json.dumps([configured, filling.public(block.url), filling.public(block.data)], sort_keys=True)
    return Auth(url, block.method, headers, data, settings, secrets, timeout)


def compose(
    block: RequestBlock, filling: Filling, *, has_key: bool, bearer: bool, timeout: float, idempotency_header: str
) -> Request:
    """The request for this document. `bearer` adds the token where no Authorization header is configured."""
    place = "config.request"
    body, parts, media_type = _body(block, filling, place, has_key=has_key)
    url, basic = without_user(filling.url(block.url, f"{place}.url"), block.url)
    try:
        parsed(url)
    except Misconfigured as error:
        kind = Rejected if "@{" in block.url else Misconfigured
        raise kind(error.message, place=f"{place}.url") from error
    headers: dict[str, str] = {}
    for name, value in block.headers.items():
        if parts and name.lower() == "content-type":
            continue  # only we know the boundary
        filled = filling.text(value, f"{place}.headers.{name}")
        headers[name] = header(name, filled, value, place)
    if not block.header("authorization"):
        if bearer:
            headers["Authorization"] = bearer_of(filling)
        elif basic:
            headers["Authorization"] = basic
    if body is not None and media_type and not block.header("content-type"):
        headers["Content-Type"] = media_type
    return Request(block.method, url, headers, body, parts, timeout, idempotency_header)


def bearer_of(filling: Filling) -> str:
    """The Authorization header of the token that the stage fetches."""
    return f"Bearer {filling.secret(TOKEN, 'config.request')}"


def header(name: str, value: str, template: str, place: str) -> str:
    """A filled header's value. Raises Rejected where a field made it wrong, Misconfigured where the config did."""
    try:
        checked_header(name, value)
    except Misconfigured as error:
        kind = Rejected if "@{" in template else Misconfigured
        raise kind(error.message, place=f"{place}.headers.{name}") from error
    return value


def without_user(url: str, template: str) -> tuple[str, str]:
    """The URL without a user and password that the config wrote into it, and the header that says the same."""
    if template.strip().startswith("@{"):
        return url, ""
    try:
        found = parse_url(url)
    except LocationParseError:
        return url, ""
    if not found.auth:
        return url, ""
    user, _, password = found.auth.partition(":")
    basic = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return found._replace(auth=None).url, f"Basic {basic}"


def _body(
    block: RequestBlock, filling: Filling, place: str, *, has_key: bool
) -> tuple[Blob | None, tuple[Part, ...], str]:
    """Body, parts and the Content-Type that goes with the body where none is configured."""
    given = [(name, getattr(block, name)) for name in ("content", "data", "file_content")]
    texts = [(name, value) for name, value in given if isinstance(value, str)]
    others = [(name, value) for name, value in given if value is not None and not isinstance(value, str)]
    if block.file_key is not None:
        name, text = texts[0] if texts else ("", "#{file_content}" if has_key else "#{original_file}")
        blob, _ = _raw(text, filling, f"{place}.{name or 'file_key'}")
        fields = [
            part
            for name, value in (("data", block.data), ("request_data", block.request_data))
            if isinstance(value, dict)
            for part in _fields(value, filling, f"{place}.{name}")
        ]
        file_name = _file_name(block, filling, place) or blob.name or block.file_key
        return None, (*fields, Part(block.file_key, blob=blob, file_name=file_name)), ""
    if texts:
        name, text = texts[0]
        blob, media_type = _raw(text, filling, f"{place}.{name}")
        return blob, (), media_type
    if not others and block.request_data is None:
        return None, (), ""
    name, value = others[0] if others else ("request_data", block.request_data)
    return _shaped(block, value, filling, f"{place}.{name}")


def _shaped(block: RequestBlock, value: Any, filling: Filling, place: str) -> tuple[Blob | None, tuple[Part, ...], str]:
    """An object (or list) as the Content-Type says."""
    told = block.header("content-type").lower()
    if isinstance(value, dict) and block.request_data and value is not block.request_data:
        value = {**value, **block.request_data}
    if "multipart/form-data" in told and isinstance(value, dict):
        return None, tuple(_fields(value, filling, place)), ""
    filled = filling.value(value, place)
    if "json" in told or not isinstance(filled, dict):
        return Blob.of(json.dumps(filled, ensure_ascii=False).encode()), (), "application/json"
    return Blob.of(form(filled).encode()), (), FORM


def _raw(text: str, filling: Filling, place: str) -> tuple[Blob, str]:
    blob = filling.file(text, place)
    if blob is not None:
        return blob, blob.media_type
    return Blob.of(filling.text(text, place).encode(), media_type=TEXT), TEXT


def _fields(data: Mapping[str, Any], filling: Filling, place: str) -> Iterator[Part]:
    """A form's parts: a value that is a whole file is sent as a file, a list as one part an item."""
    for key, template in data.items():
        blob = filling.file(template, f"{place}.{key}") if isinstance(template, str) else None
        if blob is not None:
            yield Part(key, blob=blob, file_name=blob.name or key)
            continue
        filled = filling.value({key: template}, place)
        for name, value in filled.items():
            for item in value if isinstance(value, list) else [value]:
                yield Part(name, as_text(item))


def _file_name(block: RequestBlock, filling: Filling, place: str) -> str:
    if block.file_name is None:
        return ""
    name = filling.text(block.file_name, f"{place}.file_name")
    return "".join(character for character in name if character.isprintable()).strip()
