"""The form changes one value of the JSON as it was typed: a property test of the editor's own text edits, in the browser.

Every case is run by the bundle that is committed; what is right is worked out here, in another language.
"""

from __future__ import annotations

import copy
import json
import random
import re

SPACES = ["", " ", "\n", "\n  ", "\t", "  \n\n "]
COMMENTS = ["// one, two: {3}\n", "/* a ] b */", "# why, not\n", "/* 'x' */ "]
KEYS = ["a", "b", "x y", "ключ", 'q"u', "c"]


def value(dice: random.Random, depth: int = 0):
    kinds = ["text", "number", "word", "list", "object"] if depth < 3 else ["text", "number", "word"]
    match dice.choice(kinds):
        case "text":
            return dice.choice(["", "x", "// no comment", 'a "quoted" one', "línea\nnueva", "{{ field.a }}", "\\"])
        case "number":
            return dice.choice([0, 1, -7, 2.5, 1000000])
        case "word":
            return dice.choice([True, False, None])
        case "list":
            return [value(dice, depth + 1) for _ in range(dice.randint(0, 3))]
        case _:
            return {key: value(dice, depth + 1) for key in dice.sample(KEYS, dice.randint(0, 3))}


def typed(dice: random.Random, given) -> str:
    """The value as somebody might have typed it: any white space, comments between."""

    def gap() -> str:
        text = dice.choice(SPACES)
        if dice.random() < 0.25:
            text += dice.choice(COMMENTS)
        return text

    if isinstance(given, dict):
        inner = [f"{gap()}{json.dumps(key)}{gap()}:{gap()}{typed(dice, each)}{gap()}" for key, each in given.items()]
        return "{" + (",".join(inner) or gap()) + "}"
    if isinstance(given, list):
        return "[" + (",".join(f"{gap()}{typed(dice, each)}{gap()}" for each in given) or gap()) + "]"
    return json.dumps(given, ensure_ascii=dice.random() < 0.5)


def places(given, path=()):
    """Every path in the value, the root's left out."""
    pairs = given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ()
    for key, inner in pairs:
        yield [*path, key]
        yield from places(inner, (*path, key))


def reached(given, path):
    for step in path:
        given = given[step]
    return given


STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
TOKEN = re.compile(rf"{STRING.pattern}|//[^\n]*|/\*.*?\*/|#[^\n]*", re.DOTALL)


def comments(text: str) -> list[str]:
    return [found for found in TOKEN.findall(text) if not found.startswith('"')]


def without_comments(text: str) -> str:
    return TOKEN.sub(lambda found: found[0] if found[0].startswith('"') else "", text)


def cases(number: int):
    dice = random.Random(20)
    while number:
        root = {key: value(dice) for key in dice.sample(KEYS, dice.randint(0, 4))}
        known = list(places(root))
        verb = dice.choice(["set", "set", "remove", "add"])
        wanted = copy.deepcopy(root)
        new = value(dice, 1)
        if verb == "add":
            parents = [[], *(path for path in known if isinstance(reached(root, path), dict | list))]
            path = dice.choice(parents)
            parent = reached(wanted, path)
            if isinstance(parent, list):
                path = [*path, len(parent)]
                parent.append(new)
            else:
                path = [*path, "new"]
                parent["new"] = new
        elif not known:
            continue
        else:
            path = dice.choice(known)
            parent = reached(wanted, path[:-1])
            if verb == "set":
                parent[path[-1]] = new
            else:
                del parent[path[-1]]
        number -= 1
        yield {"text": typed(dice, root), "path": path, "verb": verb, "new": new, "wanted": wanted, "root": root}


RUN = """cases => cases.map(one => {
  const { jsontext } = window.waybillEditor;
  const changes = one.verb === "remove" ? jsontext.remove(one.text, one.path) : jsontext.set(one.text, one.path, one.new);
  const text = jsontext.apply(one.text, changes);
  const read = jsontext.parse(one.text);
  return { text, changes, read: read && jsontext.plain(read) };
})"""


def test_an_edit_changes_one_value_and_keeps_the_rest_as_it_was_typed(sit_down, queue):
    stage = queue.pipeline.stages.get()
    page = sit_down("integrator").open(f"/admin/pipelines/pipeline/{queue.pipeline_id}/stages/{stage.pk}/")
    given = list(cases(600))

    made = page.evaluate(RUN, given)

    for case, result in zip(given, made, strict=True):
        assert result["read"] == case["root"], case
        assert json.loads(without_comments(result["text"])) == case["wanted"], (case, result["text"])
        old = case["text"]
        if case["verb"] == "add":
            assert comments(result["text"]) == comments(old), (case, result["text"])
            kept = [change for change in result["changes"] if old[change["from"] : change["to"]].strip()]
            assert kept == [], (case, result["text"])
        elif case["verb"] == "set":
            assert len(result["changes"]) == 1, case
            change = result["changes"][0]
            assert json.loads(without_comments(old[change["from"] : change["to"]])) == reached(
                case["root"], case["path"]
            )
        else:
            gone = "".join(old[change["from"] : change["to"]] for change in result["changes"])
            inside = comments(gone)
            assert sorted(comments(result["text"]) + inside) == sorted(comments(old)), (case, result["text"])


def test_text_that_is_no_json_is_left_alone(sit_down, queue):
    stage = queue.pipeline.stages.get()
    page = sit_down("integrator").open(f"/admin/pipelines/pipeline/{queue.pipeline_id}/stages/{stage.pk}/")
    broken = ["", "{", '{"a": }', "{a: 1}", '{"a": 1} x', "[1, 2", '"\n"', "[" * 500, "01", "nul"]

    made = page.evaluate(
        """texts => texts.map(text => [window.waybillEditor.jsontext.parse(text), window.waybillEditor.jsontext.set(text, ["a"], 1)])""",
        broken,
    )

    assert made == [[None, []]] * len(broken)
