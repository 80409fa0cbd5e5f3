"""DailyFigures: what one finished day's payments and refunds come to, counted ahead of those who look."""

from django.db import models

from commercecore_payments.environments import Environment, EnvironmentManager, current_environment


class DailyFigures(models.Model):
    """The groups of one UTC day, as `figures.counting` counts them. Only a saving of work: everything can be counted anew."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    day = models.DateField(help_text="In UTC; of what was begun then.")
    payments = models.JSONField(help_text="Groups of payments.")
    refunds = models.JSONField(help_text="Groups of refunds.")
    counted_at = models.DateTimeField(help_text="By the database's clock, before the counting.")

    objects = EnvironmentManager()

    class Meta:
        ordering = ("-day",)
        verbose_name_plural = "daily figures"
        constraints = [models.UniqueConstraint(fields=["environment", "day"], name="one_row_of_figures_a_day")]

    def __str__(self) -> str:
        return f"figures of {self.day}"
