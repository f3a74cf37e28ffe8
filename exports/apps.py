"""The app's registration with Django."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ExportsConfig(AppConfig):
    """What did happen (docs/decisions/0002)."""

    name = "exports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from exports import doorbell

        post_migrate.connect(doorbell.install_schedule, sender=self)
