"""Where the files of specifications are: below the protocol's base, and at the host's root as well.

The protocol's file URLs begin with a slash: a client which resolves them as a browser would (RFC 3986) asks at the
root, one which appends them to its base asks below that."""

from __future__ import annotations

from django.urls import re_path

from exports.protocols.aluma.files import File

urlpatterns = [
    re_path(
        r"^file_collections/(?P<collection>[^/]{1,100})/files/(?P<wire_id>[^/]{1,100})/?$",
        File.as_view(),
        name="aluma-file",
    )
]
