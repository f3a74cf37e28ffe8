"""From document to document: after one was confirmed, corrected or put aside, the next of the list it was opened from.

The page's address carries the list's filters as `walk`; its forms send them along (static/desk/keys.js)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from exports.models import Document
from exports.predicate import Predicate
from pipelines.refusals import Refused


def local(to: str) -> bool:
    """Whether an address that a form gives stays on this site."""
    return to.startswith("/") and url_has_allowed_host_and_scheme(to, allowed_hosts=None)


def on(request: HttpRequest, document: Document, response: HttpResponse) -> HttpResponse:
    """The redirect of an act on `document`: to `next` where the form names it; in a walk onwards where the document has
    left the list, else back to it."""
    if "Location" not in response:
        return response
    if local(back := request.POST.get("next", "")):
        response["Location"] = back
        return response
    walk = request.POST.get("walk", "")
    if "walk" not in request.POST:
        return response
    try:
        listed = Predicate.read(dict(parse_qsl(walk)), me=request.user.pk).documents()
    except Refused:
        return response
    carried = urlencode({"walk": walk})
    if listed.filter(pk=document.pk).exists():
        to = response["Location"]
        response["Location"] = f"{to}{'&' if '?' in to else '?'}{carried}"
        return response
    ids = listed.values_list("pk", flat=True)
    following = ids.filter(pk__lt=document.pk).order_by("-pk").first() or ids.order_by("-pk").first()
    if following is None:
        response["Location"] = f"{reverse('admin:exports_document_changelist')}?{walk or 'view=none'}"
    else:
        response["Location"] = f"{reverse('admin:exports_document_change', args=[following])}?{carried}"
    return response
