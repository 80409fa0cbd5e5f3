"""What the project itself remembers, above all apps: its workers."""

import uuid

from django.db import models

from commercecore_payments.environments import Environment, EnvironmentManager, current_environment


class WorkerHeartbeat(models.Model):
    """One process of `manage.py worker`, and when it last said that it is alive. Forgotten a day after that."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField("process id")
    groups = models.JSONField(help_text="What it does: the groups of commercecore_payments.work.")
    started_at = models.DateTimeField(help_text="By the database's clock, as the next.")
    last_seen_at = models.DateTimeField()

    objects = EnvironmentManager()

    class Meta:
        ordering = ("host", "pid")

    def __str__(self) -> str:
        return f"{self.host} ({self.pid})"
