"""The catalogue of events is a promise: docs/events.md lists it word for word, and each type can really happen."""

from __future__ import annotations

import re
from pathlib import Path

from exports.events import titles
from exports.events.catalogue import VERBS
from pipelines import eventing
from tests.house import tree
from tests.house.test_verbs import listed

ANNOUNCED = {"exports", "digest", "sources", "worker"}
"""Nouns that alert rules raise; no move of a row does."""


def test_the_page_lists_every_type_with_its_meaning_and_no_other():
    table = tree.read(Path("docs/events.md")).partition("## The catalogue")[2].partition("\n## ")[0]

    assert dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", table, re.MULTILINE)) == eventing.TYPES


def test_every_verb_that_is_told_is_one_that_the_trail_has():
    assert sorted(set(VERBS) - listed()) == []


def test_every_type_is_told_by_some_verb_or_announced():
    by_verbs = {*VERBS.values(), "attempt.unconfirmed", eventing.TEST}
    silent = [type_ for type_ in eventing.TYPES if type_ not in by_verbs and type_.partition(".")[0] not in ANNOUNCED]

    assert (silent, sorted(by_verbs - set(eventing.TYPES))) == ([], [])


def test_every_type_that_is_not_announced_has_a_line_for_people():
    wordless = [
        type_ for type_ in {*VERBS.values(), "attempt.unconfirmed", eventing.TEST} if type_ not in titles._WORDS
    ]

    assert wordless == []
