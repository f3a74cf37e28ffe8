"""What makes two failures the same: their message with everything masked that belongs to one document or one moment,
and a digest of what they share. Pure; linear in the message's length, whatever another system put into it.

A mask is written ‹value›, ‹text›, ‹date›, ‹address› or ‹file›. Its kind helps the reader and does not count in the
signature: the same place holds an amount once and a date-like number the next time."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from http import HTTPStatus

LONGEST = 4000
"""Characters of a message that are looked at; no attempt keeps more."""
MOST = 500
"""Characters of a pattern."""

MASK = re.compile(r"‹(value|text|date|address|file)›")

_WORDS = r"(?>[A-Za-z_]{1,60}(?:[./:-][A-Za-z_]{1,60}|(?<=_)\d{1,2}(?!\w)|\[[\d*]{0,6}\]){0,20})"
"""A name as programs have them: `amount_total`, `header.currency`, `cbc:ID`, `items[3].amount`."""

_NAMED = (
    "field|column|property|parameter|param|attribute|element|secret|artifact|node|tag|member|option|argument|variable"
    "|key|keys|type|stage|schema|function|filter|header|setting|table|bucket|path|pointer|queue|pipeline|place|segment"
    "|feld|spalte|champ|campo"
)
"""What stands before a quoted name that is part of the cause."""
_JUDGED = (
    r"is required|is a required|is missing|is undefined|is not defined|is not allowed|is not known|is unknown here"
    r"|was unexpected|must (?:be|not|have|contain|match)|may not|should|cannot be (?:blank|empty|null)"
    r"|can(?:'|’)t be|field|property|parameter|attribute|element|column|header|length"
)
"""What stands after one."""

_MONTHS = r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]{0,7}\.?"  # English and German
_DAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? )?"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|CES?T|[+-]\d\d:?\d\d)(?!\w))?"
_CLOCK = rf"\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d{{1,9}})?)?(?:\s?[AaPp]\.?[Mm]\.?(?!\w))?{_ZONE}"
_CURRENCY = (
    r"(?:€|\$|£|¥|EUR|USD|GBP|CHF|JPY|CNY|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|CAD|AUD|NZD|INR|BRL|MXN|ZAR|SGD|HKD)"
)
_PHRASES = "|".join(sorted((re.escape(status.phrase) for status in HTTPStatus), key=len, reverse=True))
_TOP = (
    "com|org|net|io|eu|de|at|ch|li|fr|es|it|nl|be|pl|cz|sk|hu|dk|se|fi|ie|pt|uk|us|ca|au|jp|cn|br|cloud|app|dev|info|biz"
    "|example|test|invalid|local|localhost|internal|intern|lan|corp|intra|home|arpa"
)
_ENDINGS = (
    "pdf|xml|csv|json|jsonl|txt|xlsx?|zip|tiff?|png|jpe?g|edi|dat|p7m|html?|docx?|gz|tar|tmp|part|asc|gpg|pgp|eml|msg"
    "|yaml|yml|parquet|idoc|ubl|tsv|bin|log"
)

_KEEP = (
    # standards, protocols and algorithms that have digits in their names
    (
        r"(?:HTTPS?/[\d.]+|(?:TLS|SSL)[ v]{0,2}\d(?:\.\d)?|SHA-?\d{1,3}(?![:\w])|MD5|UTF-?(?:8|16|32)"
        r"|ISO[ -]?\d{4,5}(?:-\d+)?|RFC ?\d{3,4}|EN ?16931|Base64|OAuth ?\d(?:\.\d)?|S3|EC2|X\.?509|IPv[46]"
        r"|SOAP ?\d\.\d|XML ?\d\.\d|UBL ?\d\.\d|AES-?\d{3}|RSA-?\d{4}|int(?:32|64)"
        r"|ssh-ed25519|ecdsa-sha2-nistp\d{3}|rsa-sha2-\d{3})(?![\w.]*\w)"
    ),
    # codes that name the error
    r"(?:ORA|TNS|PLS|SQL|AADSTS|CPF|ERR|ERROR|EXC|FRM|JBO|MSG|HRESULT|WFL|CUP|EDI)[-_]?\d{2,7}(?!\w)",
    r"(?:BR|UBL|CII|PEPPOL|XR)-[A-Z0-9-]{0,30}\d+(?!\w)",
    (
        r"(?:(?:(?:error|status|return|reason|response|exit|result|fault|sql|http|reply|abort)[ _-]?"
        r"|(?<!\w\s)(?<!\w))code|error|errno|sqlstate|status|http|hresult|fault|exception|abap message|sap message"
        r"|message no\.?|message number|message class)[\s:=#(\[]{1,3}(?:0x[0-9a-f]{1,8}|[A-Za-z]{0,6}[-_ ]?\d{1,6})"
        r"(?![\w.,]*\w)"
    ),
    r"SQLSTATE[\s:=\[]{1,3}[0-9A-Z]{5}(?!\w)",
    r"[A-Z]\d[ /(]\d{3}(?!\w)",  # SAP: class and number, F5 263
    r"(?<=[(\[])[A-Z]{2}[ /]?\d{3}(?=[)\]])",  # likewise, in brackets: (RW 609)
    rf"[1-5]\d\d\s(?:{_PHRASES})",
    r"(?:answered|returned|replied|said|got) [1-5]\d\d(?![\w.])",
    r"[a-z]{2,}(?:_[a-z]{2,})+_\d{1,2}(?!\w)",  # address_line_2 is a field's name
)
_PATHS = (
    r"(?:\$\.)?(?>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)\[\d{1,6}\](?:\.?[A-Za-z_][\w-]*|\[\d{1,6}\])*+",
    r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\.\d{1,6}(?:\.[A-Za-z_]\w*)+)+",
    (
        r"(?<![\w/.:])(?:/[A-Za-z_*][\w:*-]*(?:\[\d{1,6}\])?|/\d{1,6}(?=/[A-Za-z_]))+"
        r"(?:/@?[A-Za-z_][\w:*-]*)(?:\[\d{1,6}\])?"
    ),
)
"""items[3].amount; items.3.amount; /items/3/amount or /Invoice/cac:Line[2]/cbc:ID."""
_DATES = (
    rf"\d{{4}}-\d\d-\d\d(?!\d)(?:[T ]{_CLOCK})?",
    r"\d{8}T\d{4,6}Z?(?!\w)",
    rf"\d{{1,2}}[./-]\d{{1,2}}[./-](?:\d{{4}}|\d\d)(?![\d.])(?:,?\s{_CLOCK})?",
    rf"\d{{4}}[./]\d\d[./]\d\d(?!\d)(?:\s{_CLOCK})?",
    rf"{_DAY}\d{{1,2}}\.? {_MONTHS},? \d{{4}}(?:,? {_CLOCK})?",
    rf"{_DAY}{_MONTHS} {{1,2}}\d{{1,2}},? (?:{_CLOCK} )?\d{{4}}(?:,? {_CLOCK})?",
    rf"{_CLOCK}(?![\w:])",
)
_ADDRESSES = (
    r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*",
    r"(?=:{0,2}[0-9A-Fa-f])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])",
    r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:/\d{1,2}|:\d{1,5})?(?![\w.]*\d)",
    rf"(?:[A-Za-z0-9-]{{1,63}}\.){{1,10}}(?:{_TOP})\.?(?::\d{{1,5}})?(?![\w-]|\.\w)",
    r"(?:localhost|[A-Za-z][\w-]*(?:\.[\w-]+)+):\d{2,5}(?!\w)",
)
_FILES = (
    r"[A-Za-z]:\\[^\s\"'<>|]+|\\\\[\w.$-]+\\[^\s\"'<>|]*",
    r"(?<![\w:/])/(?:srv|var|home|mnt|tmp|opt|usr|etc|media|root|Users|Volumes)(?:/[^\s\"'<>:;,)]*)?",
    rf"(?:[\w.~+#-]*/)*+\w[\w.~+#-]*(?:\(\d{{1,3}}\))?\.(?:{_ENDINGS})(?!\w)",
)
_AMOUNT = (
    r"[+-]?\d{1,3}(?:(?:[.,'’]|[  \u202f])\d{3}(?!\d))+(?:[.,]\d{1,6})?(?!\w)|[+-]?\d+(?:[.,]\d+)?(?![\w]|[./:#-]\w)"
)
_VALUES = (
    r"SHA256:[A-Za-z0-9+/=]{10,}",
    rf"{_CURRENCY}\s?(?:{_AMOUNT})|(?:{_AMOUNT})(?:\s?{_CURRENCY}(?!\w))?(?:\s?[%‰])?",
    r"(?<=currency )[A-Z]{3}(?!\w)",
    r"[#+]?(?=[A-Za-z_.:/#~+-]{0,80}\d)[A-Za-z\d_](?:[\w~+]|[./:#-](?=\w)){0,400}=*+",  # anything with a digit in it
    r"[a-f]{8,}(?!\w)",
    r"[A-Za-z+/=]{40,}",
)
_KNOWN_KEY = (
    "path|field|property|pointer|code|type|title|message|msg|error|errors|reason|detail|details|description|loc"
)

_ONE = re.compile(
    "|".join((
        r"(?P<masked>‹[^‹›\n]{0,200}›)",
        rf'(?P<saidof>"(?:{_KNOWN_KEY}|error_description)"\s*:\s*)"(?P<said>(?:[^"\\]|\\.){{0,400}})"?',
        r'(?P<key>"[A-Za-z_@$][\w.:@$-]{0,80}"(?=\s*:))',
        rf"(?P<named>(?<!\w)(?i:{_NAMED})s?\s*[:=]?\s*)(?P<quote>[\"'`“„‘«])(?P<name>{_WORDS})[\"'`”“’»](?!\w)",
        rf"(?P<judged>(?<!value )(?<!value: )(?<!\w)[\"'`“„‘«](?P<subject>{_WORDS})[\"'`”“’»](?=\s(?:{_JUDGED})\b))",
        (r"(?P<text>"
        r"\"(?:[^\"\\\n]|\\.){0,400}(?:\"|$)"
        r"|(?<!\w)'(?:[^'\n]|'(?=\w)){0,400}'(?!\w)"
        r"|„[^“”\n]{0,400}[“”]|“[^”\n]{0,400}”|‘[^’\n]{0,400}’(?!\w)|«[^»\n]{0,400}»|»[^«\n]{0,400}«|`[^`\n]{1,400}`"
        r")"),
        r"(?P<url>[a-z][a-z0-9+.-]{1,11}://[^\s\"'<>“”»]{1,2000})",
        (rf"(?P<keep>(?<![\w.])(?i:{_KEEP[0]})|(?<!\w)(?:{'|'.join(_KEEP[1:3])})|(?<!\w)(?i:{_KEEP[3]})"
        rf"|(?<!\w)(?:{'|'.join(_KEEP[4:])}))"),
        rf"(?P<date>(?<![\w.,:])(?i:{'|'.join(_DATES)}))",
        rf"(?P<address>(?<![\w.-])(?:{'|'.join(_ADDRESSES)}))",
        rf"(?P<file>(?<![\w.~+#-])(?:{'|'.join(_FILES)}))",
        rf"(?P<path>(?<![\w.])(?:{'|'.join(_PATHS)}))",
        rf"(?P<value>(?<!\w)(?:{'|'.join(_VALUES)}))",
        r"(?P<word>[^\W\d_]+)",  # a plain word is passed over whole, and looked into no more
    ))
)  # fmt: skip
_INDEX = re.compile(r"\[\d+\]")
_STEP = re.compile(r"(?<=[./])\d+(?=[./])")
_LISTED = re.compile(r"(‹\w+›)(?:(?: ?[,;/+&–-] ?| (?:and|or|und|oder|et) | )‹\w+›)+")
_SPACE = re.compile(r"\s+")


@lru_cache(maxsize=2048)
def mask(text: str) -> str:
    """The pattern of a message: values masked, repeated parts once, white space collapsed, at most MOST characters.

    What names the cause stays: status and error codes, names of fields and secrets, paths with `[*]` for an index."""
    masked = _ONE.sub(_masked, _SPACE.sub(" ", text[:LONGEST]).strip())
    masked = _LISTED.sub(r"\1", masked)
    parts = list(dict.fromkeys(part for part in masked.split("; ") if part))
    return _SPACE.sub(" ", "; ".join(parts)).strip()[:MOST]


def signature(destination_id: int | None, stage: str, reason: str, code: int | None, pattern: str) -> str:
    """Hex sha256 of what the failures of one cause share. `pattern` is what `mask` made of the message."""
    shared = (destination_id or "", stage, reason, code or "", MASK.sub("‹›", pattern))
    return hashlib.sha256("\x1f".join(str(part) for part in shared).encode("utf-8", "replace")).hexdigest()


def pieces(pattern: str) -> list[tuple[str, bool]]:
    """A pattern in pieces, each with whether it is a mask: for pages that mark them."""
    split = MASK.split(pattern)
    return [(piece, bool(index % 2)) for index, piece in enumerate(split) if piece]


def _masked(found: re.Match[str]) -> str:
    kind, whole = found.lastgroup, found[0]
    if found["said"] is not None:
        return f'{found["saidof"]}"{_ONE.sub(_masked, found["said"])}"'
    if found["name"] is not None:
        return f"{found['named']}{found['quote']}{_INDEX.sub('[*]', found['name'])}{_CLOSING[found['quote']]}"
    if found["subject"] is not None:
        return _INDEX.sub("[*]", whole)
    if kind in {"masked", "text"}:
        return "‹text›"
    if kind in {"date", "address", "file", "value"}:
        return f"‹{kind}›"
    if kind == "url":
        return _url(whole)
    return _STEP.sub("*", _INDEX.sub("[*]", whole)) if kind == "path" else whole


_CLOSING = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "‘": "’", "«": "»"}


def _url(whole: str) -> str:
    """An address without its host, its query and the parts of its path that vary. Of one that is no web address the
    whole path is masked: folders are named for documents too."""
    rest = whole.rstrip(".,;:!?)]}")
    after = whole[len(rest) :]
    scheme, _, place = rest.partition("://")
    _host, slash, path = place.partition("/")
    path = path.partition("?")[0].partition("#")[0]
    if scheme not in {"http", "https"}:
        return f"{scheme}://‹address›{after}"
    steps = ["‹value›" if any(c.isdigit() or c in "%@,." for c in step) and not _VERSION.fullmatch(step) else step
             for step in path.split("/")]  # fmt: skip
    return f"{scheme}://‹address›{slash}{'/'.join(steps)}{after}"


_VERSION = re.compile(r"v\d{1,2}(?:\.\d)?")
