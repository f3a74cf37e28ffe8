"""What queues, schemas, triggers and destinations share in the admin: the form tells what the verbs would refuse, and
saving and deleting are those verbs."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.admin.desk import DeskAdmin, DeskForm, principal
from pipelines import configuration
from pipelines.refusals import Refused

Deleted = tuple[list[Any], dict[str, int], set[str], list[str]]
"""What goes, counts of it, verbs that are missing, and what stands against it: as Django's page takes it."""


class ConfigurationForm(DeskForm):
    """What would be refused stands beside its field."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        for problem in self.problems(self.instance):
            column, _, message = problem.partition(": ")
            if column not in self.errors:
                self.add_error(column if column in self.fields else None, message)

    def problems(self, row: Any) -> list[str]:
        return configuration.problems(row)


class ConfigurationAdmin(DeskAdmin):
    """Saves and deletes by pipelines.configuration."""

    form = ConfigurationForm
    deletable = True

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        configuration.save(obj, by=principal(request))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        configuration.delete(obj, by=principal(request))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deleted:
        """For the page that asks once more: what goes with the row, and what it is needed by."""
        gone = [[str(obj), configuration.goes_with(obj)] for obj in objs]
        needed = [reason for obj in objs for reason in configuration.needed_by(obj)]
        return [part for parts in gone for part in parts if part], {}, set(), needed

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_refused(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_refused(request, super().delete_view, *args, **kwargs)

    def _or_refused(self, request: HttpRequest, view: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Somebody else was quicker than this page: say so, where the person is."""
        try:
            response: HttpResponse = view(request, *args, **kwargs)
        except Refused as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(request.get_full_path())
        return response
