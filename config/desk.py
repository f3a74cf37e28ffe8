"""How the admin looks and what its frame holds: branding, colours, the sidebar by job, the organization switcher.

Read by settings as text and import paths only, so that settings import nothing of the admin.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse_lazy

_PRIMARY = {
    "50": "oklch(97.5% .013 212)",
    "100": "oklch(94.5% .028 212)",
    "200": "oklch(89% .052 212)",
    "300": "oklch(81% .085 213)",
    "400": "oklch(73% .11 215)",
    "500": "oklch(63% .112 218)",
    "600": "oklch(49% .092 220)",
    "700": "oklch(43% .08 222)",
    "800": "oklch(37% .067 224)",
    "900": "oklch(31% .053 226)",
    "950": "oklch(23% .042 228)",
}


def _static(path: str) -> str:
    from django.templatetags.static import static

    return static(path)


def logo(_request: HttpRequest) -> str:
    return _static("desk/logo.svg")


def environment(_request: HttpRequest) -> list[str] | None:
    """The badge beside the title: which installation this is, so that nobody re-queues in production by mistake."""
    name = str(getattr(settings, "ENVIRONMENT", "")) or ("development" if settings.DEBUG else "")
    if not name:
        return None
    return [name, "danger" if name.lower().startswith("prod") else "info"]


def may(*verbs: str) -> Any:
    """A sidebar entry's permission callback: any of the verbs."""

    def allowed(request: HttpRequest) -> bool:
        return any(request.user.has_perm(verb) for verb in verbs)

    return allowed


def superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _item(title: str, icon: str, model: str, allowed: Any) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": allowed,
    }


def navigation(_request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar, by the job that brings a person here."""
    return [
        {
            "title": "Work",
            "items": [
                {
                    "title": "Home",
                    "icon": "home",
                    "link": reverse_lazy("admin:index"),
                    "permission": lambda _request: True,
                },
                _item("Failed exports", "error", "exports_failuregroup", may("exports.view_failuregroup")),
                _item("Documents", "description", "exports_document", may("exports.view_document")),
                _item("Attempts", "sync_alt", "exports_attempt", may("exports.view_attempt")),
                _item("Bulk jobs", "checklist", "exports_job", may("exports.view_job")),
            ],
        },
        {
            "title": "Configure",
            "separator": True,
            "items": [
                _item("Queues", "inbox", "pipelines_queue", may("pipelines.view_queue")),
                _item("Pipelines", "account_tree", "pipelines_pipeline", may("pipelines.view_pipeline")),
                _item("Triggers", "bolt", "pipelines_trigger", may("pipelines.view_trigger")),
                _item("Sources", "input", "pipelines_source", may("pipelines.view_source")),
                _item("Destinations", "dns", "pipelines_destination", may("pipelines.view_destination")),
                _item("Channels", "campaign", "pipelines_channel", may("pipelines.view_channel")),
                _item("Subscriptions", "sync", "pipelines_subscription", may("pipelines.view_subscription")),
                _item("Rossum accounts", "webhook", "pipelines_rossumaccount", may("pipelines.view_rossumaccount")),
                _item("Hints", "lightbulb", "exports_hint", may("exports.view_hint")),
                _item("Secrets", "key", "pipelines_secret", may("pipelines.view_secret")),
                _item("Schemas", "schema", "pipelines_schema", may("pipelines.view_schema")),
            ],
        },
        {
            "title": "Oversight",
            "separator": True,
            "items": [
                _item("Alerts", "notifications", "exports_alert", may("exports.view_alert")),
                _item("Alert rules", "rule_settings", "exports_alertrule", may("exports.view_alertrule")),
                _item("Pushes", "publish", "exports_push", may("exports.view_push")),
                _item(
                    "Event deliveries",
                    "outgoing_mail",
                    "exports_eventdelivery",
                    may("exports.view_eventdelivery"),
                ),
                _item("Rossum's calls", "call_received", "exports_extensioncall", may("exports.view_extensioncall")),
                _item("Audit trail", "history", "audit_event", may("audit.view_event")),
            ],
        },
        {
            "title": "People",
            "separator": True,
            "items": [
                _item("Members", "group", "accounts_membership", may("accounts.view_membership")),
                _item("API keys", "vpn_key", "accounts_apikey", may("accounts.view_apikey")),
                _item("Organizations", "domain", "accounts_organization", superuser),
                _item("Accounts", "manage_accounts", "accounts_user", superuser),
            ],
        },
    ]


def context(request: HttpRequest) -> dict[str, Any]:
    """What every page of the admin knows besides its own: the organizations to switch between and the reader's zone."""
    from accounts import scope
    from accounts.models import Organization, User

    user = request.user
    if not isinstance(user, User):
        return {}
    rows = Organization.objects.order_by("name")
    if not user.is_superuser:
        rows = rows.filter(memberships__user=user)
    return {
        "organizations": list(rows.only("id", "name")),
        "organization_id": scope.current(),
        "time_zone": user.time_zone,
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Waybill",
    "SITE_HEADER": "Waybill",
    "SITE_SUBHEADER": "Exports, kept and readable",
    "SITE_URL": None,
    "LOGIN": {"form": "accounts.signinform.SignInForm"},
    "SITE_ICON": "config.desk.logo",
    "SITE_FAVICONS": [{"rel": "icon", "href": "config.desk.logo", "type": "image/svg+xml"}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": _PRIMARY},
    "ENVIRONMENT": "config.desk.environment",
    "GLOBAL_CALLBACK": "config.desk.context",
    "DASHBOARD_CALLBACK": "exports.admin.home.fill",
    "STYLES": [
        "config.desk.base_css",
        "config.desk.pages_css",
        "config.desk.lists_css",
        "config.desk.groups_css",
    ],
    "SCRIPTS": [
        "config.desk.theme_script",
        "config.desk.script",
        "config.desk.keys_script",
        "config.desk.hints_script",
    ],
    "SIDEBAR": {"show_search": False, "navigation": "config.desk.navigation"},
}


def base_css(_request: HttpRequest) -> str:
    return _static("desk/base.css")


def pages_css(_request: HttpRequest) -> str:
    return _static("desk/pages.css")


def groups_css(_request: HttpRequest) -> str:
    return _static("desk/groups.css")


def hints_script(_request: HttpRequest) -> str:
    return _static("desk/hints.js")


def lists_css(_request: HttpRequest) -> str:
    return _static("desk/lists.css")


def keys_script(_request: HttpRequest) -> str:
    return _static("desk/keys.js")


def theme_script(_request: HttpRequest) -> str:
    return _static("desk/theme.js")


def script(_request: HttpRequest) -> str:
    return _static("desk/desk.js")
