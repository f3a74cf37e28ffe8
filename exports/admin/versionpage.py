"""One version of a document's fields, and what it changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from exports.admin import fieldtables
from exports.models import Document, FieldsVersion


def shown(model_admin: Any) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, document_id: int, number: int) -> HttpResponse:
        model_admin.found(request, str(document_id))
        document = Document.objects.select_related("queue__schema").get(pk=document_id)
        version = FieldsVersion.objects.filter(document=document, number=number).first()
        if version is None:
            raise Http404(f"There is no version {number}.")
        before = FieldsVersion.objects.filter(document=document, number__lt=number).first()
        schema = document.queue.schema.content if document.queue.schema else []
        made: HttpResponse = model_admin.page(
            request,
            "admin/exports/version.html",
            document,
            title=f"{document.external_id}, version {number}",
            document=document,
            version=version,
            changes=_changes(before.content if before else [], version.content),
            before=before,
            sections=fieldtables.sections(version.content, schema),
        )
        return made

    return view


def _changes(before: list[Any], after: list[Any]) -> list[dict[str, str]]:
    """Values that differ between two versions, by the datapoint's id."""

    def values(tree: list[Any]) -> dict[int, tuple[str, str]]:
        found = {}
        for section in fieldtables.sections(tree):
            cells = [*section.cells, *(cell for table in section.tables for row in table.rows for cell in row.cells)]
            found.update({cell.id: (cell.label, cell.value) for cell in cells if cell is not None})
        return found

    old, new = values(before), values(after)
    changed = [key for key in {**old, **new} if old.get(key, ("", ""))[1] != new.get(key, ("", ""))[1]]
    return [
        {
            "label": (new.get(key) or old[key])[0],
            "old": old.get(key, ("", ""))[1],
            "new": new.get(key, ("", ""))[1],
            "gone": "yes" if key not in new else "",
        }
        for key in changed
    ]
