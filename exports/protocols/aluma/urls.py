"""Every address of Aluma's protocol. None ends in a slash, a slash that a client adds is taken, nothing redirects."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from exports.api.codes import TYPES, urn
from exports.protocols.aluma import fileurls
from exports.protocols.aluma.tasks import Act, OneTask, Tasks
from exports.protocols.aluma.tokens import Token
from exports.wire import aluma


@csrf_exempt
def nowhere(request: HttpRequest) -> JsonResponse:
    """What nothing answers is a 404 in the protocol's form, and never Django's redirect to a slash."""
    told = "There is nothing at this address."
    body = aluma.problem(
        404, type_=urn("not_found"), title=TYPES["not_found"].title, detail=told, instance=request.path
    )
    return JsonResponse(body, status=404)


app_name = "aluma"
urlpatterns = [
    re_path(r"^oauth/token/?$", Token.as_view(), name="token"),
    re_path(r"^tasks/?$", Tasks.as_view(), name="tasks"),
    re_path(r"^tasks/(?P<wire_id>[^/]{1,100})/?$", OneTask.as_view(), name="task"),
    re_path(
        r"^tasks/(?P<wire_id>[^/]{1,100})/(?P<act>start|complete|cancel|fail)_client_action/?$",
        Act.as_view(),
        name="act",
    ),
    *fileurls.urlpatterns,
    re_path(r"", nowhere, name="nowhere"),
]
