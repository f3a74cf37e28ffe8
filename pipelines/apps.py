"""The app's registration with Django."""

from django.apps import AppConfig
from django.conf import settings


class PipelinesConfig(AppConfig):
    """See docs/decisions/0002 for what belongs here."""

    name = "pipelines"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from pipelines import sandbox

        sandbox.configure(**settings.SANDBOX)
