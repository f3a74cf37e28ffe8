"""The admin's forms with what no browser sends: NUL bytes, digits that are no numbers, depth, numbers without end."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from exports.models import Document
from pipelines.models import Destination, Queue
from tests import builders, desk


@pytest.fixture
def owner(organization):
    client = Client()
    client.force_login(builders.user("olga", role="owner", organization=organization))
    return client


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


def test_nobody_schedules_a_function_of_their_choice(organization):
    root = Client()
    root.force_login(User.objects.create_superuser("root"))

    for model in ("schedule", "failure", "success", "ormq"):
        assert root.get(f"/admin/django_q/{model}/").status_code == 404


@pytest.mark.parametrize("digits", ["²", "٣", "9" * 5000, str(2**63), "-1", "1e3", "\0", "1\0"])
def test_digits_that_are_no_number_break_no_page(owner, queue, digits):
    document = desk.document(queue)
    attempt = desk.attempt(document, "failed", "rejected")
    pipeline = queue.pipeline
    posts = [
        (
            reverse("admin:exports_document_correct", args=[document.pk]),
            {"version": digits, "why": "x", "field-1": "y"},
        ),
        (
            reverse("admin:exports_job_new"),
            {"verb": "requeue", "ids": f"{digits},{attempt.pk}", "why": "", "canary": digits},
        ),
        (reverse("admin:switch_organization"), {"organization": digits, "next": "/admin/"}),
        (reverse("admin:pipelines_pipeline_check", args=[pipeline.pk]), {"stage": digits, "config": "{}"}),
        (reverse("admin:exports_document_preview", args=[pipeline.pk, 0]), {"document": digits, "config": "{}"}),
    ]
    lists = [
        (reverse("admin:exports_attempt_changelist"), {"pipeline": digits}),
        (reverse("admin:exports_attempt_changelist"), {"document__queue__id__exact": digits}),
        (reverse("admin:exports_document_changelist"), {"p": digits}),
        (reverse("admin:exports_document_changelist"), {"q": digits}),
        (reverse("admin:audit_event_changelist"), {"q": digits, "verb": digits}),
    ]

    answers = [(address, owner.post(address, given)) for address, given in posts]
    answers += [(address, owner.get(address, given)) for address, given in lists]

    assert [(address, answer.status_code) for address, answer in answers if answer.status_code >= 500] == []


@pytest.mark.parametrize("text", ["a\0b", "\x1b[31m", "x" * 1_000_000])
def test_a_reason_of_anything_breaks_no_button(owner, queue, text):
    document = desk.document(queue, status="to_review")
    failed = desk.attempt(desk.document(queue, "INV-2"), "failed", "rejected")
    destination = builders.destination()
    posts = [
        (reverse("admin:exports_document_postpone", args=[document.pk]), {"why": text}),
        (reverse("admin:exports_attempt_requeue", args=[failed.pk]), {"why": text, "resume_from": text}),
        (reverse("admin:exports_attempt_settle", args=[failed.pk]), {"delivered": "yes", "reference": text}),
        (reverse("admin:pipelines_destination_pause", args=[destination.pk]), {"why": text}),
        (reverse("admin:pipelines_destination_secret", args=[destination.pk]), {"name": text, "value": text}),
        (reverse("admin:exports_job_new"), {"verb": "requeue", "ids": str(failed.pk), "why": text, "token": text}),
    ]

    answers = [(address, owner.post(address, given)) for address, given in posts]

    assert [(address, answer.status_code) for address, answer in answers if answer.status_code >= 500] == []


HOSTILE_JSON = {
    "depth": "[" * 100_000,
    "less depth": '{"a":' * 900 + "1" + "}" * 900,
    "a number without end": '{"a": 1e999}',
    "not a number": '{"a": NaN}',
    "digits": '{"a": ' + "9" * 5000 + "}",
    "a NUL": '{"a": "\\u0000"}',
    "half a pair": '{"a": "\\ud800"}',
    "half a pair as a key": '{"\\ud800": "a"}',
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_fields_are_refused_beside_the_form(owner, queue, name):
    given = {"queue": queue.pk, "external_id": "x", "fields_json": HOSTILE_JSON[name]}

    response = owner.post(reverse("admin:exports_document_add"), given)

    assert response.status_code == 200
    assert Document.objects.count() == 0
    assert list(response.context["form"].errors) == ["fields_json"]


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json_in_a_setting_is_refused(owner, queue, name):
    text = HOSTILE_JSON[name]
    destination = builders.destination(credentials={})
    address = reverse("admin:pipelines_destination_change", args=[destination.pk])
    given = {"name": destination.name, "credentials": text, "concurrency": "1"}

    of_destination = owner.post(address, given)
    of_queue = owner.post(
        reverse("admin:pipelines_queue_change", args=[queue.pk]), {"name": queue.name, "metadata": text}
    )

    assert (of_destination.status_code, of_queue.status_code) == (200, 200)
    assert Destination.objects.get().credentials == {}
    assert Queue.objects.get().metadata == {}


def test_an_upload_with_a_name_of_anything_is_taken_in_or_refused(owner, queue):
    for name in ("a\r\nSet-Cookie: x=1.pdf", "../../etc/passwd", "x" * 10_000 + ".pdf", "\u202efdp.exe", '"><svg>.pdf'):
        given = {
            "queue": queue.pk,
            "original": SimpleUploadedFile(name, b"%PDF-1.4 " + name.encode()),
            "fields_json": "",
        }

        response = owner.post(reverse("admin:exports_document_add"), given)

        assert response.status_code in {200, 302}, name
    for document in Document.objects.all():
        assert not set(document.file_name) & set("\r\n/\\\u202e")
        shown = owner.get(reverse("admin:exports_document_original", args=[document.pk]))
        assert shown.status_code == 200
        assert "\n" not in shown.headers["Content-Disposition"]
