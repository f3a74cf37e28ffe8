"""Wrong configs of REST API stages."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Config

URL = "https://erp.example/invoices"


def call(**request):
    return {"request": {"url": URL, **request}}


TABLE = (
    Config("no request", {}, (("error", "config.request", "This is required and is not here."),), "Add `request`."),
    Config(
        "a request without an address",
        {"request": {}},
        (("error", "config.request.url", "This is required and is not here."),),
        "Add `url`.",
    ),
    Config(
        "a blank address",
        call(url=" "),
        (("error", "config.request.url", "This address is blank: fill it in before you publish."),),
        "Fill it in.",
    ),
    Config(
        "another scheme",
        call(url="ftp://erp.example/in"),
        (
            (
                "error",
                "config.request.url",
                "An address begins with https:// or http://, or with @{a_field} that holds one.",
            ),
        ),
        "Use https, or a file_storage stage.",
    ),
    Config(
        "an option in the wrong place",
        {**call(), "headers": {"A": "b"}},
        (("error", "config.headers", 'The key "headers" is unknown here. It belongs into request or auth.'),),
        "Move it into `request`.",
    ),
    Config(
        "a misspelt option",
        call(heders={"A": "b"}),
        (("error", "config.request.heders", 'The key "heders" is unknown here. Did you mean "headers"?'),),
        "Correct the name.",
    ),
    Config(
        "a method that is none",
        call(method="SEND IT"),
        (("error", "config.request.method", "'SEND IT' is no HTTP method that can be sent."),),
        "Use POST, PUT, …",
    ),
    Config(
        "a header with a line break",
        call(headers={"X-A": "a\r\nX-B: b"}),
        (("error", "config.request.headers.X-A", "A header's value may not hold a line break or control character."),),
        "Write two headers.",
    ),
    Config(
        "a header name with a space",
        call(headers={"X A": "b"}),
        (("error", 'config.request.headers["X A"]', "'X A' is no valid header name."),),
        "Correct the name.",
    ),
    Config(
        "an unknown secret",
        call(headers={"Authorization": "Bearer {secret.tokn}"}),
        (
            (
                "error",
                "config.request.headers.Authorization",
                'There is no secret "tokn". Keep it at the pipeline or at the organization.',
            ),
        ),
        "Add it, or correct it.",
    ),
    Config(
        "a token that nothing fetches",
        call(headers={"A": "{secret.access_token}"}),
        (
            (
                "error",
                "config.request.headers.A",
                'The secret "access_token" is written by the stage\'s own "auth", and this stage has none. Add "auth", or keep a secret of that name.',
            ),
        ),
        "Add `auth`.",
    ),
    Config(
        "an artifact that nobody writes",
        {**call(), "export_reference_key": "outt"},
        (("error", "config.export_reference_key", 'Nothing before this stage writes "outt". Did you mean "out"?'),),
        "Correct the key.",
    ),
    Config(
        "a body of no artifact",
        call(content="#{file_content}"),
        (("error", "config.request", "#{file_content} is the artifact of export_reference_key: name one."),),
        "Add `export_reference_key`.",
    ),
    Config(
        "a field that is not there",
        call(content="@{document_idd}"),
        (
            (
                "error",
                "config.request.content",
                'The schema of "Invoices" has no field "document_idd". Did you mean "document_id"?',
            ),
        ),
        "Correct the id.",
    ),
    Config(
        "an unknown operator",
        call(data={"a": {"$IFF$": {}}}),
        (("error", "config.request.data", "a.$IFF$: There is no operator $IFF$."),),
        "Correct the name.",
    ),
    Config(
        "an unknown mode",
        {**call(), "mode": "fast"},
        (("error", "config.mode", "This must be 'wait' or 'retry'."),),
        "Use wait or retry.",
    ),
    Config(
        "a time of nothing",
        {**call(), "timeout_s": 0},
        (("error", "config.timeout_s", "This must be more than 0."),),
        "Give it seconds.",
    ),
    Config(
        "statuses as text",
        {**call(), "status_code_resolver": {"error": ["4xx"]}},
        (("error", "config.status_code_resolver.error[0]", "This must be a whole number."),),
        "List numbers.",
    ),
    Config(
        "a status that is both",
        {**call(), "status_code_resolver": {"error": [409], "warning": [409]}},
        (("error", "config.status_code_resolver", "409 is an error here and a warning: choose one."),),
        "Choose.",
    ),
    Config(
        "both replies under one key",
        {**call(), "response_headers_reference_key": "r", "response_payload_reference_key": "r"},
        (
            (
                "error",
                "config.response_payload_reference_key",
                'Headers and payload of the reply cannot both be kept under "r".',
            ),
        ),
        "Name two keys.",
    ),
    Config(
        "a repeat that nobody would recognise",
        {**call(), "recovery": "idempotent", "idempotency_header": ""},
        (
            (
                "error",
                "config.idempotency_header",
                "The recovery idempotent needs a header for the key: name one.",
            ),
        ),
        "Name the header.",
    ),
    Config(
        "a probe that reads nothing",
        {**call(), "probe": {"request": {"url": URL}, "found": "status =="}},
        (("error", "config.probe.found", "It cannot be read: it ends too early."),),
        "Finish the expression.",
    ),
    Config(
        "an auth without an address",
        {**call(), "auth": {"data": {"user": "x"}}},
        (("error", "config.auth.url", "This is required and is not here."),),
        "Add `url`.",
    ),
    Config(
        "a blank password",
        {**call(), "auth": {"url": URL, "data": {"password": ""}}},
        (
            (
                "warning",
                "config.auth.data.password",
                "This is blank and would be sent empty: fill it in, or delete the line.",
            ),
        ),
        "Write {secret.password}.",
    ),
    Config(
        "an example's placeholder",
        call(url="https://__change_me__/in"),
        (("error", "config.request.url", "__change_me__ is a placeholder of the example: put the real value here."),),
        "Put the host in.",
    ),
)
