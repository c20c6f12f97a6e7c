"""Lines of the ledger in templates. Their evidence may be gone: one of its people was erased."""

import re
from datetime import timedelta

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from carillon.consent import words as table
from carillon.consent.keywords import Meaning, understand
from carillon.consent.models import ConsentEvent
from carillon.web.templatetags.page import moment

register = template.Library()


@register.filter
def label(word: str) -> str:
    """How a number stands."""
    return table.Word(word).label


_READ_AS = {
    Meaning.STOP: "an opt-out",
    Meaning.START: "an opt-in",
    Meaning.HELP: "asks for help",
    Meaning.LIKELY_STOP: "likely an opt-out",
    Meaning.NOTHING: "says nothing about consent",
}


@register.filter
def read_as(body: str) -> str:
    """What a text means to Carillon, whatever the carrier takes it for."""
    return _READ_AS[understand(body)]


@register.filter
def sentence(event: ConsentEvent) -> str:
    return table.sentence(event.kind, event.cause)


@register.filter
def status_then(event: ConsentEvent) -> str:
    return table.status_then(event.kind, event.status).label


@register.filter
def by_whom(event: ConsentEvent) -> str:
    return table.by_whom(event)


@register.filter
def breaking(address: str) -> SafeString:
    """An e-mail address that breaks where its parts end, rather than anywhere."""
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in re.split("(?<=[@.])", address)))


@register.filter
def words(event: ConsentEvent | None) -> str:
    """Of the text, where it was one."""
    found = table.evidence(event)
    return found.words if found else ""


@register.filter
def reason(event: ConsentEvent | None) -> str:
    found = table.evidence(event)
    return found.reason if found else ""


@register.filter
def record(event: ConsentEvent) -> str:
    """The id of the Salesforce record that said it."""
    found = table.evidence(event)
    return found.salesforce_id if found else ""


@register.filter
def happened(event: ConsentEvent | None) -> SafeString | str:
    """When it happened, where that is another time than when it was learnt: a day where no more is known."""
    if event is None or event.happened_from is None or event.happened_to is None:
        return ""
    begin, end = event.happened_from, event.happened_to
    if end - begin > timedelta(hours=1):
        # Noon of the day, in whichever zone, is on this day nearly everywhere.
        return f"{begin + (end - begin) / 2:%b %-d, %Y}"
    return moment(end) if abs(event.learnt_at - end) > timedelta(minutes=1) else ""


@register.filter
def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
