"""Every setting, in one file; the environment decides (docs/operate/settings.md lists each variable)."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext

from config import desk, env, logs
from config.version import VERSION

django_stubs_ext.monkeypatch()  # so that ModelAdmin[Document] can be written

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("WAYBILL_DATA", str(BASE_DIR / "var")))
DATA_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.flag("WAYBILL_DEBUG")
SECRET_KEY = env.text("WAYBILL_SECRET_KEY") or env.kept_secret(DATA_DIR / "secret_key")
ALLOWED_HOSTS = env.words("WAYBILL_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("WAYBILL_ORIGINS")
PUBLIC_URL = env.text("WAYBILL_PUBLIC_URL", "http://localhost:8000").rstrip("/")
HTTPS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "audit",
    "accounts",
    "pipelines",
    "exports",
    "config",
    "django_q",  # after ours: exports brings its own qcluster command
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.csp.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.OrganizationMiddleware",
    "config.strict.NoNulCharacters",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": env.database("DATABASE_URL", fallback=DATA_DIR / "waybill.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SIGN_IN_TRIES = env.number("WAYBILL_SIGN_IN_TRIES", 10, least=1)  # failed ones (accounts/signin.py)
API_REQUESTS = env.number("WAYBILL_API_REQUESTS", 3000)  # a minute, of each caller (accounts/rates.py); 0: no limit
SIGN_IN_SECONDS = env.number("WAYBILL_SIGN_IN_SECONDS", 900, least=1)
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Large contents. Any django-storages backend: WAYBILL_STORAGE names its class, its own settings come from WAYBILL_S3_*.
STORAGES = {
    "default": env.storage(DATA_DIR / "contents"),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = env.number("WAYBILL_MAX_JSON_BYTES", 10 * 1024 * 1024)
MAX_ORIGINAL_BYTES = env.number("WAYBILL_MAX_ORIGINAL_BYTES", 100 * 1024 * 1024)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
BEHIND_PROXY = env.flag("WAYBILL_BEHIND_PROXY")
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True

# The keys that seal the data keys: id:base64 of 32 bytes, the first one seals, the others still open.
KEYS = env.words("WAYBILL_KEYS") or [env.kept_key(DATA_DIR / "sealing_key")]

# The engine (docs/operate/engine.md).
LEASE_SECONDS = env.number("WAYBILL_LEASE_SECONDS", 20, least=2)
ATTEMPTS_AT_ONCE = env.number("WAYBILL_ATTEMPTS_AT_ONCE", 64, least=1)  # in one worker process
DRAIN_SECONDS = env.number("WAYBILL_DRAIN_SECONDS", 240, least=1)
HAND_BACK_SECONDS = 100  # after that, for what still runs; together below the task time limit
OUTBOX = DATA_DIR.resolve() / "outbox"
OUTBOX.mkdir(exist_ok=True)
# Where folder stores may write; {organization} stands for each one's own folder (pipelines/destinations.py).
FOLDER_ROOTS = [Path(root) for root in env.words("WAYBILL_FOLDER_ROOTS", str(OUTBOX / "{organization}"))]
CLOSED_NETWORKS = env.networks("WAYBILL_CLOSED_NETWORKS")  # that no destination may open
BACKOFF_SECONDS = env.number("WAYBILL_BACKOFF_SECONDS", 5, least=1)  # before the second try; doubled after each
# A destination that turns so many attempts in a row away gets nothing but probes (exports/breakers.py); 0: never.
BREAKER_FAILURES = env.number("WAYBILL_BREAKER_FAILURES", 10)
BREAKER_SECONDS = env.number("WAYBILL_BREAKER_SECONDS", 15, least=1)  # before the first probe; doubled after each
BREAKER_LONGEST = env.number("WAYBILL_BREAKER_LONGEST", 300, least=1)
TALLIES_KEPT = timedelta(days=env.number("WAYBILL_TALLY_DAYS", 400, least=35))  # counts by the hour
INLINE_BYTES = env.number("WAYBILL_INLINE_BYTES", 64 * 1024)
KEPT_BODY_BYTES = env.number("WAYBILL_KEPT_BODY_BYTES", 64 * 1024)  # of an exchange's bodies, for reading
REPLY_BYTES = env.number("WAYBILL_REPLY_BYTES", 10 * 1024 * 1024)  # of a reply a later stage may read

# Calls of Rossum's hooks (docs/protocols/extensions.md).
EXTENSION_SECONDS = env.number("WAYBILL_EXTENSION_SECONDS", 20)  # that one is kept waiting before it is told to poll
EXTENSION_CALLS = env.number("WAYBILL_EXTENSION_CALLS", 32, least=1)  # worked on at once in one web process
EXTENSION_WAITERS = env.number("WAYBILL_EXTENSION_WAITERS", 4, least=1)  # of these, kept waiting at once

# Events (docs/events.md).
SMTP = env.smtp("WAYBILL_SMTP")
MAIL_FROM = env.text("WAYBILL_MAIL_FROM", f"Waybill <waybill@{urlsplit(PUBLIC_URL).hostname or 'localhost'}>")
EVENTS_KEPT = timedelta(days=env.number("WAYBILL_EVENT_DAYS", 30, least=5))  # the log of what was sent to channels

# Templates and extraction rules run in child processes with these limits for each call (docs/stages/template.md).
SANDBOX = {
    "size": env.number("WAYBILL_SANDBOX_PROCESSES", max(2, min(4, os.cpu_count() or 2)), least=1),
    "seconds": env.number("WAYBILL_SANDBOX_SECONDS", 2, least=1),
    "memory_bytes": env.number("WAYBILL_SANDBOX_MEMORY_MB", 256, least=32) * 1024 * 1024,
    "output_bytes": env.number("WAYBILL_SANDBOX_OUTPUT_MB", 10, least=1) * 1024 * 1024,
}

REDIS_URL = env.text("REDIS_URL")
WORKERS = env.number("WAYBILL_WORKERS", min(os.cpu_count() or 1, 4), least=1)
Q_CLUSTER = {
    "name": "waybill",
    "label": "Task queue",
    "workers": WORKERS,
    "timeout": DRAIN_SECONDS + 120,
    "retry": DRAIN_SECONDS + 180,
    "max_attempts": 1,
    "ack_failures": True,
    "queue_limit": WORKERS,
    "catch_up": False,
    "save_limit": -1,
    "poll": 0.5,
    "recycle": 50,
    "log_level": "WARNING",
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.keys.KeyAuthentication", "accounts.keys.PersonAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.Policy"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "exports.api.pages.CursorPages",
    "EXCEPTION_HANDLER": "exports.api.problems.handler",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Waybill",
    "VERSION": VERSION,
    "DESCRIPTION": "Export pipelines: documents in, attempts, what was sent and what came back.",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "AttemptState": "exports.states.attempt_choices",
        "StageRunState": "exports.states.run_choices",
        "DocumentStatus": "exports.states.status_choices",
        "AttemptReason": "exports.states.reason_choices",
        "FailureGroupState": "exports.states.group_choices",
        "JobKind": "exports.api.shapes.jobs.KINDS",
        "JobState": "exports.states.job_choices",
        "StageKind": "pipelines.stages.choices",
        "ChannelKind": "pipelines.eventing.kind_choices",
        "SourceKind": "pipelines.sourcing.choices",
        "ClaimState": "exports.states.claim_choices",
        "EventDeliveryState": "exports.api.shapes.channels.state_choices",
    },
    "TAGS": [
        {"name": "Documents", "description": "Documents, their fields and originals, and what is done with them."},
        {"name": "Attempts", "description": "What happened when documents were exported, and doing it again."},
        {"name": "Exchanges", "description": "Requests and replies, artifacts and deliveries."},
        {"name": "Jobs", "description": "Bulk work with its progress."},
        {"name": "Pipelines", "description": "Drafts with their stages, and published revisions."},
        {"name": "Queues", "description": "Streams of documents and the schemas of their fields."},
        {"name": "Destinations", "description": "Systems that receive, and the secrets that open them."},
        {"name": "Sources", "description": "Where documents come from by themselves, and what was taken."},
        {"name": "Channels", "description": "Who is told of what happens, and what was sent."},
        {"name": "Alerts", "description": "When people are told by itself, and what they are advised."},
        {"name": "People", "description": "Members, and the keys of robots."},
        {"name": "Audit", "description": "Who did what, and why."},
        {"name": "Me", "description": "Who asks."},
    ],
}

UNFOLD = desk.UNFOLD  # branding, colours and the sidebar: config/desk.py
ENVIRONMENT = env.text("WAYBILL_ENVIRONMENT")  # the badge in the admin's header, for example "production"

LOGGING = logs.settings(level=env.text("WAYBILL_LOG_LEVEL", "INFO"), as_json=env.flag("WAYBILL_LOG_JSON"))
