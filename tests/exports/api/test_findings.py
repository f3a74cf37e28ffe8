"""What a queue's schema finds wrong with a document's values, as the API tells it."""

from __future__ import annotations

from tests import builders


def test_what_the_schema_finds_wrong_is_told_and_blocks_nothing(api, world):
    amount = {"category": "datapoint", "id": "amount_total", "type": "number"}
    due = {"category": "datapoint", "id": "date_due", "type": "date", "constraints": {"required": True}}
    world.queue.schema = builders.schema(amount, due)
    world.queue.save()
    path = f"documents/{world.document.pk}/fields"

    saved = api.patch(path, {"fields": {"amount_total": "a lot"}, "version": 1})

    header = saved.json()["content"][0]["children"]
    expected = [
        {"field": "amount_total", "node": header[0]["id"], "message": 'amount_total: "a lot" is no number.'},
        {"field": "date_due", "node": header[1]["id"], "message": "date_due is required and empty."},
    ]
    assert (saved.status_code, saved.json()["number"], saved.json()["findings"]) == (200, 2, expected)
    assert api.get(path).json()["findings"] == expected
    mended = api.patch(path, {"fields": {"amount_total": "12", "date_due": "2026-11-23"}, "version": 2})
    assert mended.json()["findings"] == []
