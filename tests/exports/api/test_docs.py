"""The pages in docs/api: every example is sent to a real server and answered as the page says."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from accounts import scope
from exports.api.codes import TYPES
from exports.api.filters import (
    AttemptFilters,
    DocumentFilters,
    ExchangeFilters,
    FailureGroupFilters,
    TriggerFilters,
)
from exports.states import Reason
from tests import builders
from tests.exports.api import world as worlds

DOCS = Path(__file__).parents[3] / "docs" / "api"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
FENCE = re.compile(r"```sh\n(.*?)\n# (\d{3})\n```", re.DOTALL)
FILES = {"inv-0043.pdf": b"%PDF-1.7\n"}


@dataclass
class Call:
    """What a curl command sends."""

    method: str = "GET"
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    parts: list[tuple[str, tuple[str | None, bytes | str, str | None]]] = field(default_factory=list)


def read(command: str, variables: dict[str, str]) -> Call:
    """A curl command as a request. Raises on an option that the pages do not use."""

    def known(match):
        return variables[match[1]]

    call, words = Call(), iter(shlex.split(command.replace("\\\n", " ")))
    assert next(words) == "curl"
    for word in words:
        match word:
            case "-X":
                call.method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                call.headers[name] = re.sub(r"\$(\w+)", known, value)
            case "--json":
                call.body = re.sub(r"\$(\w+)", known, next(words))
                call.headers["Content-Type"] = "application/json"
                call.method = "POST" if call.method == "GET" else call.method
            case "-F":
                name, _, value = next(words).partition("=")
                call.method = "POST"
                if value.startswith("@"):
                    path, _, media_type = value[1:].partition(";type=")
                    call.parts.append((name, (path, FILES[path], media_type)))
                else:
                    call.parts.append((name, (None, value, None)))
            case "-o":
                next(words)
            case _:
                assert not word.startswith("-"), word
                call.url = re.sub(r"\$(\w+)", known, word)
    return call


@pytest.fixture
def variables(transactional_db, live_server):
    """What the pages' variables stand for."""
    acme = builders.organization("Acme")
    with scope.to(acme.pk):
        world = worlds.make()
        world.queue.name, world.queue.schema = "AP invoices", None
        world.queue.save()
        world.stage.config = '{"keys": ["erp_reply"]}'
        world.stage.save()
        review = worlds.document_of(world.queue, status="to_review")
        unconfirmed = worlds.attempt_of(worlds.document_of(world.queue), world.revision, reason=Reason.UNCONFIRMED)
        still_open = worlds.attempt_of(worlds.document_of(world.queue), world.revision)
        waiting = worlds.attempt_of(
            worlds.document_of(world.queue, status="exporting"), world.revision, state="waiting", reason=""
        )
        queued = worlds.attempt_of(
            worlds.document_of(world.queue, status="exporting"), world.revision, state="queued", reason=""
        )
        subjects = {
            "DOCUMENT": world.document, "IN_REVIEW": review, "ATTEMPT": world.attempt, "UNCONFIRMED": unconfirmed,
            "OPEN": still_open, "WAITING": waiting, "QUEUED": queued, "JOB": world.job, "EXCHANGE": world.exchange, "ARTIFACT": world.artifact,
            "QUEUE": world.queue, "PIPELINE": world.pipeline, "STAGE": world.stage, "DESTINATION": world.destination,
            "GROUP": world.failure_group, "OTHER_GROUP": worlds.group_of(worlds.attempt_of(worlds.document_of(world.queue), world.revision)), "TRIGGER": world.trigger, "CHANNEL": world.channel, "MESSAGE": world.event_delivery,
        }  # fmt: skip
        key = worlds.caller("owner").key
    return {"WAYBILL": live_server.url, "KEY": key, **{name: str(row.pk) for name, row in subjects.items()}}


@pytest.mark.parametrize("page", PAGES)
def test_every_example_is_answered_as_the_page_says(variables, page):
    examples = FENCE.findall((DOCS / page).read_text())
    assert len(examples) == (DOCS / page).read_text().count("```sh"), "an example without its status"

    for command, status in examples:
        call = read(command, variables)
        reply = requests.request(
            call.method, call.url, headers=call.headers, data=call.body, files=call.parts or None, timeout=30
        )
        assert reply.status_code == int(status), f"{command}\n{reply.text[:2000]}"


def test_there_are_examples_of_everything():
    text = "".join((DOCS / page).read_text() for page in PAGES)

    assert len(FENCE.findall(text)) >= 45


def test_the_table_of_errors_is_the_table_of_codes():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+?) \| (.+?) \|$", (DOCS / "errors.md").read_text(), re.MULTILINE)

    assert rows == [(code, str(kind.status), kind.title, kind.advice) for code, kind in TYPES.items()]


@pytest.mark.parametrize(
    ("page", "filters"),
    [
        ("documents.md", DocumentFilters),
        ("attempts.md", AttemptFilters),
        ("exchanges.md", ExchangeFilters),
        ("triggers.md", TriggerFilters),
        ("failure_groups.md", FailureGroupFilters),
    ],
)
def test_every_filter_is_on_its_page(page, filters):
    text = (DOCS / page).read_text()

    assert [name for name in filters.base_filters if f"`{name}`" not in text] == []


def test_every_reason_is_explained():
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / "attempts.md").read_text(), re.MULTILINE)

    assert set(rows) == set(Reason)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / page).read_text())

    assert [link for link in links if not (DOCS / link).exists()] == []
