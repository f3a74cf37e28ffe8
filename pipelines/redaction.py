"""Hides secrets by value, in every form in which they can appear in text that is kept or shown. Pure.

Redact first, cap afterwards: a value cut in two is not found. Whoever caps at N redacts N + `Redactor.longest`.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "[secret]"
SHORT = 4
"""A value of fewer characters stands in too many innocent places: it is hidden only where it is a whole value."""
SENSITIVE_HEADER = re.compile(
    r"(?:proxy-)?authorization|(?:set-)?cookie2?|.*(?:token|secret|password|api-?key|access-?key|subscription-key).*",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(Basic|Bearer|Digest|Negotiate|Token|ApiKey|AWS4-HMAC-SHA256)\s+\S", re.IGNORECASE)
_COOKIE_VALUE = re.compile(r"=[^;,]*")
_TOKEN_MEMBER = re.compile(rb'("(?:access|refresh|id)_token"\s*:\s*")(?:[^"\\]|\\.)*(")')
_TOKEN_FIELD = re.compile(rb"(\b(?:access|refresh|id)_token=)[^&\s\"]+")


class Redactor:
    """Compiled once for a set of secrets, used for many texts. A hidden value reads `[secret:its_name]`.

    Making one again for the same secrets is cheap: what they compile to is kept a process."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {name: value for name, value in secrets.items() if value}
        self._tables = _tables(tuple(self._secrets.items()))
        self.longest = self._tables.longest
        """Bytes of the longest form of any secret."""

    def also(self, secrets: Mapping[str, str]) -> Redactor:
        """One that hides these too, for example a token that was just fetched."""
        return Redactor({**self._secrets, **secrets})

    def text(self, text: str) -> str:
        if not self._secrets or not text:
            return text
        known = self._tables
        if found := [form for form in known.marks if form in text]:
            text = re.sub("|".join(map(re.escape, found)), lambda hit: known.marks[hit[0]], text)
        for core, pattern, mark in known.cores:
            if core in text:
                text = pattern.sub(mark, text)
        if known.short is not None:
            text = known.short.sub(lambda hit: known.whole[hit[0]], text)
        return text

    def data(self, data: bytes) -> bytes:
        """For bodies in any encoding that keeps ASCII, in Latin-1 and in UTF-16."""
        if not self._secrets or not data:
            return data
        known = self._tables
        if present := [form for form in known.encoded if form in data]:
            data = re.sub(b"|".join(map(re.escape, present)), lambda hit: known.encoded[hit[0]], data)
        for core, pattern, named in known.cores:
            if core.encode() in data:
                data = re.sub(pattern.pattern.encode(), named.encode(), data)
        if known.short is not None:
            data = re.sub(known.short.pattern.encode(), lambda hit: known.whole[hit[0].decode()].encode(), data)
        return data

    def auth_reply(self, data: bytes) -> bytes:
        """A token endpoint's reply: hides the tokens in it as well, which nobody knows by value yet."""
        data = _TOKEN_MEMBER.sub(rb"\1[secret]\2", self.data(data))
        return _TOKEN_FIELD.sub(rb"\1[secret]", data)

    def pairs(self, pairs: Iterable[Sequence[str]]) -> list[list[str]]:
        """Header pairs. What carries credentials by its name (Authorization, Cookie, X-Api-Key, …) is hidden whether
        or not the value is known."""
        return [[name, self._header(name, value)] for name, value in pairs]

    def json(self, value: Any) -> Any:
        """A copy of a JSON tree with keys, texts and numbers redacted; the same object where nothing was hidden."""
        if not self._secrets:
            return value
        if isinstance(value, str):
            return self._tables.whole.get(value) or self.text(value)
        if isinstance(value, Mapping):
            changed = {self.text(key) if isinstance(key, str) else key: self.json(each) for key, each in value.items()}
            same = len(changed) == len(value) and all(
                key in changed and changed[key] is each for key, each in value.items()
            )
            return value if same else changed
        if isinstance(value, list | tuple):
            items = [self.json(item) for item in value]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._tables.whole.get(str(value), value)
        return value

    def _header(self, name: str, value: str) -> str:
        if not SENSITIVE_HEADER.fullmatch(name):
            return self._tables.whole.get(value) or self.text(value)
        if "cookie" in name.lower():
            first, *attributes = value.split(";") if name.lower().startswith("set-") else [value]
            return ";".join([_COOKIE_VALUE.sub(f"={HIDDEN}", first), *map(self.text, attributes)])
        scheme = _SCHEME.match(value)
        hidden = f"{scheme[1]} {HIDDEN}" if scheme else HIDDEN
        return hidden if value.strip() else value


@dataclass(frozen=True, slots=True)
class _Tables:
    """What a set of secrets compiles to. Everything is longest first, so that a secret inside another does not win."""

    marks: Mapping[str, str]
    encoded: Mapping[bytes, bytes]
    cores: Sequence[tuple[str, re.Pattern[str], str]]
    whole: Mapping[str, str]
    short: re.Pattern[str] | None
    longest: int


@lru_cache(maxsize=256)
def _tables(secrets: tuple[tuple[str, str], ...]) -> _Tables:
    """Milliseconds to make where a private key is among them, hence once a process."""
    by_length = sorted(secrets, key=lambda pair: -len(pair[1]))
    marks: dict[str, str] = {}
    for name, value in by_length:
        if len(value) >= SHORT:
            for form in _forms(value):
                marks.setdefault(form, f"[secret:{name}]")
    marks = dict(sorted(marks.items(), key=lambda pair: -len(pair[0])))
    whole = {value: f"[secret:{name}]" for name, value in by_length}
    encoded = _encoded(marks, whole)
    longest = max(map(len, encoded), default=0)
    return _Tables(marks, encoded, _cores(by_length), whole, _short(whole), longest)


def _encoded(marks: Mapping[str, str], whole: Mapping[str, str]) -> dict[bytes, bytes]:
    """Every form in bytes, with the mark in the same encoding."""
    forms = {form.encode(errors="replace"): mark.encode() for form, mark in marks.items()}
    for value, mark in whole.items():
        if len(value) >= SHORT:
            for encoding in ("latin-1", "cp1252", "utf-16-le", "utf-16-be"):
                try:
                    forms.setdefault(value.encode(encoding), mark.encode(encoding, "replace"))
                except UnicodeEncodeError:
                    continue  # then no text in that encoding holds it
    return dict(sorted(forms.items(), key=lambda pair: -len(pair[0])))


def _forms(value: str) -> set[str]:
    """The value as it stands in text, URLs, forms, JSON and HTML, and one of these inside another."""
    plain = {value}
    if "\n" in value:  # a private key: an error may quote one line of it
        plain |= {line for line in value.split("\n") if len(line) >= 20 and not line.startswith("-----")}
        plain |= {value.strip(), value.replace("\n", "\r\n")}
    once = {encode(each) for each in plain for encode in _ENCODINGS}
    twice = {encode(each) for each in once for encode in _ENCODINGS}
    return {form for form in plain | once | twice if len(form) >= SHORT}


def _as_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _lower_hex(quoted: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda hit: hit[0].lower(), quoted)


_ENCODINGS: tuple[Callable[[str], str], ...] = (
    _as_json,
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: _as_json(text).replace("/", "\\/"),
    lambda text: quote(text, safe="", errors="replace"),
    lambda text: quote(text, safe="/", errors="replace"),
    lambda text: quote_plus(text, errors="replace"),
    lambda text: _lower_hex(quote(text, safe="", errors="replace")),
    lambda text: _lower_hex(quote_plus(text, errors="replace")),
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    lambda text: html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&apos;"),
)


def _cores(by_length: Sequence[tuple[str, str]]) -> list[tuple[str, re.Pattern[str], str]]:
    """The value in base64, wherever it begins in what was encoded ("user:password"): of each of the three alignments
    the characters that no neighbour touches, with the one on either side that shares bits with a neighbour."""
    cores: dict[str, tuple[re.Pattern[str], str]] = {}
    for name, value in by_length:
        if len(value) < SHORT:
            continue
        raw = value.encode(errors="replace")
        for shift in range(3):
            before, after = (shift * 8 + 5) // 6, (shift + len(raw)) * 8 // 6
            coded = base64.b64encode(b"\0" * shift + raw).decode()[before:after]
            if len(coded) < 6 and shift:  # too little to be sure of; whole values of four letters are found unshifted
                continue
            edges = ("[A-Za-z0-9+/_-]" if shift else "", "[A-Za-z0-9+/_-]?={0,2}" if (shift + len(raw)) % 3 else "")
            for core in {coded, coded.replace("+", "-").replace("/", "_"), quote(coded, safe="")}:
                cores.setdefault(core, (re.compile(edges[0] + re.escape(core) + edges[1]), f"[secret:{name}]"))
    return [(core, pattern, mark) for core, (pattern, mark) in sorted(cores.items(), key=lambda pair: -len(pair[0]))]


def _short(whole: Mapping[str, str]) -> re.Pattern[str] | None:
    """Short values between quotes, after "=" in a form or URL, or as the whole text."""
    values = sorted((value for value in whole if len(value) < SHORT), key=len, reverse=True)
    if not values:
        return None
    any_of = "|".join(map(re.escape, values))
    return re.compile(
        rf"(?<=\")(?:{any_of})(?=\")|(?<=')(?:{any_of})(?=')|(?<==)(?:{any_of})(?=[&;\s]|\Z)|\A(?:{any_of})\Z"
    )
