"""Counting a run and holding it against what was foretold."""

import pytest

from demo.tally import End, Subject, Tally, counted, foretold, surprises

FINE = {"sender_name": "Harbour Lights Ltd", "currency": "EUR", "amount_total": "10.00", "date_issue": "2025-01-31"}
CUT = {**FINE, "sender_name": "Echo Chamber GmbH"}
SUBJECTS = [
    Subject("Simple SFTP", "d1", CUT),
    Subject("Simple API", "d1", CUT),
    Subject("Complex API", "d1", CUT),
    Subject("Complex API", "d2", {**FINE, "sender_name": "Maintenance Window Ltd"}),
    Subject("Complex API", "d4", {**FINE, "sender_name": ""}),
]
ENDS = {
    ("Simple SFTP", "d1"): End("exported", ""),
    ("Simple API", "d1"): End("failed_export", "unconfirmed"),
    ("Complex API", "d1"): End("failed_export", "unconfirmed"),
    ("Complex API", "d2"): End("exported", ""),
    ("Complex API", "d4"): End("failed_export", "rejected"),
}


def summary(**changes):
    received = {
        "csv d1": {"received": 1, "took_effect": 1},
        "invoice d1": {"received": 1, "took_effect": 1},
        "invoice d2": {"received": 3, "took_effect": 1},
        "invoice d4": {"received": 1, "took_effect": 0},
        **changes,
    }
    twice = [name for name, count in received.items() if count["took_effect"] > 1]
    return {"external_ids": received, "duplicates": {"external_ids": twice}}


def test_a_run_that_went_as_foretold_is_counted_as_foretold():
    found = counted(ENDS.values(), sent=9, summary=summary(), files=3)

    assert found == foretold(SUBJECTS)
    assert found == Tally(5, 2, {"rejected": 1, "unconfirmed": 2}, 2, 9, 0, 3)
    assert surprises(SUBJECTS, ENDS, summary()) == []


def test_the_line_is_plain_json_with_the_reasons_in_order():
    line = foretold(SUBJECTS).line(12.34)

    assert list(line) == ["documents", "exported", "failed", "unconfirmed", "sent", "duplicates", "files", "seconds"]
    assert list(line["failed"].items()) == [("rejected", 1), ("unconfirmed", 2)]
    assert line["seconds"] == 12.3


@pytest.mark.parametrize(
    ("ends", "received", "said"),
    [
        (
            {("Complex API", "d4"): End("exported", "")},
            {},
            ["Complex API / d4: exported, not failed_export rejected."],
        ),
        (
            {},
            {"invoice d2": {"received": 4, "took_effect": 2}},
            ["Complex API / d2: the ERP received 4 requests and booked 2, not 3 and 1."],
        ),
        (
            {},
            {"csv d1": {"received": 0, "took_effect": 0}},
            ["Simple API / d1: the ERP received 0 requests and booked 0, not 1 and 1."],
        ),
    ],
)
def test_whatever_is_not_as_foretold_is_named(ends, received, said):
    assert surprises(SUBJECTS, {**ENDS, **ends}, summary(**received)) == said


def test_a_document_that_is_missing_is_named():
    ends = {key: end for key, end in ENDS.items() if key != ("Simple SFTP", "d1")}

    assert surprises(SUBJECTS, ends, summary()) == ["Simple SFTP / d1: it is not in Waybill."]


def test_what_was_booked_twice_is_a_duplicate():
    found = counted(
        ENDS.values(), sent=10, summary=summary(**{"invoice d2": {"received": 4, "took_effect": 2}}), files=3
    )

    assert found.duplicates == 1
    assert found != foretold(SUBJECTS)


def test_an_attempt_that_did_not_end_is_counted_under_its_status():
    found = counted([End("exporting", "")], sent=0, summary=summary(), files=0)

    assert (found.exported, found.failed) == (0, {"exporting": 1})
