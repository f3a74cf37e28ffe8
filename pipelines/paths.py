"""Whether a path can be read at all, asked when a config is saved: JMESPath, XPath, header name, regular expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping

MAX_LENGTH = 2000


def problem(form: str, path: str, namespaces: Mapping[str, str] | None = None) -> str:
    """What is wrong with the path for its format; empty text where nothing is."""
    if len(path) > MAX_LENGTH:
        return f"It has {len(path):,} characters; {MAX_LENGTH:,} is the most."
    try:
        return _CHECKS[form](path, namespaces or {})
    except RecursionError:
        return "It is nested too deeply."


def _jmespath(path: str, _namespaces: Mapping[str, str]) -> str:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(path)
    except (JMESPathError, ValueError) as error:
        told = " ".join(str(error).replace("^", " ").split())
        return f"This is no JMESPath: {told.removeprefix('Invalid jmespath expression: ').rstrip(' .:')}."
    return ""


def _xpath(path: str, namespaces: Mapping[str, str]) -> str:
    from lxml import etree

    try:
        # Run once on an empty element: an unknown prefix or function shows itself only then.
        etree.XPath(path, namespaces=dict(namespaces) or None, regexp=False)(etree.Element("empty"))
    except (etree.XPathError, ValueError, TypeError) as error:
        hint = " Name each prefix in namespaces." if "prefix" in str(error) else ""
        return f"This is no XPath: {error}.{hint}"
    return ""


def _header(_path: str, _namespaces: Mapping[str, str]) -> str:
    return ""


def _regex(path: str, _namespaces: Mapping[str, str]) -> str:
    import regex

    try:
        regex.compile(path, cache_pattern=False)
    except (regex.error, ValueError, OverflowError) as error:
        return f"This is no regular expression: {error}."
    return ""


_CHECKS: dict[str, Callable[[str, Mapping[str, str]], str]] = {
    "json": _jmespath,
    "xml": _xpath,
    "headers": _header,
    "regex": _regex,
}
