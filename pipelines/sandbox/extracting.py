"""Values out of a reply: JMESPath, XPath, header names and regular expressions, one a rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.sandbox import exact
from pipelines.sandbox.refusal import RefusalError

Rule = Mapping[str, Any]
Note = Callable[[int], None]

FORMATS = ("json", "xml", "headers", "regex")


def extract(rules: Sequence[Rule], source: bytes, form: str, *, seconds: float, note: Note) -> list[Any]:
    """One value a rule, None where nothing was found. `note` is told each rule's index before it is run, so that
    whoever stops this process for its time knows which rule it was."""
    read = _READERS[form](source, seconds)
    values = []
    for index, rule in enumerate(rules):
        note(index)
        try:
            values.append(read(rule))
        except RefusalError as refusal:
            refusal.place = refusal.place or f"rule {index + 1}"
            raise
        except RecursionError:
            raise RefusalError("limit", "it is nested too deeply", place=f"rule {index + 1}") from None
    note(-1)
    return values


def text(source: bytes) -> str:
    """UTF-8 with or without a byte order mark, UTF-16 or UTF-32 with one; bytes that fit none are replaced."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        return source.decode("utf-16", "replace")
    return source.decode("utf-8-sig", "replace")


def _json(source: bytes, _seconds: float) -> Callable[[Rule], Any]:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        document = exact.loads(text(source))
    except RecursionError:
        raise RefusalError("unreadable", "the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        message = f"it is no JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise RefusalError("unreadable", message) from None
    except ValueError as error:
        raise RefusalError("unreadable", f"it is no JSON: {error}") from None

    def read(rule: Rule) -> Any:
        try:
            return jmespath.search(rule["path"], document)
        except (JMESPathError, TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
            raise RefusalError("failed", f"the path {rule['path']}: {error}") from None

    return read


def _xml(source: bytes, _seconds: float) -> Callable[[Rule], Any]:
    from lxml import etree

    # No entities, no DTD, no network: neither a file nor an address nor a billion laughs comes in this way.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(source, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RefusalError("unreadable", f"it is no XML: {error}") from None
    dtd: Any = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise RefusalError("unreadable", "the XML declares entities, which are not read for safety")

    def read(rule: Rule) -> Any:
        try:
            found = etree.XPath(rule["path"], namespaces=rule.get("namespaces") or None, regexp=False)(root)
        except (etree.XPathError, etree.XMLSyntaxError, ValueError, TypeError) as error:
            raise RefusalError("failed", f"the path {rule['path']}: {error}") from None
        return _xpath_value(found)

    return read


def _xpath_value(found: Any) -> Any:
    if isinstance(found, list):
        texts = [_node_text(node) for node in found]
        return None if not texts else texts[0] if len(texts) == 1 else texts
    if isinstance(found, bool):
        return found
    if isinstance(found, float):
        return None if found != found else int(found) if found.is_integer() else found  # noqa: PLR0124 - not a number
    return str(found)


def _node_text(node: Any) -> str:
    if isinstance(node, str):
        return str(node)
    if isinstance(node, tuple):  # a namespace node: (prefix, address)
        return str(node[1])
    return "".join(node.itertext()) if isinstance(node.tag, str) else str(node.text or "")


def _headers(source: bytes, _seconds: float) -> Callable[[Rule], Any]:
    try:
        document = exact.loads(text(source))
    except (ValueError, RecursionError) as error:
        raise RefusalError("unreadable", f"it is no headers document: {error}") from None
    if not isinstance(document, dict):
        raise RefusalError("unreadable", 'it is no headers document: {"status_code", "headers", "raw"} was expected')
    pairs = [pair for pair in document.get("raw") or () if isinstance(pair, list) and len(pair) == 2]
    named = document.get("headers") if isinstance(document.get("headers"), dict) else {}

    def read(rule: Rule) -> Any:
        asked = str(rule["path"]).strip().lower()
        if asked == "status_code":
            return document.get("status_code")
        values = [str(value) for name, value in pairs if str(name).lower().replace("-", "_") == asked.replace("-", "_")]
        return ", ".join(values) if values else (named or {}).get(asked.replace("-", "_"))

    return read


def _regex(source: bytes, seconds: float) -> Callable[[Rule], Any]:
    import regex

    whole = text(source)

    def read(rule: Rule) -> Any:
        try:
            found = regex.compile(rule["path"], cache_pattern=False).search(whole, timeout=seconds)
        except regex.error as error:
            raise RefusalError("failed", f"the path {rule['path']}: {error}") from None
        except TimeoutError:
            raise RefusalError("time", "") from None
        if found is None:
            return None
        named = found.groupdict()
        return named["value"] if "value" in named else found.group(1 if found.re.groups else 0)

    return read


_READERS: dict[str, Callable[[bytes, float], Callable[[Rule], Any]]] = {
    "json": _json,
    "xml": _xml,
    "headers": _headers,
    "regex": _regex,
}
