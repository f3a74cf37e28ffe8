"""What a person sees at the pretend ERP: the books, and every request in the order in which they came."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape

from demo.ledger import Entry, Ledger

LATEST = 200
"""Rows shown of each table; the ledger file has them all."""

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 96rem; padding: 0 1.5rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; }
p { margin: .3rem 0; max-width: 60rem; }
.counts { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0; padding: 0; list-style: none; }
.counts li { border: 1px solid var(--line); border-radius: .6rem; padding: .6rem 1rem; min-width: 8rem; }
.counts b { display: block; font-size: 1.7rem; }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .4rem .8rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { background: var(--soft); } td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr:last-child td { border-bottom: 0; } code { font-size: .85rem; }
.bad { color: #b3261e; } @media (prefers-color-scheme: dark) { .bad { color: #ff8a80; } }
"""


def entries(ledger: Ledger) -> str:
    """The ledger as it stands in its file: a JSON object a line."""
    return "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in list(ledger.entries))


def books(ledger: Ledger) -> str:
    """The page at `/`."""
    summary = ledger.summary()
    doubles = len(summary["duplicates"]["external_ids"])
    counts = [
        (summary["booked"], "invoices booked", ""),
        (sum(booked.state == "submitted" for booked in ledger.invoices.values()), "of them submitted", ""),
        (summary["requests"], "requests received", ""),
        (doubles, "done twice", "bad" if doubles else ""),
    ]
    tiles = "".join(f'<li class="{style}"><b>{number}</b>{text}</li>' for number, text, style in counts)
    invoices = [
        (
            booked.id,
            booked.external_id,
            booked.facts.get("number", ""),
            booked.facts.get("supplier", ""),
            f"{booked.facts.get('total', '')} {booked.facts.get('currency', '')}",
            booked.state,
            ", ".join(str(file["name"] or file["media_type"]) for file in booked.attachments),
            str(len(booked.links)),
        )
        for booked in reversed(list(ledger.invoices.values())[-LATEST:])
    ]
    requests = [_request(entry) for entry in reversed(ledger.entries[-LATEST:])]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pretend ERP</title><style>{STYLE}</style></head><body>
<h1>Pretend ERP</h1>
<p>What this ERP has booked and every request that it received. It never looks whether it has seen a document before:
whatever is sent twice is booked twice and counted below.</p>
<ul class="counts">{tiles}</ul>
<h2>Invoices</h2>
{_table("Id,External id,Number,Supplier,Total,State,Attachments,Links", invoices, number=4)}
<h2>Requests, newest first</h2>
{_table("Time,Request,Document,Answer,Outcome,Booked,Bytes,Idempotency-Key", requests, number=6)}
<p>All of it as data: <a href="/ledger">/ledger</a>, counted: <a href="/ledger/summary">/ledger/summary</a>.</p>
</body></html>"""


def _request(entry: Entry) -> tuple[str, ...]:
    at = datetime.fromtimestamp(entry.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    answer = str(entry.status) if entry.status else "none: connection cut"
    effect = "yes" if entry.effect else ""
    request = f"{entry.method} {entry.path}"
    return at, request, entry.external_id, answer, entry.outcome, effect, str(entry.size), entry.key


def _table(titles: str, rows: Iterable[tuple[str, ...]], *, number: int) -> str:
    body = "".join(f"<tr>{''.join(_cell(cell, right=i == number) for i, cell in enumerate(row))}</tr>" for row in rows)
    head = "".join(f"<th>{title}</th>" for title in titles.split(","))
    if not body:
        return "<p>Nothing yet.</p>"
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str, *, right: bool) -> str:
    return f"<td{' class=number' if right else ''}>{escape(str(text))}</td>"
