"""Which advice fits a failure group: the staff's first rule, else Waybill's own."""

from __future__ import annotations

import time

import pytest
from django.core.exceptions import PermissionDenied

from accounts.policy import Principal
from audit.models import Event
from exports import hints
from exports.models import FailureGroup, Hint
from pipelines.refusals import Refused
from tests import builders

pytestmark = pytest.mark.usefixtures("organization")


def group(
    sample: str = "Unknown supplier 4711", reason: str = "rejected", code: int | None = None, **values
) -> FailureGroup:
    made = FailureGroup.own(
        signature=f"{FailureGroup.objects.count():064}",
        reason=reason,
        code=code,
        sample=sample,
        pattern=sample,
        **values,
    )
    made.save()
    return made


def rule(advice: str, **values) -> Hint:
    return hints.save(Hint.own(advice=advice, **values), by=builders.owner())


@pytest.mark.parametrize(
    ("pattern", "text", "fitting"),
    [
        ("supplier", "Unknown SUPPLIER 4711", True),
        ("unknown*4711", "Unknown supplier 4711", True),
        ("4711*unknown", "Unknown supplier 4711", False),
        ("*", "anything", True),
        ("a.c", "abc", False),
        ("a * c", "a b c", True),
    ],
)
def test_a_pattern_is_words_in_their_order(pattern, text, fitting):
    assert hints.fits(pattern, text) is fitting


def test_no_pattern_takes_long():
    began = time.process_time()

    hints.fits("a*" * 100, "a" * 4000 + "b")
    hints.fits("*a" * 99 + "c", "a" * 4000)

    assert time.process_time() - began < 0.5


def test_the_first_rule_that_fits_is_shown_and_one_that_is_off_is_not():
    to = builders.destination("ERP")
    rule("off", pattern="supplier", active=False)
    rule("elsewhere", destination=to)
    rule("another code", pattern="supplier", code=409)
    first = rule("Call purchasing.", pattern="unknown*supplier", link="https://wiki.example/suppliers")
    rule("later", reason="rejected")

    advice = hints.hint_for(group(code=422))

    assert advice == hints.Advice("Call purchasing.", "https://wiki.example/suppliers", first.pk)
    assert hints.hint_for(group("Period 3 is closed")).text == "later"
    assert hints.hint_for(group("x", reason="internal", destination=to)).text == "elsewhere"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"reason": "unconfirmed", "code": 500}, "Nobody knows whether it arrived"),
        ({"code": 401}, "sign-in"), ({"code": 403}, "not allowed"), ({"code": 404}, "does not exist"),
        ({"code": 409}, "already"), ({"code": 413}, "too large"), ({"code": 422}, "Correct the field"),
        ({"code": 429, "reason": "exhausted"}, "too fast"), ({"code": 502, "reason": "exhausted"}, "Their system"),
        ({"reason": "exhausted", "sample": "The name erp.example does not resolve: unknown."}, "host name"),
        ({"reason": "misconfigured", "sample": "The certificate of erp.example is not trusted"}, "certificate"),
        ({"reason": "misconfigured", "sample": "The host key of x is not pinned, so"}, "fingerprint"),
        ({"reason": "misconfigured", "sample": "x showed another host key than"}, "new key"),
        ({"reason": "misconfigured", "sample": 'There is no secret "a".'}, "Secrets"),
        ({"reason": "timeout"}, "in time"), ({"reason": "internal"}, "administrator"),
        ({"reason": "exhausted", "sample": "took nothing"}, "safe once they are back"),
    ],
)  # fmt: skip
def test_without_a_rule_waybill_knows_something_itself(values, said):
    assert said in hints.hint_for(group(**values)).text


def test_a_rule_that_says_nothing_or_fits_everything_is_refused():
    for values, said in (
        ({"advice": " ", "pattern": "x"}, "advice:"),
        ({"advice": "x"}, "pattern:"),
        ({"advice": "x", "pattern": "*"}, "pattern:"),
        ({"advice": "x", "pattern": "x", "link": "javascript:alert(1)"}, "link:"),
    ):
        with pytest.raises(Refused, match=said):
            rule(**values)

    assert not Hint.objects.exists()


def test_rules_are_moved_and_deleted_and_the_trail_says_so(organization):
    one, two = rule("one", pattern="a"), rule("two", pattern="b")

    hints.move(two, by=builders.owner(), up=True)
    hints.move(two, by=builders.owner(), up=True)

    assert list(Hint.objects.values_list("advice", flat=True)) == ["two", "one"]
    hints.delete(one, by=builders.owner())
    assert list(Event.objects.order_by("id").values_list("verb", flat=True)) == [
        "hint.add", "hint.add", "hint.move", "hint.delete",
    ]  # fmt: skip
    viewer = Principal.of_user(builders.user(role="viewer", organization=organization), organization.pk)
    for verb in (
        lambda: hints.save(two, by=viewer),
        lambda: hints.delete(two, by=viewer),
        lambda: hints.move(two, by=viewer, up=True),
    ):
        with pytest.raises(PermissionDenied):
            verb()


def test_a_rule_counts_the_groups_it_fits():
    groups = [group(), group("Period closed"), group("Unknown supplier 12")]

    assert hints.count(rule("x", pattern="unknown supplier"), groups) == 2
