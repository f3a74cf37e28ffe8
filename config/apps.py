"""The project's registration with Django: its system checks, and what its admin does not show."""

from django.apps import AppConfig, apps


class ProjectConfig(AppConfig):
    """Has no models; see docs/decisions/0002 for what belongs here."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401 (importing registers them)

        hide_the_task_queue()
        hide_djangos_groups()


def hide_the_task_queue() -> None:
    """Take django-q2's own pages out of the admin. A schedule names any function of Python with its arguments: whoever
    may edit one, or send a failed task again, would run what they like as the worker."""
    from django.contrib import admin

    for model in apps.get_app_config("django_q").get_models():
        if admin.site.is_registered(model):
            admin.site.unregister(model)


def hide_djangos_groups() -> None:
    """A role belongs to a member of an organization (accounts/policy.py); a group of Django's would grant nothing."""
    from django.contrib import admin
    from django.contrib.auth.models import Group

    if admin.site.is_registered(Group):
        admin.site.unregister(Group)
