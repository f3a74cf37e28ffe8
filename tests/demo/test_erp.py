"""The pretend ERP over real HTTP: what it answers, and what its ledger counts."""

import hashlib
import json
import subprocess
import sys

import pytest
import requests


def test_a_document_that_is_fine_is_booked_as_a_draft(erp):
    reply = erp.book("d1", key="k1")

    assert reply.status_code == 201
    assert reply.headers["Location"] == "/api/invoices/AP-100001"
    assert reply.json() == {
        "id": "AP-100001",
        "external_id": "d1",
        "number": "N-1",
        "status": "draft",
        "url": "/api/invoices/AP-100001",
    }


def test_an_invoice_is_attached_to_linked_and_submitted(erp):
    content = b"%PDF-1.4\r\n--not-a-boundary\r\n\x00\xff\r\n"
    invoice = erp.book("d1").json()["id"]

    attached = erp.post(
        f"/api/invoices/{invoice}/attachments", files={"file": ("Ärger.pdf", content, "application/pdf")}
    )
    linked = erp.post(f"/api/invoices/{invoice}/links", json={"url": "https://waybill.example/documents/1"})
    submitted = erp.post(f"/api/invoices/{invoice}/submit")

    assert (attached.status_code, linked.status_code, submitted.status_code) == (201, 201, 200)
    assert submitted.json() == {"id": invoice, "status": "submitted", "attachments": 1}
    shown = erp.get(f"/api/invoices/{invoice}").json()
    assert shown["status"] == "submitted"
    assert shown["links"] == ["https://waybill.example/documents/1"]
    assert shown["attachments"] == [
        {
            "name": "Ärger.pdf",
            "media_type": "application/pdf",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    ]


def test_the_original_may_also_come_as_a_plain_put(erp):
    invoice = erp.book("d1").json()["id"]

    reply = erp.session.put(
        f"{erp.url}/api/invoices/{invoice}/attachments", data=b"<x/>", headers={"Content-Type": "application/xml"}
    )

    assert reply.status_code == 201
    assert (reply.json()["media_type"], reply.json()["size"]) == ("application/xml", 4)


def test_every_problem_of_a_document_is_a_reason_of_the_refusal(erp):
    reply = erp.book("d1", supplier={"name": "[Seller name]"}, total="", currency="HUF")

    assert reply.status_code == 422
    assert reply.json() == {
        "errors": {
            "request": [
                {
                    "invoice.supplier": ["Supplier “[Seller name]” is unknown. Create it, or correct the name."],
                    "invoice.total": ["A total amount is required; there is none."],
                    "invoice": ["Currency HUF is not switched on."],
                }
            ]
        }
    }
    assert erp.summary()["booked"] == 0


def test_a_closed_period_is_answered_200_with_the_error_inside(erp):
    reply = erp.book("d1", issued_on="2013-12-31")

    assert reply.status_code == 200
    assert reply.json() == {
        "status": "error",
        "errors": {"request": [{"invoice": ["The posting period 2013-12 is closed."]}]},
    }
    assert erp.summary()["booked"] == 0


def test_maintenance_answers_503_twice_and_then_books(erp):
    replies = [erp.book("d1", key="k1", supplier="Maintenance Window Ltd") for _ in range(3)]

    assert [reply.status_code for reply in replies] == [503, 503, 201]
    assert [reply.headers.get("Retry-After") for reply in replies] == ["1", "1", None]
    assert erp.summary()["idempotency_keys"] == {"k1": {"received": 3, "took_effect": 1}}


@pytest.mark.parametrize(("supplier", "booked"), [("Echo Chamber GmbH", 1), ("Lost & Found Logistics", 0)])
def test_a_cut_connection_leaves_the_sender_without_an_answer(erp, supplier, booked):
    with pytest.raises(requests.ConnectionError):
        erp.book("d1", supplier={"name": supplier})

    assert erp.get("/api/invoices", params={"external_id": "d1"}).json()["count"] == booked
    assert erp.summary()["external_ids"] == {"invoice d1": {"received": 1, "took_effect": booked}}


def test_a_document_whose_connection_was_cut_is_taken_the_second_time(erp):
    with pytest.raises(requests.ConnectionError):
        erp.book("d1", supplier="Lost & Found Logistics")

    assert erp.book("d1", supplier="Lost & Found Logistics").status_code == 201


def test_what_is_sent_twice_is_booked_twice_and_counted(erp):
    erp.book("d1", key="k1")
    erp.book("d1", key="k1")
    erp.book("d2", key="k2")

    summary = erp.summary()

    assert summary["booked"] == 3
    assert summary["duplicates"] == {"external_ids": ["invoice d1"], "idempotency_keys": ["k1"]}


def test_two_documents_with_one_invoice_number_are_no_duplicates(erp):
    erp.book("d1", key="k1", number="471102")
    erp.book("d2", key="k2", number="471102")

    assert erp.summary()["duplicates"] == {"external_ids": [], "idempotency_keys": []}


@pytest.mark.parametrize(
    ("values", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_token_is_only_for_who_knows_the_secret(erp, values, status, error):
    reply = erp.token(**values)

    assert (reply.status_code, reply.json()["error"]) == (status, error)


def test_a_token_may_be_asked_for_in_json_and_with_basic(erp):
    as_json = requests.post(
        f"{erp.url}/oauth/token",
        json={"grant_type": "client_credentials", "client_id": "waybill", "client_secret": "pretend-client-secret"},
    )
    as_basic = requests.post(
        f"{erp.url}/oauth/token", data={"grant_type": "client_credentials"}, auth=("waybill", "pretend-client-secret")
    )

    assert (as_json.status_code, as_basic.status_code) == (200, 200)
    assert as_json.json()["expires_in"] == 3600


def test_without_a_live_token_nothing_is_read_and_nothing_is_booked(serve_erp):
    erp = serve_erp(token_life=0, token_says=3600)

    reply = erp.book("d1", supplier="Maintenance Window Ltd")

    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="erp", error="invalid_token"'
    assert erp.summary()["by_outcome"] == {"invoice unauthorized": 1, "token granted": 1}


def test_an_erp_that_restarts_forgets_the_tokens_that_it_gave(serve_erp):
    erp = serve_erp(forgets_after=2)
    statuses = [erp.book(f"d{number}").status_code for number in range(3)]

    erp.log_in()

    assert statuses == [201, 201, 401]
    assert [erp.book(f"e{number}").status_code for number in range(3)] == [201, 201, 201]


def test_the_csv_intake_takes_the_api_key_and_judges_the_first_row(erp):
    rows = "external_id;supplier;currency;total;issued_on\r\nd1;Harbour Lights Ltd;EUR;9.00;2025-02-01\r\nd1;;;;\r\n"
    key = {"Authorization": "Bearer pretend-api-key", "Content-Type": "text/csv"}

    taken = erp.post("/api/csv", data=rows.encode(), headers=key)
    refused = erp.post("/api/csv", data=rows.replace("Harbour Lights Ltd", "XX").encode(), headers=key)

    assert (taken.status_code, taken.json()["rows"], taken.json()["status"]) == (200, 2, "accepted")
    assert refused.status_code == 422
    assert erp.summary()["external_ids"] == {"csv d1": {"received": 2, "took_effect": 1}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "The body is no JSON: Expecting property name"),
        (b"[1]", "The body must be a JSON object."),
        (b"\xff", "The body is no JSON: "),
    ],
)
def test_a_body_that_cannot_be_read_is_answered_with_why(erp, body, said):
    reply = erp.post("/api/invoices", data=body)

    assert reply.status_code == 400
    assert reply.json()["error"].startswith(said)


def test_an_invoice_that_is_not_there_is_404(erp):
    reply = erp.post("/api/invoices/AP-1/submit")

    assert (reply.status_code, reply.json()) == (404, {"error": "There is no invoice AP-1."})


def test_the_ledger_keeps_every_request_in_its_file(erp, tmp_path):
    erp.book("d1", key="k1")

    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]

    assert [(line["operation"], line["external_id"], line["key"], line["status"]) for line in lines] == [
        ("token", "", "", 200),
        ("invoice", "d1", "k1", 201),
    ]


def test_a_restarted_erp_remembers_its_books_and_has_forgotten_its_tokens(serve_erp):
    before = serve_erp()
    before.book("d1")

    after = serve_erp()
    after.session.headers["Authorization"] = before.session.headers["Authorization"]

    assert after.book("d2").status_code == 401
    after.log_in()
    assert after.book("d2").json()["id"] == "AP-100002"
    assert [booked["id"] for booked in after.get("/api/invoices?external_id=d1").json()["invoices"]] == ["AP-100001"]


def test_the_page_shows_the_books_with_everything_escaped(erp):
    erp.book("d1", supplier={"name": "<script>alert(1)</script> Ltd"})

    page = erp.get("/").text

    assert "&lt;script&gt;alert(1)&lt;/script&gt; Ltd" in page
    assert "<script>" not in page


def test_a_chunked_body_is_read_and_a_garbled_request_is_answered_400(erp):
    chunked = erp.post(
        "/api/invoices", data=iter([b'{"external_id": "d1", ', b'"supplier": "Abc", "total": 1, "currency": "EUR"}'])
    )
    garbled = erp.post("/api/invoices", data=b"x", headers={"Content-Length": "one"})

    assert chunked.status_code == 201
    assert garbled.status_code == 400


def test_as_a_process_it_says_where_it_is_and_stops_when_told(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "erp", "--open", "--no-faults", "--ledger", tmp_path / "l.jsonl"],
        stdout=subprocess.PIPE,
        text=True,
    )
    url = process.stdout.readline().strip()

    reply = requests.post(f"{url}/api/invoices", json={"external_id": "d1", "supplier": "[Seller name]"}, timeout=10)
    process.terminate()

    assert reply.status_code == 201
    assert process.wait(10) == 0
    assert process.stdout.read() == ""
    process.stdout.close()
    assert len((tmp_path / "l.jsonl").read_text().splitlines()) == 1
