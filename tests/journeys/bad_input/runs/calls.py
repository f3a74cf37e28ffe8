"""Exports that cannot be: stages that call."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Run
from tests.servers.http import cut, reply

JSON = {"Content-Type": "application/json"}


def send(site, **config):
    request = {"url": f"{site.http.url}/in", "data": {"no": "@{document_id}"}, **config.pop("request", {})}
    kept = {"response_headers_reference_key": "reply_headers", "response_payload_reference_key": "reply"}
    return {
        "name": "Send", "kind": "rest_api", "destination": site.there, "config": {"request": request, **kept, **config}
    }  # fmt: skip


def calls(**config):
    return lambda site: [{**send(site, **config), "name": "Stage"}]


def books(site):
    """An invoice created at the pretend ERP, with a token of its own."""
    auth = {
        "url": f"{site.erp.url}/oauth/token",
        "data": {"grant_type": "client_credentials", "client_id": "waybill", "client_secret": "{secret.client_secret}"},
    }
    body = {"external_id": "@{document_id}", "number": "@{document_id}", "supplier": {"name": "@{sender_name}"},
            "total": "@{amount_total}", "currency": "EUR", "issued_on": "2025-01-31"}  # fmt: skip
    request = {"url": f"{site.erp.url}/api/invoices", "headers": JSON, "data": body}
    config = {"auth": auth, "request": request}
    return [{"name": "Stage", "kind": "rest_api", "destination": site.there, "config": config}]


REST_API = (
    Run(
        "a supplier that the ERP does not know",
        books,
        "rejected",
        "",
        "The other side answered 422 Unprocessable Entity: invoice.supplier: Supplier “Unknown Supplier Inc.” is unknown. Create it, or correct the name.",
        "Correct the supplier, then send again.",
        fields={"document_id": "INV-7", "sender_name": "Unknown Supplier Inc.", "amount_total": "12.50"},
    ),
    Run(
        "a client secret that is wrong",
        books,
        "misconfigured",
        "config.auth",
        "config.auth: The token endpoint answered 401 Unauthorized: invalid_client; The client or its secret is wrong.",
        "Correct the secret.",
        secrets={"client_secret": "wrong-hush"},
    ),
    Run(
        "a 400 with a reason",
        calls(),
        "rejected",
        "",
        "The other side answered 400 Bad Request: no is taken",
        "Correct what it names.",
        answers=[reply(400, {"error": "no is taken"})],
    ),
    Run(
        "a 404 with a page",
        calls(),
        "rejected",
        "",
        "The other side answered 404 Not Found: Not here",
        "Correct the address.",
        answers=[reply(404, "<html><h1>Not here</h1></html>")],
    ),
    Run(
        "a 401 without auth",
        calls(),
        "rejected",
        "",
        "The other side answered 401 Unauthorized",
        "Add `auth`, or a header.",
        answers=[reply(401)],
    ),
    Run(
        "a redirect",
        calls(),
        "misconfigured",
        "config.request.url",
        "config.request.url: The other side answered 302 Found. Redirects are not followed: put the address that answers into the config. It names /login.",
        "Put the new address in.",
        answers=[reply(302, headers={"Location": "/login"})],
    ),
    Run(
        "a 500",
        calls(),
        "unconfirmed",
        "",
        "The other side answered 500 Internal Server Error: oops. Whether it took the document is unknown.",
        "Look at the other side.",
        answers=[reply(500, "oops")],
    ),
    Run(
        "a 503 for too long",
        calls(),
        "exhausted",
        "",
        "The other side answered 503 Service Unavailable. Tried 6 times.",
        "Wait, then send again.",
        answers=[reply(503)],
    ),
    Run(
        "no answer",
        calls(),
        "unconfirmed",
        "",
        "erp.example took the request, then the connection was cut without an answer.",
        "Look at the other side.",
        answers=[cut()],
    ),
    Run(
        "half an answer",
        calls(),
        "unconfirmed",
        "",
        "erp.example took the request, but its answer was cut: 4 of 50 bytes came.",
        "Look at the other side.",
        answers=[cut(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")],
    ),
    Run(
        "an answer that is no HTTP",
        calls(),
        "unconfirmed",
        "",
        "erp.example took the request, but its answer is no valid HTTP.",
        "Look at the other side.",
        answers=[cut(b"SSH-2.0-OpenSSH_9.2\r\n")],
    ),
    Run(
        "a secret said back",
        calls(request={"headers": {"X-Key": "{secret.token}"}}),
        "rejected",
        "",
        "The other side answered 403 Forbidden: key [secret:token] is unknown",
        "Correct the key.",
        answers=[reply(403, {"error": "key token-hush is unknown"})],
    ),
    Run(
        "nobody there",
        lambda site: [
            {**send(site), "name": "Stage", "config": {"request": {"url": f"http://127.0.0.1:{site.closed}/in"}}}
        ],
        "exhausted",
        "",
        "away.example cannot be reached at port 22 (127.0.0.1: connection refused). Tried 6 times.",
        "Start it, then send again.",
    ),
    Run(
        "an address inside the network",
        lambda site: [{"name": "Stage", "kind": "rest_api", "config": {"request": {"url": f"{site.http.url}/in"}}}],
        "misconfigured",
        "",
        "127.0.0.1 is a loopback address, which Waybill does not reach unless told to. If it is meant, add 127.0.0.1/32 or its network to the destination's allowed networks.",
        "Allow it at a destination.",
    ),
    Run(
        "an address out of the document",
        calls(request={"url": "@{erp_url}"}),
        "rejected",
        "config.request.url",
        "config.request.url: 'file:///etc/passwd' is no address: it must begin with https:// or http://.",
        "Correct the field.",
        fields={"document_id": "1", "erp_url": "file:///etc/passwd"},
    ),
    Run(
        "a header out of the document",
        calls(request={"headers": {"X-No": "@{document_id}"}}),
        "rejected",
        "config.request.headers.X-No",
        "config.request.headers.X-No: A header's value may not hold a line break or control character.",
        "Correct the field.",
        fields={"document_id": "1\r\nX-Admin: yes"},
    ),
    Run(
        "a token endpoint that is a page",
        lambda site: [{**send(site, auth={"url": f"{site.http.url}/token", "data": {"user": "x"}}), "name": "Stage"}],
        "misconfigured",
        "config.auth",
        "config.auth: The token endpoint's reply is no JSON object.",
        "Correct the address.",
        answers=[reply(200, "<html>Log in</html>")],
    ),
)
