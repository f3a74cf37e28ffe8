"""A real OAuth2 server (django-oauth-toolkit) in a process of its own, and a resource that its tokens open.

It checks client secrets and passwords, and its tokens expire. `python -m tests.servers.oauth SECONDS` serves until it
is stopped and prints its address first.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENT = ("waybill", "client-hush")
PERSON = ("anna", "person-hush")
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(*, life: int = 3600) -> Iterator[str]:
    """Its address: tokens at /token/, a resource at /inv. Tokens live so many seconds."""
    words = [sys.executable, "-m", "tests.servers.oauth", str(life)]
    server = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert address.startswith("http://"), "the OAuth2 server did not start"
        yield address
    finally:
        server.terminate()
        server.wait(20)
        if server.stdout:
            server.stdout.close()


def serve(life: int) -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="only for this test server",
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF=type("Urls", (), {"urlpatterns": []}),
        USE_TZ=True,
        OAUTH2_PROVIDER={
            "ACCESS_TOKEN_EXPIRE_SECONDS": life,
            "SCOPES": {"inv.write": "write invoices", "inv.read": "read invoices"},
            "DEFAULT_SCOPES": ["inv.write"],
        },
    )
    django.setup()
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    _people()
    settings.ROOT_URLCONF.urlpatterns = _urls()  # type: ignore[attr-defined]

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing: nobody reads it."""

    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Quiet) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


def _people() -> None:
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import get_application_model

    person = get_user_model().objects.create_user(PERSON[0], password=PERSON[1])
    made = get_application_model().objects
    for grant, name in (("client-credentials", CLIENT[0]), ("password", f"{CLIENT[0]}-password")):
        made.create(
            name=name, client_id=name, client_secret=CLIENT[1], client_type="confidential",
            authorization_grant_type=grant, user=person,
        )  # fmt: skip


def _urls() -> list[object]:
    from django.http import HttpRequest, JsonResponse
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt
    from oauth2_provider.models import get_access_token_model
    from oauth2_provider.views import TokenView

    @csrf_exempt
    def resource(request: HttpRequest) -> JsonResponse:
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        known = get_access_token_model().objects.filter(token=token).first()
        if known is None or not known.is_valid(["inv.write"]):
            return JsonResponse({"detail": "The token is unknown or expired."}, status=401)
        return JsonResponse({"id": 7, "scope": known.scope}, status=201)

    return [path("token/", TokenView.as_view()), path("inv", resource)]


if __name__ == "__main__":
    serve(int(sys.argv[1]))
