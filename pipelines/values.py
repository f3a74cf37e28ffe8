"""A captured value as it is displayed, turned into its normalized form by the field's type:
a number as plain digits with a point, a date as ISO 8601, an option as its value, text as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

_SPACES = re.compile(r"[\s'’`´\u00a0\u2007\u2009\u202f]+")
_CURRENCY = re.compile(r"^(?:[A-Z]{3}|[$€£¥₹₽₺₩฿₫₴₪zł]+|Kč|kr\.?)?(.*?)(?:[A-Z]{3}|[$€£¥₹₽₺₩฿₫₴₪]+|Kč|kr\.?|zł)?$")
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ][0-9]{2}:[0-9]{2}.*)?$")
_YEAR_FIRST = re.compile(r"([0-9]{4})[/.]([0-9]{1,2})[/.]([0-9]{1,2})$")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})$")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\. ?([0-9]{4})$")
_SLASHES = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})$")
_NAMED_DAY_FIRST = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[ .-]+([A-Za-z]{3,9})\.?,?[ -]+([0-9]{4})$")
_NAMED_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_TOKENS = {
    "YYYY": r"(?P<y>[0-9]{4})",
    "YY": r"(?P<yy>[0-9]{2})",
    **dict.fromkeys(("MMMM", "MMM"), _NAME),
    **dict.fromkeys(("MM", "M"), r"(?P<m>[0-9]{1,2})"),
    **dict.fromkeys(("DD", "D"), r"(?P<d>[0-9]{1,2})"),
}


def normalize(node: Mapping[str, Any], text: str) -> str | None:
    """The normalized form of `text` for this datapoint of the schema; None where it has none: empty, or unreadable."""
    text = text.strip() if node.get("type") in {"number", "date", "enum"} else text
    if not text:
        return None
    reader: Callable[[Mapping[str, Any], str], str | None] = _READERS.get(str(node.get("type")), _text)
    return reader(node, text)


def number(text: str, pattern: str = "") -> str | None:
    """Plain digits out of "1 250,40", "1,250.40", "1'250.40", "(12.50)", "-12", "12-" or "EUR 12,-"; None where it is
    no number.

    `pattern` is the schema's format such as "# ##0,#", whose last sign before # is the decimal one. Without it the
    last of two different signs is the decimal one, a sign that repeats groups thousands, and a single comma groups
    where exactly three digits follow it ("1,250"); a single point never does ("1.250")."""
    text = re.sub(r"[,.]-+$", "", text.strip().replace("−", "-"))  # "12,-" is twelve
    negative = text.endswith("-") or (text.startswith("(") and text.endswith(")"))
    text = text.strip("()").rstrip("-").strip()
    sign, text = (text[0], text[1:].strip()) if text[:1] in {"+", "-"} else ("", text)
    found = _CURRENCY.match(text)
    digits = _SPACES.sub("", found.group(1) if found else text)
    if not sign and digits[:1] in {"+", "-"}:
        sign, digits = digits[0], digits[1:]
    mark = _decimal_mark(digits, pattern)
    if mark and digits.count(mark) > 1:
        return None
    whole, _, rest = digits.partition(mark) if mark else (digits, "", "")
    grouping = {".": ",", ",": "."}.get(mark) or ("." if "." in whole else ",")
    if not _grouped(whole, grouping) or not re.fullmatch(r"[0-9]*", rest):
        return None
    whole = whole.replace(grouping, "")
    if not re.fullmatch(r"[0-9]*", whole) or not (whole or rest):
        return None
    value = (whole.lstrip("0") or "0") + (f".{rest}" if rest else "")
    return f"-{value}" if (negative or sign == "-") and value.strip("0.") else value


def iso_date(text: str, pattern: str = "") -> str | None:
    """The day as YYYY-MM-DD; None where it is no date, or where day and month could be either way round.

    `pattern` is the schema's format, such as "D/M/YYYY"; it is tried first."""
    text = text.strip()
    if pattern and (found := _pattern(pattern).match(text)):
        parts = found.groupdict()
        year = parts.get("y") or (f"20{parts['yy']}" if parts.get("yy") else None)
        month = str(_month(parts["name"])) if parts.get("name") else parts.get("m")
        return _day(year, month, parts.get("d"))
    if found := _ISO.match(text) or _YEAR_FIRST.match(text) or _COMPACT.match(text):
        return _day(*found.groups())
    if found := _DAY_FIRST.match(text):
        return _day(found[3], found[2], found[1])
    if found := _NAMED_DAY_FIRST.match(text):
        return _day(found[3], _month(found[2]), found[1])
    if found := _NAMED_MONTH_FIRST.match(text):
        return _day(found[3], _month(found[1]), found[2])
    if found := _SLASHES.match(text):
        readings = {_day(found[4], found[3], found[1]), _day(found[4], found[1], found[3])} - {None}
        return readings.pop() if len(readings) == 1 else None
    return None


def _text(_: Mapping[str, Any], text: str) -> str:
    return text


def _number(node: Mapping[str, Any], text: str) -> str | None:
    return number(text, str(node.get("format") or ""))


def _date(node: Mapping[str, Any], text: str) -> str | None:
    return iso_date(text, str(node.get("format") or ""))


def _option(node: Mapping[str, Any], text: str) -> str | None:
    """The option's value, given by its value or its label, in any case where that is unambiguous."""
    options = [option for option in node.get("options") or () if isinstance(option, Mapping)]
    if not options:
        return text
    for same in (_exactly, _in_any_case):
        for key in ("value", "label"):
            found = {str(option.get("value")) for option in options if same(str(option.get(key)), text)}
            if len(found) == 1:
                return found.pop()
    return None


def _exactly(one: str, other: str) -> bool:
    return one == other


def _in_any_case(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


_READERS: dict[str, Callable[[Mapping[str, Any], str], str | None]] = {
    "number": _number, "date": _date, "enum": _option
}  # fmt: skip


def _decimal_mark(digits: str, pattern: str) -> str:
    """The sign before the fraction, or "" where there is none."""
    if found := re.search(r"([.,])#+$", pattern):
        return found[1]
    if "." in digits and "," in digits:
        return max(".", ",", key=digits.rfind)
    sign = "." if "." in digits else ","
    if digits.count(sign) != 1:
        return ""
    if sign == "," and re.fullmatch(r"[1-9][0-9]{0,2},[0-9]{3}", digits):
        return ""
    return sign


def _grouped(whole: str, sign: str) -> bool:
    """Either no grouping sign, or groups of three (or two and three, as in India)."""
    mark = re.escape(sign)
    groups = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{2,3}})*{mark}[0-9]{{3}}"
    return sign not in whole or re.fullmatch(groups, whole) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    seen: set[str] = set()

    def group(found: re.Match[str]) -> str:
        token = found[0]
        if token not in _TOKENS:
            return re.escape(token)
        expression = _TOKENS[token]
        name = re.search(r"\?P<(\w+)>", expression)
        if name is None or name[1] in seen:
            return re.escape(token)
        seen.add(name[1])
        return expression

    return re.compile(re.sub(r"Y+|M+|D+|[^YMD]+", group, pattern) + r"$")


def _month(name: str) -> int | None:
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else None


def _day(year: str | None, month: str | int | None, day: str | None) -> str | None:
    if year is None or month is None or day is None:
        return None
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None
