"""Lines of the ledger in templates. Their evidence may be gone: one of its people was erased."""

from django import template

from carillon.consent.models import ConsentEvent, Evidence
from carillon.web import consent_words

register = template.Library()


@register.filter
def sentence(event: ConsentEvent) -> str:
    return consent_words.what(event)


@register.filter
def words(event: ConsentEvent | None) -> str:
    """Of the text, where it was one."""
    found = _evidence(event)
    return found.words if found else ""


@register.filter
def reason(event: ConsentEvent | None) -> str:
    found = _evidence(event)
    return found.reason if found else ""


@register.filter
def record(event: ConsentEvent) -> str:
    """The id of the Salesforce record that said it."""
    found = _evidence(event)
    return found.salesforce_id if found else ""


@register.filter
def digits(number: str) -> str:
    """A number as addresses of pages hold it."""
    return number.removeprefix("+")


@register.filter
def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _evidence(event: ConsentEvent | None) -> Evidence | None:
    try:
        return event.evidence if event else None
    except Evidence.DoesNotExist:
        return None
