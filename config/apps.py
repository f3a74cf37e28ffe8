"""The project's registration with Django, for the sake of its system checks."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Has no models; see docs/decisions/0002 for what belongs here."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401 (importing registers them)
