"""The admin of configuration: queues, schemas, destinations, secrets, pipelines with their stages and revisions."""

from pipelines.admin import destinations, pipelines, queues, secrets, triggers

__all__ = ["destinations", "pipelines", "queues", "secrets", "triggers"]
