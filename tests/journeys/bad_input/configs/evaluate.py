"""Wrong configs of evaluate stages."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Config


def reply(**check):
    return {"replies": [{"call": "Create", "headers_reference_key": "reply_headers", **check}]}


TABLE = (
    Config(
        "nothing",
        {},
        (("error", "config", "There is nothing to judge by: give condition, checks or replies."),),
        "Add one of the three.",
    ),
    Config(
        "half an expression",
        {"condition": "field.api_status >="},
        (("error", "config.condition", "It cannot be read: it ends too early."),),
        "Finish it.",
    ),
    Config(
        "one = instead of two",
        {"condition": "field.api_status = '201'"},
        (
            (
                "error",
                "config.condition",
                "It cannot be read: invalid syntax (column 18). Two values are compared by ==.",
            ),
        ),
        "Write ==.",
    ),
    Config(
        "a way to Python",
        {"condition": "__import__('os').system('id')"},
        (("error", "config.condition", 'There is no function "__import__".'),),
        "Expressions only compare.",
    ),
    Config(
        "an unknown function",
        {"condition": "lenn(field.api_status) > 1"},
        (("error", "config.condition", 'There is no function "lenn". Did you mean len?'),),
        "Correct the name.",
    ),
    Config(
        "a field that is not there",
        {"condition": "field.api_statsu == '201'"},
        (
            (
                "error",
                "config.condition",
                'The schema of "Invoices" has no field "api_statsu". Did you mean "api_status"?',
            ),
        ),
        "Correct the id.",
    ),
    Config(
        "a check without a message",
        {"checks": [{"condition": "True"}]},
        (("error", "config.checks[0].message", "This is required and is not here."),),
        "Say what is said.",
    ),
    Config(
        "a blank condition",
        {"checks": [{"condition": " ", "message": "x"}]},
        (("error", "config.checks[0].condition", "This is blank: fill it in."),),
        "Write one.",
    ),
    Config(
        "an unknown type",
        {"checks": [{"condition": "True", "message": "x", "type": "fatal"}]},
        (("error", "config.checks[0].type", "This must be 'error', 'warning' or 'info'."),),
        "Choose one.",
    ),
    Config(
        "a status of two sources",
        reply(status_code_field="api_status"),
        (
            (
                "error",
                "config.replies[0]",
                "Say once where the status code is: status_code_field or headers_reference_key.",
            ),
        ),
        "Keep one.",
    ),
    Config(
        "a path that is none",
        reply(errors_path="errors["),
        (("error", "config.replies[0].errors_path", 'This is no JMESPath: Incomplete expression: "errors[".'),),
        "Close the bracket.",
    ),
    Config(
        "a reply that nobody keeps",
        reply(payload_reference_key="repyl"),
        (
            (
                "error",
                "config.replies[0].payload_reference_key",
                'Nothing before this stage writes "repyl". Did you mean "reply"?',
            ),
        ),
        "Correct the key.",
    ),
    Config(
        "a number that is none",
        reply(failed_from="four hundred"),
        (("error", "config.replies[0].failed_from", "This must be a whole number."),),
        "Write 400.",
    ),
    Config(
        "nothing to judge",
        {"condition": "True"},
        (
            (
                "warning",
                "run_after",
                'No stage before this one sends anything, so there is no answer to judge. See its "run_after".',
            ),
        ),
        "Run after the call.",
        after=(),
    ),
)
