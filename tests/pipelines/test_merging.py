"""Two people's texts, put together: what both did is there, and where they disagree both stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.merging import merge

BASE = "one\ntwo\nthree\nfour\nfive"

texts = st.lists(st.sampled_from("abcdef"), max_size=8).map("\n".join)


def test_changes_of_different_lines_fit_together():
    merged = merge(BASE, BASE.replace("one", "ONE"), BASE.replace("five", "FIVE"))

    assert (merged.text, merged.conflicts) == ("ONE\ntwo\nthree\nfour\nFIVE", 0)


def test_a_line_taken_away_and_a_line_added_elsewhere():
    merged = merge(BASE, BASE.replace("two\n", ""), BASE + "\nsix")

    assert (merged.text, merged.conflicts) == ("one\nthree\nfour\nfive\nsix", 0)


def test_the_same_change_by_both_is_made_once():
    same = BASE.replace("three", "THREE")

    assert merge(BASE, same, same).text == same


def test_where_both_changed_the_same_line_both_stand():
    merged = merge(BASE, BASE.replace("three", "mine"), BASE.replace("three", "theirs"))

    assert merged.conflicts == 1
    assert merged.text == "one\ntwo\n<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> theirs\nfour\nfive"


@given(texts, texts)
def test_who_changed_nothing_takes_what_the_other_did(base, changed):
    assert merge(base, changed, base).text == changed
    assert merge(base, base, changed).text == changed
    assert merge(base, changed, changed).text == changed


@given(texts, texts, texts)
def test_no_line_that_somebody_added_is_lost(base, mine, theirs):
    merged = merge(base, mine, theirs).text.split("\n")

    for text in (mine, theirs):
        added = set(text.split("\n")) - set(base.split("\n"))
        assert added <= set(merged)
