"""What alerts of imports tell of."""

from django.db import models


class AlertKind(models.TextChoices):
    FAILED = "failed", "Failed"
    MISSED = "missed", "Missed"
    HELD = "held", "Held"
    OPT_INS = "opt_ins", "Opt-ins held"
    BUDGET = "budget", "Held back by the API budget"


# For an admin's decision, whatever becomes of the imports after it. Of the others a setup has one at a time.
WAITING = (AlertKind.HELD, AlertKind.OPT_INS)
