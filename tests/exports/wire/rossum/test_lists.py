"""URLs, moments, parameters and pages of Rossum's wire: what is read leniently, and what is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from exports.wire.rossum import paging, times, urls
from exports.wire.rossum.paging import NoSuchPage, Page
from exports.wire.rossum.parameters import Given, WrongValue

AT = urls.Addresses("https://acme.example/rossum/api/v1")


def test_objects_are_named_by_urls_that_end_in_their_id():
    assert AT.annotation(70110) == "https://acme.example/rossum/api/v1/annotations/70110"
    assert AT.of("document_relations", 7) == "https://acme.example/rossum/api/v1/document_relations/7"
    assert AT.node(70110, 5002) == "https://acme.example/rossum/api/v1/annotations/70110/content/5002"
    assert AT.maybe("users", None) is None


@pytest.mark.parametrize(
    ("reference", "kind", "found"),
    [
        (12, "", 12), ("12", "", 12), (" 12 ", "", 12), (AT.queue(12), "queues", 12), (AT.queue(12) + "/", "queues", 12),
        (AT.queue(12) + "?page=3", "queues", 12), ("http://other.example/v1/queues/12", "queues", 12),
        (AT.queue(12), "annotations", None), ("queues/x", "queues", None), (True, "", None), (None, "", None),
        (-1, "", None), ("-1", "", None), ("1.5", "", None), ("١٢", "", None), ("9" * 19, "", None), (10**30, "", None),
        ({"id": 12}, "", None), ("http://[broken/12", "", None), ("", "", None),
    ],
)  # fmt: skip
def test_an_id_is_read_from_whatever_names_the_object(reference, kind, found):
    assert urls.id_of(reference, kind) == found


def test_moments_are_written_in_utc_with_microseconds():
    vienna = timezone(timedelta(hours=1))

    assert times.stamp(datetime(2026, 3, 2, 9, 0, tzinfo=vienna)) == "2026-03-02T08:00:00.000000Z"
    assert times.stamp(None) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T08:00:00.000000Z", "2026-03-02 08:00:00", "2026-03-02T08:00", "2026-03-02T09:00:00+01:00",
        "2026-03-02T09:00:00 01:00", " 2026-03-02T08:00:00Z ",
    ],
)  # fmt: skip
def test_moments_are_read_in_every_form_that_clients_send(text):
    assert times.read(text) == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_a_date_is_its_first_moment():
    assert times.read("2026-03-02") == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "0001-01-01T00:00:00+10:00", "2026", "1772438400"])
def test_what_is_no_moment_is_refused_by_the_parameters_name(text):
    with pytest.raises(WrongValue) as told:
        Given({"arrived_at_after": [text]}).moment("arrived_at_after")

    assert told.value.name == "arrived_at_after"
    assert text[:60] in told.value.message


def test_an_empty_parameter_is_an_absent_one():
    given = Given({"ordering": [""], "id": ["", " "], "status": ["confirmed"]})

    assert "ordering" not in given
    assert (given.words("ordering"), given.numbers("id"), given.moment("after"), given.flag("automated")) == (
        [], None, None, None,
    )  # fmt: skip
    assert given.names() == ["status"]


def test_repeated_keys_and_comma_lists_are_the_same():
    assert Given({"id": ["11,12", "12", "https://a.example/v1/annotations/13"]}).numbers("id") == [11, 12, 13]
    assert Given({"status": ["confirmed, exported", "to_review"]}).words("status") == [
        "confirmed", "exported", "to_review",
    ]  # fmt: skip


def test_too_many_values_and_wrong_ones_are_refused():
    with pytest.raises(WrongValue, match="At most 1000"):
        Given({"id": [",".join(map(str, range(1001)))]}).numbers("id")
    with pytest.raises(WrongValue, match='"x" is not a valid id'):
        Given({"id": ["1,x"]}).numbers("id")
    with pytest.raises(WrongValue, match='"maybe" is not a valid boolean'):
        Given({"automated": ["maybe"]}).flag("automated")
    with pytest.raises(WrongValue, match="there are csv, xml"):
        Given({"format": ["pdf"]}).one_of("format", ["csv", "xml"])
    with pytest.raises(WrongValue, match="NUL"):
        Given({"search": ["a\0b"]})


def test_flags_have_both_spellings():
    assert [Given({"a": [word]}).flag("a") for word in ("true", "True", "1", "false", "0")] == [
        True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, 20),
        ({"page_size": ["50"]}, 50),
        ({"page_size": ["5000"]}, 100),
        ({"page_size": ["0"]}, 20),
        ({"page_size": ["x"]}, 20),
    ],
)
def test_a_page_size_over_the_maximum_is_the_maximum(asked, size):
    assert Page.read(Given(asked)).size == size


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, "²"])
def test_what_is_no_page_number_is_refused(number):
    with pytest.raises(NoSuchPage):
        Page.read(Given({"page": [number]}))


def test_the_envelope_serves_both_who_count_pages_and_who_follow_next():
    url = "https://acme.example/rossum/v1/queues?page_size=10&ordering=&page=2&id=1&id=2"

    body = paging.envelope([1], page=Page(2, 10), total=41, url=url)

    before = "https://acme.example/rossum/v1/queues?page_size=10&id=1&id=2&page="
    assert body == {
        "pagination": {"total": 41, "total_pages": 5, "next": f"{before}3", "previous": f"{before}1"},
        "results": [1],
    }


def test_an_empty_list_has_one_page_and_a_page_past_the_end_leads_back():
    empty = paging.envelope([], page=Page(), total=0, url="https://a.example/x")
    past = paging.envelope([], page=Page(9, 10), total=11, url="https://a.example/x?page=9")

    assert empty["pagination"] == {"total": 0, "total_pages": 1, "next": None, "previous": None}
    assert past["pagination"]["previous"] == "https://a.example/x?page=2"
    assert past["pagination"]["next"] is None
