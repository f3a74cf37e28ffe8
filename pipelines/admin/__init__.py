"""The admin of configuration: queues, schemas, destinations, secrets, pipelines with their stages and revisions."""

from pipelines.admin import destinations, pipelines, queues, secrets

__all__ = ["destinations", "pipelines", "queues", "secrets"]
