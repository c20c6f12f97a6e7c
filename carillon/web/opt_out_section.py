"""The Opt-Out Field section: how records would be read under what is entered, in words, before it is saved."""

from dataclasses import dataclass

from carillon.consent.decide import Says
from carillon.imports.models import ImportSetup
from carillon.imports.opt_out import Readings, Sample, faults
from carillon.imports.opt_out_readings import of_list_view, of_report
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError
from carillon.web.setup_form import OptOutForm
from carillon.web.source_choice import Wanted

# Whoever turned a slider the wrong way sees most people opted out.
_MOST = 0.5
WORDS = {
    Says.IN: "opted in",
    Says.OUT: "opted out",
    Says.BLANK: "opted out, since nobody said anything",
    Says.UNCLEAR: "unclear",
}


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class ReadAs:
    """`readings` is None where there are none: `trouble` says why. `kind` of the field."""

    kind: str
    readings: Readings | None = None
    trouble: str = ""

    @property
    def examples(self) -> list[Example]:
        return [self._example(one) for one in self.readings.samples] if self.readings else []

    def _example(self, sample: Sample) -> Example:
        value = sample.value
        if self.kind == "checkbox":
            value = {"True": "checked", "False": "not checked"}.get(value, value)
        return Example(sample.name, value or "empty", WORDS[sample.says])

    @property
    def opted_in(self) -> int:
        return self.readings.count(Says.IN) if self.readings else 0

    @property
    def opted_out(self) -> int:
        return self.readings.count(Says.OUT) + self.readings.count(Says.BLANK) if self.readings else 0

    @property
    def unclear(self) -> int:
        return self.readings.count(Says.UNCLEAR) if self.readings else 0

    @property
    def looks_reversed(self) -> bool:
        return bool(self.readings and self.readings.read and self.opted_out > self.readings.read * _MOST)


def read_as(setup: ImportSetup, form: OptOutForm, source: Wanted) -> ReadAs | None:
    """None while no field or no source is chosen."""
    mapped = form.entered()
    if not (mapped.field and source.id) or form.choice is None or faults(mapped, form.choice, mapped):
        return None
    of_source = of_report if source.is_report else of_list_view
    try:
        readings = of_source(setup.workspace, setup.object, source.id, mapped)
    except (CarillonError, SalesforceError) as error:
        return ReadAs(mapped.kind.value, trouble=str(getattr(error, "sentence", error)))
    return ReadAs(mapped.kind.value, readings)
