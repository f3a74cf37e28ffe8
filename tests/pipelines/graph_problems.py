"""Drafts with one thing wrong each, and every problem that is told of them: severity, stage, path, words."""

from __future__ import annotations

import json

from pipelines.definition import StageDraft


def stage(name, kind="make", config=None, after=(), **values):
    text = config if isinstance(config, str) else json.dumps(config or {})
    return StageDraft(name, kind, text, tuple(after), **values)


def writes(name, key="k", **values):
    return stage(name, config={"write_key": key}, **values)


def reads(name, key="k", **values):
    return stage(name, "send", {"read_key": key}, **values)


def takes(name, *keys, **values):
    return stage(name, config={"takes_keys": keys}, **values)


TABLE = {
    "no stages": ([], [("error", "", "", "The pipeline has no stages. Add one.")]),
    "none active": (
        [stage("A", active=False)],
        [("error", "", "", "No stage is active, so nothing would run. Activate one.")],
    ),
    "no name": ([stage("  ")], [("error", "", "name", "Stage number 1 has no name. Give it one.")]),
    "two of a name": (
        [stage("A"), stage("A")],
        [("error", "A", "name", 'Two stages are called "A". Rename one of them.')],
    ),
    "a loop": (
        [stage("A", after=["C"]), stage("B", after=["A"]), stage("C", after=["B"]), stage("D", after=["C"])],
        [("error", "A", "run_after", 'These stages wait for each other in a circle: "A" → "B" → "C" → "A". Cut it.')],
    ),
    "a loop of one": (
        [stage("A", after=["A"])],
        [("error", "A", "run_after", 'These stages wait for each other in a circle: "A" → "A". Cut it.')],
    ),
    "unknown stage": (
        [stage("Render"), stage("B", after=["Rendr"]), stage("C", after=["Xyz"])],
        [
            ("error", "B", "run_after", '"Rendr" is no stage of this pipeline. Did you mean "Render"?'),
            ("error", "C", "run_after", '"Xyz" is no stage of this pipeline. Delete it, or add that stage.'),
        ],
    ),
    "unknown kind": (
        [stage("A", "tempalte")],
        [("error", "A", "kind", 'No stage kind is called "tempalte". Did you mean "template"?')],
    ),
    "a key that nobody writes": (
        [writes("W", "erp_paylod"), reads("R", "erp_payload", after=["W"])],
        [("error", "R", "config.read_key", 'Nothing before this stage writes "erp_payload". Did you mean "erp_paylod"?')],
    ),
    "a key that is written later": (
        [reads("R"), writes("W", after=["R"])],
        [
            (
                "error", "R", "config.read_key",
                'Nothing before this stage writes "k". "W" writes it, but runs after this stage: turn their order round.',
            )
        ],
    ),
    "a key that is written beside": (
        [writes("W"), reads("R")],
        [
            (
                "error", "R", "config.read_key",
                'Nothing before this stage writes "k". "W" writes it, but in parallel: put "W" into "run_after".',
            )
        ],
    ),
    "a key that an inactive stage would write": (
        [writes("W", active=False), reads("R", after=["W"])],
        [
            (
                "error", "R", "config.read_key",
                'Nothing before this stage writes "k". "W" would write it, but is not active.',
            )
        ],
    ),
    "a key that the stage itself writes": (
        [stage("R", "send", {"read_key": "k", "write_key": "k"})],
        [
            (
                "error", "R", "config.read_key",
                'Nothing before this stage writes "k". This stage writes it itself, which is too late.',
            )
        ],
    ),
    "a key that two write in no order": (
        [writes("A"), writes("B")],
        [
            (
                "error", "B", "config.write_key",
                ('"A" writes "k" too, and nothing says which comes last. Put one into the other\'s "run_after", '
                "or give each its own key."),
            )
        ],
    ),
    "a key that belongs to what came": (
        [writes("W", "received.1.1")],
        [
            (
                "error", "W", "config.write_key",
                'Keys that begin with "received." are for files that come with a document. Choose another.',
            )
        ],
    ),
    "purge beside its prey": (
        [takes("Purge", "k"), writes("W"), reads("R", after=["W"])],
        [
            (
                "error", "W", "run_after",
                'Runs in parallel with "Purge", which would take "k" away: put "Purge" here.',
            )
        ],
    ),
    "purge between": (
        [writes("W"), takes("Purge", "k", after=["W"]), reads("R", after=["Purge"])],
        [
            (
                "error", "R", "config.read_key",
                '"Purge" takes "k" away before this stage reads it. Let it run first of all.',
            )
        ],
    ),
    "nothing to judge": (
        [stage("J", "evaluate")],
        [
            (
                "warning", "J", "run_after",
                'No stage before this one sends anything, so there is no answer to judge. See its "run_after".',
            )
        ],
    ),
    "unknown secret": (
        [stage("A", "send", {"condition": "{secret.pasword}"}), stage("B", config={"condition": "{secret.}"})],
        [
            (
                "error", "A", "config.condition",
                'There is no secret "pasword". Did you mean "password"? Keep it at the pipeline or at the organization.',
            ),
            ("error", "B", "config.condition", "{secret.} names no secret: write {secret.password}, for example."),
        ],
    ),
    "unknown secret at a destination": (
        [stage("A", "send", {"condition": "{secret.x}"}, destination_id=1, destination_name="ERP")],
        [
            (
                "error", "A", "config.condition",
                'There is no secret "x". Keep it at the destination "ERP", at the pipeline or at the organization.',
            )
        ],
    ),
    "access_token without auth": (
        [stage("A", "send", {"condition": "{secret.access_token}"})],
        [
            (
                "error", "A", "config.condition",
                ('The secret "access_token" is written by the stage\'s own "auth", and this stage has none. '
                'Add "auth", or keep a secret of that name.'),
            )
        ],
    ),
    "a misspelt key": (
        [stage("A", config={"wrte_key": "k"})],
        [("error", "A", "config.wrte_key", 'The key "wrte_key" is unknown here. Did you mean "write_key"?')],
    ),
    "a misspelt key within": (
        [stage("A", config={"items": [{"hedaers": {}}]})],
        [("error", "A", "config.items[0].hedaers", 'The key "hedaers" is unknown here. Did you mean "headers"?')],
    ),
    "a key like no other": (
        [stage("A", config={"request": {"zzz": 1}})],
        [
            (
                "error", "A", "config.request.zzz",
                'The key "zzz" is unknown here. Known here: "headers", "method" and "url".',
            )
        ],
    ),
    "a value of a short list": (
        [stage("A", config={"request": {"method": "PSOT"}})],
        [("error", "A", "config.request.method", "This must be 'POST' or 'PUT'. Did you mean \"POST\"?")],
    ),
    "a placeholder of the example": (
        [stage("A", config={"condition": "x", "request": {"url": "https://__change_me__/a", "headers": {"a": "__change_me__"}}})],
        [
            ("error", "A", "config.request.url", "__change_me__ is a placeholder of the example: put the real value here."),
            ("error", "A", "config.request.headers.a", "__change_me__ is a placeholder of the example: put the real value here."),
        ],
    ),
    "a blank address": (
        [stage("A", config={"request": {"url": " ", "headers": {"X": ""}}})],
        [
            ("error", "A", "config.request.url", "This address is blank: fill it in before you publish."),
            (
                "warning", "A", "config.request.headers.X",
                "This is blank and would be sent empty: fill it in, or delete the line.",
            ),
        ],
    ),
    "a comment": (
        [stage("A", config='{\n  "condition": "x", // why\n}')],
        [("error", "A", "config", "line 2, column 21: JSON has no comments; delete the one that begins with // here.")],
    ),
    "a comment in a block": (
        [stage("A", config="/* why */ {}")],
        [("error", "A", "config", "line 1, column 1: JSON has no comments; delete the one that begins with /* here.")],
    ),
    "a trailing comma": (
        [stage("A", config='{\n  "condition": "x",\n}')],
        [("error", "A", "config", "line 2, column 19: The comma before } is one too many: delete it.")],
    ),
    "a key twice": (
        [stage("A", config='{"request": {\n"url": "a",\n"url": "b"}}')],
        [
            (
                "error", "A", "config.request.url",
                'line 3, column 1: The key "url" stands twice here (first on line 2). Keep one.',
            )
        ],
    ),
    "no object": (
        [stage("A", config="[]")],
        [("error", "A", "config", "A stage's config is one JSON object: it begins with { and ends with }.")],
    ),
    "errors of an inactive stage only warn": (
        [stage("A"), stage("B", config='{"wrte_key": 1}', active=False)],
        [("warning", "B", "config.wrte_key", 'The key "wrte_key" is unknown here. Did you mean "write_key"?')],
    ),
}  # fmt: skip
