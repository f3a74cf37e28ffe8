"""When a message is tried again, and how long its channel rests."""

from __future__ import annotations

import pytest

from exports.events import schedule


def waits(jitter=0.0):
    found = []
    while (wait := schedule.seconds(len(found) + 1, retry_after=None, random=lambda: jitter)) is not None:
        found.append(wait)
    return found


def test_ten_tries_are_spread_over_more_than_three_days():
    assert waits() == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert 3 * 86400 < sum(waits()) < sum(waits(jitter=1)) < schedule.LONGEST.total_seconds()


def test_jitter_only_ever_lengthens():
    assert waits(jitter=0.5)[:2] == [5.25, 315.0]


@pytest.mark.parametrize(("asked", "wait"), [(None, 5), (-3, 5), (1, 5), (60, 60), (3600, 3600), (999_999, 3600)])
def test_what_the_receiver_asked_for_is_the_least_and_an_hour_the_most(asked, wait):
    assert schedule.seconds(1, retry_after=asked, random=lambda: 0) == wait


def test_a_channel_rests_longer_with_each_failure_and_five_minutes_at_most():
    rests = [schedule.rest(failures, retry_after=None) for failures in (0, 1, 2, 3, 8, 9, 1000)]

    assert rests == [2, 2, 4, 8, 256, 300, 300]
    assert schedule.rest(1, retry_after=30) == 30
