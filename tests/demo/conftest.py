"""A pretend ERP with every fault, and a client that is let in."""

import pytest
import requests

from demo.door import Terms
from demo.erp_process import in_thread


class Client:
    """A session at the ERP that carries a live token."""

    def __init__(self, url: str, terms: Terms) -> None:
        self.url = url
        self.session = requests.Session()
        self.terms = terms
        self.log_in()

    def token(self, **values):
        data = {"grant_type": "client_credentials", "client_id": self.terms.client_id}
        data |= {"client_secret": self.terms.client_secret, **values}
        return self.session.post(f"{self.url}/oauth/token", data=data, headers={"Authorization": None})

    def log_in(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"

    def post(self, path: str, **options):
        return self.session.post(self.url + path, timeout=10, **options)

    def get(self, path: str, **options):
        return self.session.get(self.url + path, timeout=10, **options)

    def book(self, external_id: str, *, key: str = "", **values):
        body = {"external_id": external_id, "number": "N-1", "supplier": {"name": "Harbour Lights Ltd"}}
        body |= {"currency": "EUR", "total": "12.50", "issued_on": "2025-01-31", "lines": [{}, {}], **values}
        return self.post("/api/invoices", json=body, headers={"Idempotency-Key": key} if key else {})

    def summary(self):
        return self.get("/ledger/summary").json()


@pytest.fixture
def serve_erp(tmp_path):
    """Starts an ERP on a ledger file of this test; call it with the terms."""
    started = []

    def start(**terms) -> Client:
        given = Terms(slow=0.05, **terms)
        erp, thread = in_thread(ledger=tmp_path / "ledger.jsonl", terms=given)
        client = Client(thread.url, given)
        started.append((erp, thread, client))
        return client

    yield start
    for erp, thread, client in started:
        client.session.close()
        thread.close()
        erp.ledger.close()


@pytest.fixture
def erp(serve_erp) -> Client:
    return serve_erp()
