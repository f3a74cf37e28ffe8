"""With and without a final slash, never a redirect: hooks do not follow one."""

from django.urls import re_path

from exports.protocols.extensions import views

urlpatterns = [
    re_path(r"^extensions/calls/(?P<place>[^/]+)/?$", views.place, name="extension-call"),
    re_path(r"^extensions/(?P<name>[a-z-]+)/?$", views.extension, name="extension"),
    re_path(r"^svc/file-storage-export/api/v1/export/?$", views.storage, name="extension-storage"),
]
