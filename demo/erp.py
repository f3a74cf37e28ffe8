"""The pretend ERP: OAuth2, invoices that are created, attached to, linked and submitted, a CSV intake, and its faults.

What it says to a document follows from the document alone (`demo/rules.py`); what it received stands in the ledger
(`demo/ledger.py`). It never looks whether it has seen a document before: senders must not send twice.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from demo import bodies, pages
from demo.door import Door, Terms
from demo.ledger import CREATE, INTAKE, Booked, Entry, Ledger
from demo.rules import BUSY_ANSWERS, Facts, Judgement, Verdict, judge
from demo.wire import Reply, Request


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply with what the ledger keeps beside it."""

    reply: Reply
    outcome: str
    effect: bool = False
    external_id: str = ""
    invoice: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Erp:
    """Call it with a request; it answers and writes the ledger. One thread only."""

    def __init__(self, ledger: Ledger, terms: Terms | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.ledger = ledger
        self.terms = terms or Terms()
        self._clock = clock
        self._door = Door(self.terms, clock)

    def __call__(self, request: Request) -> Reply:
        if request.path == "/" or request.path.startswith("/ledger"):
            return self._look(request)
        operation, invoice = _operation(request)
        answer = self._answer(operation, invoice, request)
        key = request.headers.get("idempotency-key", "")
        status = 0 if answer.reply.cut else answer.reply.status
        self.ledger.append(
            Entry(
                self._clock(),
                request.method,
                request.path,
                operation,
                answer.external_id,
                key,
                len(request.body),
                hashlib.sha256(request.body).hexdigest(),
                status,
                answer.outcome,
                answer.effect,
                "" if answer.reply.cut else hashlib.sha256(answer.reply.body).hexdigest(),
                answer.invoice,
                answer.facts,
            )
        )
        return answer.reply

    def _answer(self, operation: str, invoice: str, request: Request) -> Answer:
        if operation == "token":
            status, body, outcome = self._door.grant(request)
            return Answer(self._json(status, body, headers={"Cache-Control": "no-store"}), outcome)
        if operation == "other":
            return Answer(self._json(404, {"error": f"There is nothing at {request.path}."}), "not found")
        if not self._door.admits(request, intake=operation == INTAKE):
            challenge = {"WWW-Authenticate": 'Bearer realm="erp", error="invalid_token"'}
            body = {"error": "invalid_token", "error_description": "The access token is unknown or has expired."}
            return Answer(self._json(401, body, headers=challenge), "unauthorized")
        if operation == "probe":
            return self._probe(invoice, request)
        if operation in {CREATE, INTAKE}:
            return self._book(operation, request)
        booked = self.ledger.invoices.get(invoice)
        if booked is None:
            return Answer(self._json(404, {"error": f"There is no invoice {invoice}."}), "not found", invoice=invoice)
        doing = {"attachment": self._attach, "link": self._link, "submit": self._submit}[operation]
        return doing(booked, request)

    def _json(self, status: int, value: Any, *, headers: Mapping[str, str] | None = None, delay: float = 0) -> Reply:
        return Reply.json(status, value, headers=headers or {}, delay=delay + self.terms.latency)

    # Booking

    def _book(self, operation: str, request: Request) -> Answer:
        try:
            body = bodies.table(request.body) if operation == INTAKE else bodies.json_object(request.body)
        except ValueError as error:
            external_id = request.headers.get("x-document-id", "")
            return Answer(self._json(400, {"error": str(error)}), "unreadable", external_id=external_id)
        external_id = str(body.get("external_id") or request.headers.get("x-document-id", ""))
        facts = Facts.of_body(body, external_id)
        judgement = judge(facts) if self.terms.faults else Judgement(Verdict.BOOK, {})
        before = self.ledger.asked(operation, external_id)
        kept = {"number": body.get("number", ""), "supplier": facts.supplier, "total": facts.amount_total}
        kept |= {"currency": facts.currency.upper(), "issued_on": facts.date_issue, "lines": bodies.line_count(body)}
        invoice = self.ledger.next_id(operation)
        booked = Answer(self._taken(operation, invoice, kept, external_id), "booked", True, external_id, invoice, kept)
        verdict = judgement.verdict
        errors = {"errors": {"request": [judgement.reasons]}}
        if verdict == Verdict.REFUSE:
            return Answer(self._json(422, errors), verdict, external_id=external_id)
        if verdict == Verdict.CLOSED:
            return Answer(self._json(200, {"status": "error", **errors}), verdict, external_id=external_id)
        if verdict == Verdict.BUSY and before < BUSY_ANSWERS:
            reply = self._json(503, {"error": "Down for maintenance, back in a second."}, headers={"Retry-After": "1"})
            return Answer(reply, verdict, external_id=external_id)
        if verdict in {Verdict.CUT_BOOKED, Verdict.CUT_UNBOOKED} and before == 0:
            cut = Reply(200, cut=True, delay=self.terms.latency)
            if verdict == Verdict.CUT_UNBOOKED:
                return Answer(cut, verdict, external_id=external_id)
            return Answer(cut, verdict, True, external_id, invoice, kept)
        if verdict == Verdict.SLOW:
            late = self._taken(operation, invoice, kept, external_id, delay=self.terms.slow)
            return Answer(late, verdict, True, external_id, invoice, kept)
        return booked

    def _taken(
        self, operation: str, invoice: str, kept: Mapping[str, Any], external_id: str, *, delay: float = 0
    ) -> Reply:
        body: dict[str, Any] = {"id": invoice, "external_id": external_id, "number": kept["number"]}
        if operation == INTAKE:
            return self._json(200, {**body, "status": "accepted", "rows": kept["lines"]}, delay=delay)
        place = f"/api/invoices/{invoice}"
        return self._json(201, {**body, "status": "draft", "url": place}, headers={"Location": place}, delay=delay)

    def _attach(self, booked: Booked, request: Request) -> Answer:
        try:
            name, media_type, content = bodies.file(request)
        except ValueError as error:
            return self._about(booked, 400, {"error": str(error)}, "unreadable")
        facts = {"name": name, "media_type": media_type, "size": len(content)}
        facts["sha256"] = hashlib.sha256(content).hexdigest()
        number = f"{booked.id}/{len(booked.attachments) + 1}"
        return self._about(booked, 201, {"attachment": number, **facts}, "attached", facts)

    def _link(self, booked: Booked, request: Request) -> Answer:
        try:
            url = str(bodies.json_object(request.body).get("url") or "")
        except ValueError as error:
            return self._about(booked, 400, {"error": str(error)}, "unreadable")
        if not url.startswith(("http://", "https://")):
            reasons = {"errors": {"request": [{"link.url": [f"“{url}” is no address of a page."]}]}}
            return self._about(booked, 422, reasons, "refuse")
        return self._about(booked, 201, {"invoice": booked.id, "url": url}, "linked", {"url": url})

    def _submit(self, booked: Booked, _request: Request) -> Answer:
        body = {"id": booked.id, "status": "submitted", "attachments": len(booked.attachments)}
        return self._about(booked, 200, body, "submitted", {"state": "submitted"})

    def _about(
        self, booked: Booked, status: int, body: Any, outcome: str, facts: Mapping[str, Any] | None = None
    ) -> Answer:
        return Answer(self._json(status, body), outcome, facts is not None, booked.external_id, booked.id, facts or {})

    # Looking

    def _probe(self, invoice: str, request: Request) -> Answer:
        if invoice:
            found = [booked] if (booked := self.ledger.invoices.get(invoice)) else []
        else:
            found = self.ledger.find(request.query.get("external_id", ""))
        rows = [_shown(booked) for booked in found]
        if invoice:
            reply = self._json(200, rows[0]) if rows else self._json(404, {"error": f"There is no invoice {invoice}."})
        else:
            reply = self._json(200, {"count": len(rows), "invoices": rows})
        return Answer(reply, "looked", external_id=request.query.get("external_id", ""), invoice=invoice)

    def _look(self, request: Request) -> Reply:
        if request.path == "/ledger/summary":
            return Reply.json(200, self.ledger.summary())
        if request.path == "/ledger":
            return Reply(200, pages.entries(self.ledger).encode(), "application/x-ndjson")
        if request.path == "/":
            return Reply(200, pages.books(self.ledger).encode(), "text/html; charset=utf-8")
        return Reply.json(404, {"error": f"There is nothing at {request.path}."})


def _shown(booked: Booked) -> dict[str, Any]:
    known = {"id": booked.id, "external_id": booked.external_id, "status": booked.state, **booked.facts}
    return {**known, "attachments": booked.attachments, "links": booked.links}


_BELOW = {"attachments": "attachment", "links": "link", "submit": "submit"}


def _operation(request: Request) -> tuple[str, str]:
    """What is asked for, and the invoice that the path names."""
    writes = request.method in {"POST", "PUT"}
    match request.path.strip("/").split("/"):
        case ["oauth", "token"] if writes:
            return "token", ""
        case ["api", "csv"] if writes:
            return INTAKE, ""
        case ["api", "invoices"] if request.method == "POST":
            return CREATE, ""
        case ["api", "invoices"] if request.method == "GET":
            return "probe", ""
        case ["api", "invoices", invoice] if request.method == "GET":
            return "probe", invoice
        case ["api", "invoices", invoice, below] if writes and below in _BELOW:
            return _BELOW[below], invoice
    return "other", ""
