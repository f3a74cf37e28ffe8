"""A query as Rossum's API reads it: an empty parameter is an absent one, and repeating it is a comma list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from exports.wire.rossum import times
from exports.wire.rossum.urls import id_of

MOST_VALUES = 1000
"""Of one parameter."""


class WrongValue(ValueError):
    """A parameter or a member of the body cannot be that. Answered with 400 and {"name": ["message"]}."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name[:100]
        self.message = message


class Given:
    """The parameters of one request. Names that nobody asks for are ignored, as Rossum does."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        """Raises WrongValue where a text holds what no database keeps."""
        self._lists = {name: [value for value in values if value.strip()] for name, values in lists.items()}
        for name, values in lists.items():
            if any("\0" in text or any("\ud800" <= char <= "\udfff" for char in text) for text in (name, *values)):
                raise WrongValue(name.replace("\0", ""), "Text with a NUL character or half a character is not valid.")

    def __contains__(self, name: str) -> bool:
        return bool(self._lists.get(name))

    def names(self) -> list[str]:
        """Of the parameters that have a value."""
        return [name for name, values in self._lists.items() if values]

    def text(self, name: str, otherwise: str = "") -> str:
        """One value, the last one given."""
        values = self._lists.get(name)
        return values[-1].strip() if values else otherwise

    def words(self, name: str) -> list[str]:
        """All values, repeated and separated by commas alike, none twice."""
        found = [word.strip() for value in self._lists.get(name, ()) for word in value.split(",")]
        kept = list(dict.fromkeys(word for word in found if word))
        if len(kept) > MOST_VALUES:
            raise WrongValue(name, f"At most {MOST_VALUES} values are looked for at once.")
        return kept

    def numbers(self, name: str) -> list[int] | None:
        """Ids: plain, or as the URLs of the objects. None where the parameter is absent."""
        words = self.words(name)
        if not words:
            return None
        found = [(word, id_of(word)) for word in words]
        for word, number in found:
            if number is None:
                raise WrongValue(name, f'"{word[:60]}" is not a valid id.')
        return [number for _, number in found if number is not None]

    def moment(self, name: str) -> datetime | None:
        if not (text := self.text(name)):
            return None
        try:
            return times.read(text)
        except (ValueError, OverflowError):
            raise WrongValue(name, f'"{text[:60]}" is not a valid date or time.') from None

    def flag(self, name: str) -> bool | None:
        match self.text(name).lower():
            case "":
                return None
            case "true" | "1":
                return True
            case "false" | "0":
                return False
            case other:
                raise WrongValue(name, f'"{other[:60]}" is not a valid boolean.')

    def one_of(self, name: str, allowed: Iterable[str], otherwise: str = "") -> str:
        """One value out of some. Raises WrongValue naming them."""
        text, known = self.text(name, otherwise), list(allowed)
        if text and text not in known:
            raise WrongValue(name, f'"{text[:60]}" is not a valid choice; there are {", ".join(known)}.')
        return text
