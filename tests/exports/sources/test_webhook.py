"""The inbound webhook: signed calls become documents, once; everything else is refused and leaves nothing behind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from exports.models import Attempt, Claim, Document
from exports.sources import acts
from pipelines import signing, vault
from pipelines.fields import Content
from tests import builders
from tests.exports.kinds import kinds as kinds
from tests.exports.sources.pretend import act, source, turn

pytestmark = pytest.mark.usefixtures("organization", "kinds")

SECRET = signing.new_secret()


def of(*stages, secret=SECRET, **config):
    vault.put("webhook_secret", secret, by=builders.owner())
    return source(*stages, kind="webhook", config=config)


def post(made, body, *, name="msg-1", stamp=None, secret=SECRET, headers=None, content_type="application/json"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = signing.headers([secret], message_id=name, timestamp=int(stamp or time.time()), body=data)
    given = headers if headers is not None else signed
    return Client().generic("POST", f"/sources/{getattr(made, 'pk', made)}", data, content_type, headers=given)


def number(document):
    return document.fields.content[0]["children"][0]["content"]["value"]


def test_a_signed_call_becomes_a_document_that_is_exported():
    made = of()

    reply = post(made, {"external_id": "INV-1", "fields": {"number": 12.50}, "metadata": {"from": "shop"}})
    turn(made), turn(made)

    document = Document.objects.get()
    assert reply.status_code == 202
    assert reply.json() == {
        "document": document.pk, "external_id": "INV-1", "status": "exporting", "repeated": False, "done": False,
    }  # fmt: skip
    assert (number(document), document.metadata, document.status) == ("12.5", {"from": "shop"}, "exported")
    assert Claim.objects.get().state == "reported"


def test_the_same_message_again_is_the_same_answer_and_nothing_more():
    made = of()
    first = post(made, {"number": "1"}).json()

    again = post(made, {"number": "1"})

    assert (again.status_code, again.json()) == (202, {**first, "repeated": True})
    assert (Document.objects.count(), Attempt.objects.count()) == (1, 1)


def test_the_same_id_with_another_body_waits_until_the_first_is_done_and_corrects_it():
    made = of()
    post(made, {"number": "1"})
    assert post(made, {"number": "2"}).status_code == 409

    turn(made), turn(made)

    assert post(made, {"number": "2"}).status_code == 202
    turn(made)
    assert number(Document.objects.get()) == "2"
    assert Attempt.objects.count() == 2


def test_paths_say_where_the_document_stands():
    made = of(
        document="invoice", external_id="no", fields={"number": "no", "lines": "rows[].{qty: q}"},
        original="file.data", original_name="file.name",
    )  # fmt: skip
    file = {"name": "../../a.pdf", "data": base64.b64encode(b"%PDF").decode()}

    reply = post(made, {"invoice": {"no": "INV-1", "rows": [{"q": 2}, {"q": 3}], "file": file}})

    document = Document.objects.get()
    assert (reply.status_code, document.external_id, document.file_name) == (202, "INV-1", "a.pdf")
    assert document.original.size == 4
    (table,) = Content(document.fields.content).find("lines")
    assert len(table["children"]) == 2


def test_an_original_comes_as_a_part_of_its_own():
    made = of()
    parts = {"document": '{"number": "1"}', "original": SimpleUploadedFile("a.pdf", b"%PDF", "application/pdf")}
    body = encode_multipart(BOUNDARY, parts)

    assert post(made, body, content_type=MULTIPART_CONTENT).status_code == 202

    document = Document.objects.get()
    assert (document.file_name, document.media_type, number(document)) == ("a.pdf", "application/pdf", "1")


def test_the_other_signature_is_of_the_body_in_hex():
    made = of(secret="any text", signature="sha256", header="X-Sig", id_header="X-Id")
    body = b'{"number": "1"}'
    sign = hmac.new(b"any text", body, hashlib.sha256).hexdigest()

    good = post(made, body, headers={"X-Sig": f"sha256={sign}", "X-Id": "7"})
    bare = post(made, body, headers={"X-Sig": sign, "X-Id": "7"})
    wrong = post(made, body + b" ", headers={"X-Sig": sign, "X-Id": "8"})

    assert [one.status_code for one in (good, bare, wrong)] == [202, 202, 401]
    assert Claim.objects.get().key == "7"


def test_whoever_does_not_sign_learns_nothing():
    made = of()
    other = signing.new_secret()

    replies = [
        post(made, {"number": "1"}, headers={}),
        post(made, {"number": "1"}, secret=other),
        post(made, {"number": "1"}, stamp=time.time() - 301),
        post(made, {"number": "1"}, stamp=time.time() + 301),
        post(999_999, {"number": "1"}),
        post(source(kind="rossum", name="no webhook", config={}), {"number": "1"}),
    ]

    assert [one.status_code for one in replies] == [401] * 6
    assert len({one.content for one in replies}) == 1
    assert (Claim.objects.count(), Document.objects.count()) == (0, 0)


def test_two_secrets_hold_while_one_is_changed():
    made = of(secrets=["webhook_secret", "next"])
    new = signing.new_secret()
    vault.put("next", new, by=builders.owner())

    assert [post(made, {"number": "1"}, name=one, secret=one).status_code for one in (SECRET, new)] == [202, 202]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "line 1"),
        (b"\xff", "not UTF-8"),
        (b'{"number": "\\u0000"}', "NUL"),
        (b"[" * 5000, "line 1"),
        (b'{"external_id": 7, "fields": []}', "body"),
    ],
)
def test_a_document_that_is_not_accepted_is_told_and_shown_and_stays_so(body, told):
    made = of()

    first, again = post(made, body), post(made, body)

    assert [first.status_code, again.status_code] == [422, 422] or first.status_code == 202
    if first.status_code == 422:
        assert told in first.json()["detail"]
        assert Claim.objects.get().outcome == "failed"
        assert Document.objects.count() == 0


def test_what_cannot_be_taken_now_is_asked_for_again_and_nothing_is_kept():
    made = of()
    acts.pause(made, by=builders.owner(), why="They move house.")
    assert post(made, {"number": "1"}).status_code == 503
    acts.resume(made, by=builders.owner())
    made.queue.pipeline = None
    made.queue.save()

    reply = post(made, {"number": "1"})

    assert (reply.status_code, reply["Retry-After"]) == (503, "30")
    assert (Claim.objects.count(), Document.objects.count()) == (0, 0)


def test_too_much_is_refused_before_it_is_read(settings):
    settings.MAX_ORIGINAL_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    made = of()

    assert post(made, b'"' + b"x" * 300 + b'"').status_code == 413


def test_looking_is_no_way_to_send():
    made = of()

    assert Client().get(f"/sources/{made.pk}").status_code == 405
    assert Client().get(f"/sources/{made.pk}/").status_code == 405


def test_the_test_button_wants_a_secret_that_can_check():
    made = of(secret="no whsec")

    assert "Standard Webhooks" in acts.test(made, by=builders.owner()).message
    vault.put("webhook_secret", SECRET, by=builders.owner())
    assert f"/sources/{made.pk}" in acts.test(made, by=builders.owner()).message


def test_a_path_that_is_none_is_refused_when_it_is_set_up():
    from pipelines.refusals import Refused

    with pytest.raises(Refused, match="config: fields"):
        acts.save(of(act("send"), fields={"number": "a[["}), by=builders.owner())


def test_another_organizations_secret_signs_nothing_here():
    from accounts import scope

    made = of()
    with scope.to(builders.organization("Others").pk):
        theirs = signing.new_secret()
        vault.put("webhook_secret", theirs, by=builders.owner())

    assert post(made, {"number": "1"}, secret=theirs).status_code == 401
