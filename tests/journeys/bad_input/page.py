"""The page of bad input, docs/bad-input.md, written from the tables of these tests.

`python -m tests.journeys.bad_input.page` prints it; a test compares it with what is committed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

KINDS = ("purge", "template", "rest_api", "extract", "evaluate", "file_storage")
WAYS = {
    "api_json": "The API, as JSON",
    "api_form": "The API, as a form",
    "command": "`manage.py import_documents`",
    "admin": "The upload page",
}

HEAD = """\
# Bad input

What goes wrong, what Waybill says to it word for word, and what to do. Tests write this page from their own tables
(`tests/journeys/bad_input/`), drive every row, and see each time that the next document goes through, and that no
traceback, no secret and no path of the program is shown.
"""


def page() -> str:
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    from tests.journeys.bad_input import test_configs, test_runs, test_sent

    yield HEAD
    yield "## Configs\n\nTold when a pipeline is published, at the stage and its line. Warnings do not keep it from being published."
    for kind in KINDS:
        yield f"\n### A config of {kind}"
        rows = (
            (case.given, [(f"{severity}, `{path}`", said) for severity, path, said in case.told], case.do)
            for case in test_configs.TABLES[kind]
        )
        yield from _table(("Given", "Where", "What is said", "What to do"), rows)
    yield "\n## Exports\n\nTold at the attempt and at its document, with the reason that the attempt failed for."
    for kind in KINDS:
        yield f"\n### A run of {kind}"
        runs = ((case.given, [(case.reason or "goes through", case.told)], case.do) for case in test_runs.TABLES[kind])
        yield from _table(("Given", "Reason", "What is said", "What to do"), runs)
    yield "\n## Documents on their way in\n\nThe API answers with problem details, the command ends with 1, the page shows its form again."
    for way, title in WAYS.items():
        yield f"\n### {title}"
        sent = (
            (case.given, [(f"{case.status}{f', `{case.place}`' if case.place else ''}", case.told)], case.do)
            for case in test_sent.WAYS[way][0].TABLE
        )
        yield from _table(("Given", "Answer", "What is said", "What to do"), sent)
    yield ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, list[tuple[str, str]], str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for given, told, do in rows:
        for index, (where, said) in enumerate(told):
            first, last = (given, do) if index == 0 else ("", "")
            cells = (first, where, _code(said), last)
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`" if text else "taken"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    sys.stdout.write(page())
