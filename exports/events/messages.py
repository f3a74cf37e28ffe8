"""One event in the form of each kind of channel: signed JSON, Slack's blocks, an Adaptive Card, a mail. Pure.

Whatever a document, a reply or a person brought in is text to each of them, never markup.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from exports.events import titles

NOTE = "Sent by Waybill"


def webhook(payload: Mapping[str, Any]) -> bytes:
    """{"type", "timestamp", "data"}, the same bytes for every try."""
    return _json(payload)


def slack(payload: Mapping[str, Any]) -> bytes:
    """Blocks for Slack's incoming webhooks, and the text that notifications show."""
    data = payload["data"]
    title, message, facts = data["title"], data.get("message") or "", titles.facts(data)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(titles.cut(title, 150))}]
    if message:
        blocks.append({"type": "section", "text": _plain(titles.cut(message, 2900))})
    if facts:
        pairs = [_plain(f"{label}\n{text}") for label, text in facts[:10]]  # Slack takes ten
        blocks.append({"type": "section", "fields": pairs})
    if url := data.get("url"):
        button = {"type": "button", "text": _plain("Open in Waybill"), "url": url}
        blocks.append({"type": "actions", "elements": [button]})
    blocks.append({"type": "context", "elements": [_plain(f"{NOTE} · {payload['type']} · {payload['timestamp']}")]})
    shown = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _json({"text": shown, "blocks": blocks})


def teams(payload: Mapping[str, Any]) -> bytes:
    """An Adaptive Card in the message that a Workflows webhook of Teams takes."""
    data = payload["data"]
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": _unmarked(data["title"]), "weight": "Bolder", "size": "Medium", "wrap": True}
    ]
    if message := data.get("message"):
        body.append({"type": "TextBlock", "text": _unmarked(titles.cut(message, 2900)), "wrap": True})
    if facts := titles.facts(data):
        body.append({"type": "FactSet", "facts": [{"title": _unmarked(a), "value": _unmarked(b)} for a, b in facts]})
    note = f"{NOTE} · {payload['type']} · {payload['timestamp']}"
    body.append({"type": "TextBlock", "text": _unmarked(note), "isSubtle": True, "size": "Small", "wrap": True})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if url := data.get("url"):
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Waybill", "url": url}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return _json({"type": "message", "attachments": [attachment]})


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail before it is dressed for the wire. `text` and `html` say the same."""

    subject: str
    text: str
    html: str


def mail(payload: Mapping[str, Any]) -> Mail:
    """One line that a clerk understands without opening it, then what is known."""
    data = payload["data"]
    title, message, facts = data["title"], data.get("message") or "", titles.facts(data)
    url = data.get("url") or ""
    lines = [title, "", *([message, ""] if message else []), *(f"{label}: {text}" for label, text in facts)]
    lines += ["", *([url, ""] if url else []), "--", f"{NOTE}. {payload['type']}, {payload['timestamp']}"]
    rows = "".join(
        f'<tr><td style="padding:2px 12px 2px 0;color:#555">{html.escape(label)}</td><td>{html.escape(text)}</td></tr>'
        for label, text in facts
    )
    link = f'<p><a href="{html.escape(url)}">Open in Waybill</a></p>' if url else ""
    said = f'<p style="white-space:pre-wrap">{html.escape(message)}</p>' if message else ""
    page = (
        '<html><body style="font-family:sans-serif;font-size:15px;line-height:1.5">'
        f'<p style="font-size:17px;font-weight:600">{html.escape(title)}</p>{said}<table>{rows}</table>{link}'
        f'<p style="color:#555;font-size:13px">{NOTE}. {html.escape(payload["type"])}, '
        f"{html.escape(payload['timestamp'])}</p></body></html>"
    )
    return Mail(titles.one_line(title), "\n".join(lines), page)


def dressed(content: Mail, *, sender: str, to: list[str], message_id: str, host: str, at: datetime) -> EmailMessage:
    """The mail as it goes out. Its Message-ID is the message's own, so that a second copy is known as one."""
    made = EmailMessage()
    made["From"] = sender
    made["To"] = ", ".join(to)
    made["Subject"] = content.subject
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{message_id}@{host}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    made.set_content(content.text)
    made.add_alternative(content.html, subtype="html")
    return made


_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~<>-])")


def _unmarked(text: str) -> str:
    """Text in a card: its Markdown is switched off, links above all."""
    return _MARKS.sub(r"\\\1", text)


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
