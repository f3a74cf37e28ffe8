"""Sending many again, from a list: on to the page that says exactly how many, which not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.admin.desk import DeskAdmin, require


def ask(_model_admin: DeskAdmin, request: HttpRequest, ids: Sequence[int], *, of: str = "attempts") -> HttpResponse:
    """Nothing has happened yet when that page is shown."""
    require(request, "exports.requeue_attempt")
    query = urlencode({"verb": "requeue", "of": of, "ids": ",".join(str(pk) for pk in ids)})
    return HttpResponseRedirect(f"{reverse('admin:exports_job_new')}?{query}")
