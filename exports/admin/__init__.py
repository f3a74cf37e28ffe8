"""The admin of what happened: documents, attempts, bulk jobs. Thin: each button asks a verb of exports."""

from exports.admin import (
    alerts,
    attempts,
    channels,
    documents,
    eventdeliveries,
    groups,
    hints,
    jobs,
    rossumaccounts,
    sources,
    subscriptions,
)

__all__ = [
    "alerts",
    "attempts",
    "channels",
    "documents",
    "eventdeliveries",
    "groups",
    "hints",
    "jobs",
    "rossumaccounts",
    "sources",
    "subscriptions",
]
