"""Where each door is."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from exports.protocols.extensions.views import front

urlpatterns = [
    path("", front),
    path("api/v1/", include("exports.api.urls")),
    path("rossum/", include("exports.protocols.rossum.urls")),
    path("", include("exports.protocols.webhooks")),
    path("aluma/", include("exports.protocols.aluma.urls")),
    path("", include("exports.protocols.aluma.fileurls")),
    re_path(r"^admin/(?:accounts|audit|exports|pipelines)/$", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("exports.protocols.extensions.urls")),
]
