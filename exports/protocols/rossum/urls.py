"""Every address of Rossum's protocol, below both prefixes that its clients know. None ends in a slash, and a slash that
a client adds is taken: official clients take a redirect for an error."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from exports.protocols.rossum import annotations as of_annotations
from exports.protocols.rossum import changes, exporting, logins, people, queues, relations, uploads, verbs
from exports.protocols.rossum import documents as of_documents
from exports.protocols.rossum.hookchanges import ChangeableHook, ChangeableHooks
from exports.protocols.rossum.hooklogs import HookLogs
from exports.protocols.rossum.hooks import GeneratePayload, HookTemplates, Invoke, SecretsKeys
from exports.protocols.rossum.hooktests import TryHook
from exports.protocols.rossum.searching import Search

PREFIX = r"^(?:api/)?v1/"
ID = r"(?P<pk>[0-9]{1,18})"


def route(pattern: str, view: Any, name: str) -> URLPattern:
    """One address below both prefixes; `{id}` stands for the digits that the view gets as `pk`."""
    made: URLPattern = re_path(rf"{PREFIX}{pattern.replace('{id}', ID)}/?$", view.as_view(), name=name)
    return made


@csrf_exempt
def nowhere(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 (Django's signature)
    """What nothing answers is a 404 in the protocol's form, and never Django's redirect to a slash."""
    return JsonResponse({"detail": "Not found."}, status=404)


app_name = "rossum"
urlpatterns = [
    route("auth/login", logins.Login, "login"),
    route("auth/logout", logins.Logout, "logout"),
    route("auth/token", logins.Token, "token"),
    route("auth/user", logins.Me, "me"),
    route("organizations", queues.Organizations, "organizations"),
    route("organizations/{id}", queues.Organizations, "organization"),
    route("workspaces", queues.Workspaces, "workspaces"),
    route("workspaces/{id}", queues.Workspaces, "workspace"),
    route("users", people.Users, "users"),
    route("users/{id}", people.OneUser, "user"),
    route("queues", queues.Queues, "queues"),
    route("queues/{id}", queues.Queues, "queue"),
    route("queues/{id}/export", exporting.Export, "export"),
    route("schemas", queues.Schemas, "schemas"),
    route("schemas/{id}", queues.Schemas, "schema"),
    route("annotations", of_annotations.Annotations, "annotations"),
    route("annotations/search", Search, "search"),
    route("annotations/purge_deleted", verbs.PurgeDeleted, "purge_deleted"),
    route("annotations/{id}", changes.ChangeableAnnotation, "annotation"),
    route("annotations/{id}/content", changes.ChangeableContent, "content"),
    route("annotations/{id}/content/operations", changes.Operations, "operations"),
    route("annotations/{id}/content/(?P<node>[0-9]{1,18})", changes.Node, "node"),
    route("annotations/{id}/start", verbs.Start, "start"),
    route("annotations/{id}/confirm", verbs.Confirm, "confirm"),
    route("annotations/{id}/cancel", verbs.Cancel, "cancel"),
    route("annotations/{id}/postpone", verbs.Postpone, "postpone"),
    route("annotations/{id}/delete", verbs.Delete, "delete"),
    route("annotations/{id}/reject", verbs.Reject, "reject"),
    route("annotations/{id}/approve", verbs.Approve, "approve"),
    route("annotations/{id}/processing_duration", of_annotations.ProcessingDuration, "processing_duration"),
    route("queues/{id}/upload", uploads.QueueUpload, "queue_upload"),
    route("uploads", uploads.Uploads, "uploads"),
    route("uploads/{id}", uploads.OneUpload, "upload"),
    route("tasks/{id}", uploads.OneTask, "task"),
    route("documents", of_documents.Documents, "documents"),
    route("documents/{id}", of_documents.OneDocument, "document"),
    route("documents/{id}/content", of_documents.DocumentContent, "document_content"),
    route("original/(?P<name>[0-9a-f]{32})", of_documents.Original, "original"),
    route("document_relations", relations.DocumentRelations, "document_relations"),
    route("document_relations/{id}", relations.OneDocumentRelation, "document_relation"),
    route("relations", relations.Relations, "relations"),
    route("relations/{id}", relations.OneRelation, "relation"),
    route("hooks", ChangeableHooks, "hooks"),
    route("hooks/logs", HookLogs, "hook_logs"),
    route("hooks/{id}", ChangeableHook, "hook"),
    route("hooks/{id}/secrets_keys", SecretsKeys, "secrets_keys"),
    route("hooks/{id}/generate_payload", GeneratePayload, "generate_payload"),
    route("hooks/{id}/test", TryHook, "test_hook"),
    route("hooks/{id}/invoke", Invoke, "invoke"),
    route("hook_templates", HookTemplates, "hook_templates"),
    route("hook_templates/{id}", HookTemplates, "hook_template"),
    re_path(r"", nowhere, name="nowhere"),
]
