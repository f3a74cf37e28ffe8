"""GET file_collections/{collection}/files/{file}: one file of a task that somebody has started, streamed."""

from __future__ import annotations

from typing import ClassVar

from django.http import FileResponse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from exports.api import downloads
from exports.models import ClientFile
from exports.protocols.aluma.view import View
from exports.states import TaskState
from exports.wire import aluma


class File(View):
    """Whole, without ranges. Found only while a client has the task: before there is nothing to fetch it for, and
    later it is no longer the client's."""

    verbs: ClassVar = {"get": "exports.act_clienttask"}

    def get(self, request: Request, collection: str, wire_id: str) -> FileResponse:
        ids = aluma.long(collection), aluma.long(wire_id)
        if None in ids:
            raise NotFound
        rows = ClientFile.objects.filter(task__collection=ids[0], pk=ids[1], task__state=TaskState.STARTED)
        queues = self.client.by.queues
        if queues is not None:
            rows = rows.filter(task__attempt__document__queue__in=queues)
        file = rows.select_related("content").first()
        if file is None or file.content is None:
            raise NotFound
        return downloads.download(file.content, name=file.filename, media_type=file.media_type, otherwise="file")
