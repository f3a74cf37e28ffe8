"""How a bulk job is to be done: canaries first, when to stop, how fast, in which order. No database here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.refusals import Refused

ORDERS = ("oldest", "newest")


@dataclass(frozen=True, slots=True)
class Options:
    """Every one has a default that is safe to leave alone."""

    canary: int = 0
    """So many are sent first; what becomes of them decides about the rest. 0: none."""
    stop_above: int = 100
    """Percent of the known results that may fail before the job stops and asks a person; 100 never stops it."""
    per_minute: int = 0
    """At most so many a minute; 0: as fast as it goes."""
    order: str = "oldest"
    in_turn: bool = False
    """The next is sent only when the one before it has ended, so that the other side sees them in order."""
    resume: bool = False
    """Each goes on from the stage that failed; what its earlier stages did is taken over."""
    newest: bool | None = None
    """Through the published revision; False: through the one that failed; None: the published one where it was the
    pipeline's fault."""
    frozen: bool = False
    """Each sends exactly what it sent; one of which not all is kept is refused."""
    assignee: int = 0
    """The user that `assign` gives the documents to; 0 takes them from whoever has them."""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Options:
        """From a form or a JSON body. Raises Refused, naming the option and what it may be."""
        known = set(cls.__dataclass_fields__)
        if strange := sorted(set(given) - known):
            raise Refused(f'There is no option "{strange[0]}". There are: {", ".join(sorted(known))}.')
        order = given.get("order") or "oldest"
        if order not in ORDERS:
            raise Refused(f'order is "oldest" or "newest", not "{str(order)[:40]}".')
        return cls(
            canary=_number(given, "canary", 0, 10_000),
            stop_above=_number(given, "stop_above", 0, 100, default=100),
            per_minute=_number(given, "per_minute", 0, 60_000),
            order=str(order),
            in_turn=bool(_truth(given, "in_turn")),
            resume=bool(_truth(given, "resume")),
            newest=_truth(given, "newest"),
            frozen=bool(_truth(given, "frozen")),
            assignee=_number(given, "assignee", 0, 2**63 - 1),
        )

    def json(self) -> dict[str, Any]:
        """What differs from the defaults."""
        plain = asdict(Options())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}


def _number(given: Mapping[str, Any], name: str, least: int, most: int, *, default: int = 0) -> int:
    value = given.get(name)
    if value is None or value == "":
        return default
    wrong = f"{name} is a whole number from {least:,} to {most:,}, not {str(value)[:40]!r}."
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Refused(wrong)
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20) or not least <= int(text) <= most:
        raise Refused(wrong)
    return int(text)


def _truth(given: Mapping[str, Any], name: str) -> bool | None:
    value = given.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    if value in {"on", "true", "1"}:
        return True
    if value in {"false", "0"}:
        return False
    raise Refused(f"{name} is true or false, not {str(value)[:40]!r}.")
