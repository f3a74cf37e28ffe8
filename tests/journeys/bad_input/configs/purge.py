"""Wrong configs of purge stages."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Config

TABLE = (
    Config(
        "no JSON",
        '{"keys": ["a"',
        (("error", "config.keys", "line 1, column 14: The [ opened on line 1 is never closed."),),
        "Close the bracket.",
    ),
    Config(
        "a comment",
        '{\n  // all of it\n  "keys": []\n}',
        (("error", "config", "line 2, column 3: JSON has no comments; delete the one that begins with // here."),),
        "Delete the comment.",
    ),
    Config(
        "a list",
        [],
        (("error", "config", "A stage's config is one JSON object: it begins with { and ends with }."),),
        "Write an object.",
    ),
    Config(
        "an empty text",
        "",
        (("error", "config", "line 1, column 1: There is no JSON here. The least is {}."),),
        "Write {} for no options.",
    ),
    Config(
        "a misspelt option",
        {"prefxi": "erp_"},
        (("error", "config.prefxi", 'The key "prefxi" is unknown here. Did you mean "prefix"?'),),
        "Correct the name.",
    ),
    Config(
        "keys as a text",
        {"keys": "erp_payload"},
        (("error", "config.keys", "This must be a list: [ … ]."),),
        "Put it into a list.",
    ),
    Config(
        "a number among the keys",
        {"keys": [1]},
        (("error", "config.keys[0]", "This must be text, in double quotes."),),
        "Put it into quotes.",
    ),
    Config(
        "a blank key",
        {"keys": [" "]},
        (
            (
                "error",
                "config.keys[0]",
                "This reference key is blank: name one, or leave keys out to detach everything.",
            ),
        ),
        "Name the key, or leave `keys` out.",
    ),
    Config(
        "a purge beside what it would take",
        {},
        (("error", "run_after", 'Runs in parallel with "Stage", which would take "out" away: put "Stage" here.'),),
        "Let the purge run first.",
        after=(),
    ),
)
