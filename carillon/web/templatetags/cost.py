"""What an import would cost, beside the button that starts it."""

from typing import Any

from django import template

from carillon.imports.models import ImportSetup
from carillon.web import cost

register = template.Library()


@register.inclusion_tag("web/parts/start_note.html")
def start_note(setup: ImportSetup, mode: str = "changes") -> dict[str, Any]:
    return {"note": cost.start_note(setup, mode)}
