"""A list as people keep it and take it away: saved views, columns of one's own, files."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.urls import reverse

from audit.models import Event
from exports import searching
from exports.models import SavedView
from tests import builders, desk
from tests.lists import DOCUMENTS, filed, lines, shown, signed_in, total


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline(), schema=builders.schema("document_id", "sender_name"))


@pytest.fixture
def olga(organization):
    return builders.user("olga", role="operator", organization=organization)


@pytest.fixture
def operator(olga):
    return signed_in(olga)


def test_a_file_has_the_rows_of_every_page_and_no_formula(operator, queue):
    for number in range(55):
        desk.document(queue, f"T-{number}")
    hostile = builders.document(
        queue, {"document_id": "=cmd|' /C calc'!A0", "sender_name": "+49", "amount_total": "-5"}
    )
    searching.index_new(1000)

    sheet = lines(filed(operator, columns=["document", "number", "party", "amount"]))
    book = zipfile.ZipFile(io.BytesIO(filed(operator, form="xlsx", columns=["document", "number", "amount"])))
    cells = book.read("xl/worksheets/sheet1.xml").decode()

    assert sheet[0] == ["Document", "Invoice number", "Supplier", "Amount"]
    assert sheet[1] == [hostile.external_id, "'=cmd|' /C calc'!A0", "+49", "-5"]
    assert len(sheet) == 57
    assert cells.count("<row ") == 57
    assert "<f>" not in cells
    downloads = Event.objects.filter(verb="list.download").order_by("id")
    assert [(event.verb, event.detail["rows"], event.detail["format"]) for event in downloads] == [
        ("list.download", 56, "csv"),
        ("list.download", 56, "xlsx"),
    ]


def test_a_file_needs_its_permission_and_a_post(organization, operator, queue):
    viewer = signed_in(builders.user(role="viewer", organization=organization))
    address = reverse("admin:exports_list_file", args=["documents"])

    assert viewer.post(address, {"format": "csv"}).status_code == 403
    assert operator.get(address).status_code == 405
    assert operator.post(reverse("admin:exports_list_file", args=["nothing"])).status_code == 404
    assert "exports_list_file" not in shown(viewer)
    assert not Event.objects.filter(verb="list.download").exists()


def keep(client, page="documents", **given):
    return client.post(reverse("admin:exports_list_save", args=[page]), {"next": reverse(DOCUMENTS), **given})


def test_a_view_keeps_filters_columns_and_order_and_can_open_the_list(organization, olga, operator, queue):
    desk.document(queue, "A-1", status="to_review")
    desk.document(queue, "B-1", status="confirmed")

    kept = keep(operator, name="Mine", tab="to_review", sort="-document", columns=["status", "document"])
    view = SavedView.objects.get()
    operator.post(reverse("admin:exports_list_default", args=["documents"]), {"view": view.pk, "next": "/admin/"})
    opened = operator.get(reverse(DOCUMENTS))
    html = operator.get(reverse(DOCUMENTS), follow=True).content.decode()

    assert kept["Location"] == f"{reverse(DOCUMENTS)}?tab=to_review&view={view.pk}&sort=-document"
    assert opened["Location"] == f"?tab=to_review&view={view.pk}&sort=-document"
    assert total(html) == 1
    assert re.findall(r'data-label="([^"]*)"', html) == ["Status", "Document"]
    assert total(shown(operator, view="none")) == 2
    assert [event.verb for event in Event.objects.filter(verb__startswith="view.")] == ["view.save"]


def test_a_view_is_shared_renamed_and_deleted_only_by_who_may(organization, olga, operator, queue):
    other = signed_in(builders.user(role="operator", organization=organization))
    viewer = signed_in(builders.user(role="viewer", organization=organization))
    keep(operator, name="Mine", state="", tab="failed")
    keep(operator, name="Ours", tab="failed", shared="yes")
    mine, ours = SavedView.objects.order_by("name")

    refused = keep(viewer, name="Theirs", shared="yes")
    other.post(reverse("admin:exports_list_delete", args=["documents"]), {"view": mine.pk})
    viewer.post(reverse("admin:exports_list_rename", args=["documents"]), {"view": ours.pk, "name": "X"})
    other.post(reverse("admin:exports_list_rename", args=["documents"]), {"view": ours.pk, "name": "All of ours"})
    operator.post(reverse("admin:exports_list_delete", args=["documents"]), {"view": mine.pk})

    assert refused.status_code == 403
    assert "All of ours" in shown(viewer)
    assert "Mine" not in shown(other)
    assert [view.name for view in SavedView.objects.all()] == ["All of ours"]


def test_columns_are_each_persons_own(operator, organization, queue):
    builders.document(queue, {"sender_name": "Acme Paper"})
    searching.index_new()
    other = signed_in(builders.user(role="viewer", organization=organization))

    operator.post(
        reverse("admin:exports_list_columns", args=["documents"]),
        {"columns": ["field.sender_name", "nothing", "document"], "next": reverse(DOCUMENTS)},
    )

    assert re.findall(r'data-label="([^"]*)"', shown(operator)) == ["Sender name", "Document"]
    assert "Acme Paper" in shown(operator)
    assert "Supplier" in re.findall(r'data-label="([^"]*)"', shown(other))
