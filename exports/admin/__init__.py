"""The admin of what happened: documents, attempts, bulk jobs. Thin: each button asks a verb of exports."""

from exports.admin import attempts, channels, documents, eventdeliveries, groups, hints, jobs

__all__ = ["attempts", "channels", "documents", "eventdeliveries", "groups", "hints", "jobs"]
