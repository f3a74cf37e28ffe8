"""What a list says that has no rows: what would stand there, and what brings it there."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()

NOTHING = {
    "accounts.apikey": ("No API key yet", "A key lets a program bring documents in and ask what became of them."),
    "accounts.membership": ("Nobody yet", "Members work in this organization, each with a role."),
    "audit.event": ("Nothing happened yet", "Whatever is changed from now on stands here, with who did it and why."),
    "exports.alert": ("No alert", "Alert rules say when somebody should look. What they find stands here."),
    "exports.eventdelivery": (
        "Nothing was told yet",
        "Channels carry events to people and programs. Every message and what was answered stands here.",
    ),
    "exports.extensioncall": (
        "No hook has called yet",
        "A Rossum account lets Rossum's hooks call Waybill. Every call and what became of it stands here.",
    ),
    "exports.hint": (
        "No hint of your own yet",
        "A hint tells whoever looks at a failure what to do. Where none fits, Waybill gives its own advice.",
    ),
    "exports.job": (
        "No bulk job yet",
        "Choose documents or attempts in their lists. What is done to many at once is kept here, with its report.",
    ),
    "exports.push": (
        "Nothing was pushed yet",
        "A subscription pushes a document's data when something happens to it. Every push stands here.",
    ),
    "pipelines.channel": ("No channel yet", "A channel tells a team or a program what happens: by e-mail or webhook."),
    "pipelines.destination": ("No destination yet", "A destination is a system that documents are exported to."),
    "pipelines.pipeline": (
        "No pipeline yet",
        "A pipeline's stages say what is sent where, and how the answer is read.",
    ),
    "pipelines.queue": ("No queue yet", "A queue is a stream of documents that share their fields and a pipeline."),
    "pipelines.rossumaccount": (
        "No Rossum account yet",
        "An account lets Rossum's export hooks call Waybill in the place of Rossum's own extensions.",
    ),
    "pipelines.schema": ("No schema yet", "A schema names the fields of a queue's documents and their types."),
    "pipelines.secret": (
        "No secret yet",
        "Passwords and tokens are sealed here. Stages name them and nobody reads them.",
    ),
    "pipelines.source": (
        "No source yet",
        "A source brings documents in by itself: from Rossum, Aluma, a folder or a webhook.",
    ),
    "pipelines.subscription": (
        "No subscription yet",
        "A subscription pushes a document's data through a pipeline when something happens to it.",
    ),
    "pipelines.trigger": (
        "No trigger yet",
        "A trigger begins exports by itself: when a document is confirmed, or by time.",
    ),
}


@register.simple_tag
def nothing_in(opts: Any) -> dict[str, str]:
    """Heading and sentence for a list of this model that has no rows at all."""
    heading, sentence = NOTHING.get(opts.label_lower, (f"No {opts.verbose_name_plural} yet", ""))
    return {"heading": heading, "sentence": sentence}
