"""Makes the plan of a run from the setup and what the org says about its object and source right now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from carillon.consent.queries import meaning_of
from carillon.consent.reading import Mapping as Meaning
from carillon.consent.reading import OptOutField
from carillon.contacts.models import FieldType
from carillon.imports.mapping import Issue
from carillon.imports.models import Blank, FieldMapping, ImportSetup, SourceType
from carillon.imports.opt_out import kind_of
from carillon.imports.plan import REPORT_ONLY, ImportPlan, MappedField, ReportSource
from carillon.imports.sources.columns import field_path, picklists, type_of
from carillon.imports.values import contact_types, why_not
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.describes import FieldDescribe, ObjectDescribe
from carillon.salesforce.errors import Forbidden, NotFound
from carillon.salesforce.reports.checks import carries_time, id_column, why_not_readable
from carillon.salesforce.reports.describes import ReportColumn, ReportDescription
from carillon.salesforce.reports.errors import ReportGone, ReportNotShared, ReportsNotAllowed
from carillon.salesforce.soql import ListQuery, parse_list_view_query


class SetupOutdated(CarillonError):
    """The org is no longer what it was when the setup was saved, and the setup can't be imported so."""


class SourceGone(SetupOutdated):
    """The import source can't be read any more."""


class ReportChanged(SetupOutdated):
    """The report is not what it was when it was chosen, and can't be imported so."""


class RequiredFieldGone(SetupOutdated):
    """A required field was removed or hidden in the org."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field or path of an object as the API user sees it; `name` is spelled as describe spells it. `calculated`: a
    formula or a roll-up; `related`: of another record than the person's own."""

    name: str
    label: str
    type: str
    calculated: bool = False
    related: bool = False

    @property
    def may_go_stale(self) -> bool:
        """It can change without its record being touched, so that no import of changes sees it."""
        return self.calculated or self.related


class Fields:
    """Looks up fields and relationship paths of one object; describes related objects only when asked."""

    def __init__(self, describe: ObjectDescribe, describe_other: Callable[[str], ObjectDescribe]) -> None:
        self.describe = describe
        self._describe_other = describe_other
        self._others: dict[str, ObjectDescribe | None] = {}

    def find(self, name: str) -> Field | None:
        """None when it doesn't exist or the API user can't see it: Salesforce doesn't tell these apart."""
        return self._find(self.describe, name)

    def showing(self, name: str) -> Field | None:
        """The object's own field of this name."""
        return self.find(name) if "." not in name else None

    def _find(self, describe: ObjectDescribe, name: str) -> Field | None:
        head, _, rest = name.partition(".")
        if not rest:
            own = describe.field(head)
            return Field(own.name, own.label, own.type, own.calculated) if own else None
        for reference in describe.fields:
            if (reference.relationship_name or "").lower() == head.lower():
                return self._related(reference, rest)
        return None

    def _related(self, reference: FieldDescribe, rest: str) -> Field | None:
        for target in reference.reference_to:
            other = self._other(target)
            leaf = self._find(other, rest) if other else None
            if leaf:
                return Field(
                    f"{reference.relationship_name}.{leaf.name}",
                    f"{reference.label.removesuffix(' ID')}: {leaf.label}",
                    leaf.type,
                    leaf.calculated,
                    related=True,
                )
        return None

    def _other(self, sobject: str) -> ObjectDescribe | None:
        if sobject == self.describe.name:
            return self.describe
        if sobject not in self._others:
            try:
                self._others[sobject] = self._describe_other(sobject)
            except (NotFound, Forbidden):
                self._others[sobject] = None
        return self._others[sobject]


class Columns:
    """Looks up columns of a report, as `Fields` does fields. Only those the report shows can be mapped."""

    def __init__(self, report: ReportDescription, describe: ObjectDescribe) -> None:
        self._report = report
        self._describe = describe

    def find(self, name: str) -> Field | None:
        for column in self._report.columns:
            if column.name.lower() == name.lower():
                return field_of(column, self._describe)
        return None

    def showing(self, name: str) -> Field | None:
        """The first column that shows the object's own field of this name."""
        for column in self._report.columns:
            if field_path(column, self._describe.name).lower() == name.lower():
                return field_of(column, self._describe)
        return None


def field_of(column: ReportColumn, describe: ObjectDescribe) -> Field:
    """A column as a field; whether it may go stale is known where the report says which field it shows."""
    path = field_path(column, describe.name)
    own = describe.field(path)
    return Field(
        column.name, column.label, type_of(column), bool(own and own.calculated), related="." in path
    )


def make_plan(
    client: Client,
    setup: ImportSetup,
    mappings: Sequence[FieldMapping] | None = None,
    opt_out: OptOutField | None = None,
) -> tuple[ImportPlan, list[Issue]]:
    """The plan and a warning for each optional field that can't be read. Two calls and one per related object.

    `mappings` and `opt_out` are those of a setup that is not saved. Raises SourceGone, ReportChanged, RequiredFieldGone,
    UnsupportedListQuery, SalesforceError: before anything is changed.
    """
    if mappings is None:
        mappings = list(setup.mappings.select_related("contact_field").order_by("position", "pk"))
    names = _names(setup, mappings)
    describe = client.describe(setup.object)
    source = (
        _report_source(client, setup, names, describe) if setup.source_type == SourceType.REPORT else None
    )
    fields = _fields(client, describe, source)
    found = _Found({name: fields.find(name) for name in names})
    if isinstance(fields, Fields):
        _refuse_missing(setup, found.fields)
    consent, meaning = _consent_field(setup, fields, opt_out)
    types = found.types
    plan = ImportPlan(
        object=setup.object,
        region=setup.workspace.default_region,
        query=_whole(setup.object) if source else _source_query(client, setup),
        first_name=setup.first_name,
        first_name_fallback=setup.first_name_fallback,
        last_name=setup.last_name,
        mobile_number=setup.mobile_number,
        user_identification=setup.user_identification,
        additional=tuple(_mapped(one, types) for one in mappings if _fits(one, found.fields)),
        types=types | ({consent.name: consent.type} if consent else {}),
        unreadable=frozenset((*found.unseen, *found.valueless)),
        stale=found.stale,
        report=source,
        opt_out=consent.name if consent else "",
        meaning=meaning,
    )
    return plan, _warnings(setup, mappings, found)


@dataclass(frozen=True, slots=True)
class _Found:
    """The field under each name that a setup maps; None where the API user sees none."""

    fields: Mapping[str, Field | None]

    @property
    def types(self) -> dict[str, str]:
        """Of the fields whose values a contact can hold."""
        return {name: one.type for name, one in self.fields.items() if one and contact_types(one.type)}

    @property
    def stale(self) -> frozenset[str]:
        return frozenset(name for name in self.types if (one := self.fields[name]) and one.may_go_stale)

    @property
    def valueless(self) -> dict[str, Field]:
        return {name: one for name, one in self.fields.items() if one and not contact_types(one.type)}

    @property
    def unseen(self) -> list[str]:
        return sorted(name for name, one in self.fields.items() if one is None)


def _names(setup: ImportSetup, mappings: Sequence[FieldMapping]) -> list[str]:
    optional = (setup.first_name_fallback, setup.user_identification)
    mapped = (mapping.salesforce_field for mapping in mappings)
    return [name for name in (*_required(setup), *optional, *mapped) if name]


def _fields(client: Client, describe: ObjectDescribe, source: ReportSource | None) -> "Columns | Fields":
    if source and source.way == REPORT_ONLY:
        return Columns(source.report, describe)
    return Fields(describe, client.describe)


def _warnings(setup: ImportSetup, mappings: Sequence[FieldMapping], found: _Found) -> list[Issue]:
    standard = (setup.first_name_fallback, setup.user_identification)
    return [
        *(_warning(name) for name in found.unseen),
        *(_misfit(one, found.fields) for one in mappings if not _fits(one, found.fields)),
        *(_valueless(field) for name, field in found.valueless.items() if name in standard),
    ]


def _refuse_missing(setup: ImportSetup, found: Mapping[str, Field | None]) -> None:
    missing = [name for name in _required(setup) if not found.get(name)]
    if missing:
        raise RequiredFieldGone(
            f"The field {missing[0]} of {setup.object} no longer exists or the API user can't see it; it is"
            " required, so nothing was imported.",
            "Give the API user read access to it (field-level security), or map another field.",
        )
    for name in _required(setup):
        if (field := found[name]) and not contact_types(field.type):
            raise RequiredFieldGone(
                f"The field {name} of {setup.object} was changed in Salesforce and can't be imported any more"
                f" ({why_not(field.type)}); it is required, so nothing was imported.",
                "Map another field on the Contact Import page.",
            )


def _consent_field(
    setup: ImportSetup, fields: "Columns | Fields", given: OptOutField | None
) -> tuple[Field | None, Meaning | None]:
    """The opt-out field, or the column that shows it. Without it an import would not know whom it may have texted, so
    it stops. Raises RequiredFieldGone."""
    mapped, meaning = meaning_of(setup.workspace, setup.object, given)
    if meaning is None:
        return None, None
    found = fields.showing(mapped.field)
    kept = "so nothing was imported and everybody's texting consent stays as it is."
    if found is None and isinstance(fields, Columns):
        raise RequiredFieldGone(
            f"The report shows no column with the opt-out field {mapped.field}, {kept}",
            "Put the field into the report, read the report by ids, or map another opt-out field.",
        )
    if found is None:
        raise RequiredFieldGone(
            f"The opt-out field {mapped.field} of {setup.object} no longer exists or the API user can't see it, {kept}",
            "Give the API user read and edit access to it (field-level security), or map another opt-out field.",
        )
    if kind_of(found.type) is not meaning.kind:
        raise RequiredFieldGone(
            f"The opt-out field {mapped.field} of {setup.object} is no {meaning.kind} any more, {kept}",
            "Map it anew in the Opt-Out Field section of the Contact Import page.",
        )
    return found, meaning


def _fits(mapping: FieldMapping, found: Mapping[str, Field | None]) -> bool:
    """Whether its contact field can still hold it. One that can't be seen is none the worse for it."""
    field = found[mapping.salesforce_field]
    return field is None or mapping.contact_field.type in contact_types(field.type)


def _mapped(mapping: FieldMapping, types: Mapping[str, str]) -> MappedField:
    name, target = mapping.salesforce_field, mapping.contact_field
    keeps = mapping.blank == Blank.KEEP
    return MappedField(name, types.get(name, ""), target.name, target.type, keeps)


def _required(setup: ImportSetup) -> tuple[str, ...]:
    return (setup.first_name, setup.last_name, setup.mobile_number)


def _source_query(client: Client, setup: ImportSetup) -> ListQuery:
    try:
        view = client.list_view(setup.object, setup.source_id)
    except NotFound:
        raise SourceGone(
            f"The list view {setup.source_label or setup.source_name} was deleted, or is no longer shared with the"
            " API user, so nothing was imported and nobody was taken off.",
            "Share it with a public group that holds the API user, or choose another list view.",
        ) from None
    return parse_list_view_query(view.query)


def _misfit(mapping: FieldMapping, found: Mapping[str, Field | None]) -> Issue:
    kind = field.type if (field := found[mapping.salesforce_field]) else ""
    target = mapping.contact_field
    return Issue(
        "",
        mapping.salesforce_field,
        kind,
        "type_no_longer_fits",
        f"The field was changed in Salesforce to the type {kind}, which the contact field {target.label}"
        f" ({FieldType(target.type).label}) can't hold; values imported earlier were kept. Map it to another contact"
        " field, or remove it.",
    )


def _valueless(field: Field) -> Issue:
    return Issue(
        "",
        field.name,
        field.type,
        "type_no_longer_fits",
        f"The field was changed in Salesforce and can't be imported any more ({why_not(field.type)}); values imported"
        " earlier were kept. Map another field.",
    )


def _whole(sobject: str) -> ListQuery:
    """Every record of the object."""
    return ListQuery(sobject, "", sobject, "", "")


def _report_source(
    client: Client, setup: ImportSetup, names: Sequence[str], describe: ObjectDescribe
) -> ReportSource:
    """The report as it is now. Raises SourceGone, ReportChanged."""
    report = _described(client, setup)
    for obstacle in why_not_readable(report, setup.object):
        raise ReportChanged(f"{obstacle.sentence} Nothing was imported.", obstacle.remedy)
    alone = setup.source_way == REPORT_ONLY
    identification = id_column(report, setup.object)
    if identification is None or identification.name != setup.contact_identification:
        raise _column_gone(report, setup.contact_identification)
    if alone:
        shown = Columns(report, describe)
        for name in (*names, setup.last_modified):
            if shown.find(name) is None:
                raise _column_gone(report, name)
        modified = report.column(setup.last_modified)
        if modified is None or not carries_time(modified):
            raise ReportChanged(
                f"The column {setup.last_modified} of the report {report.name} no longer carries a time, so it"
                " can't say what changed. Nothing was imported.",
                "Choose another column as Last Modified on the Contact Import page.",
            )
    if not alone:
        return ReportSource(report, setup.source_way, identification.name, "")
    values = picklists(report, describe)
    return ReportSource(report, setup.source_way, identification.name, setup.last_modified, values)


def _described(client: Client, setup: ImportSetup) -> ReportDescription:
    label = setup.source_label or setup.source_name
    kept = "Nothing was imported and nobody was taken off."
    try:
        return client.reports.describe(setup.source_id)
    except ReportGone as error:
        raise SourceGone(f"The report {label} was deleted. {kept}", error.remedy) from None
    except (ReportNotShared, ReportsNotAllowed) as error:
        raise SourceGone(f"The report {label} can't be opened: {error} {kept}", error.remedy) from None


def _column_gone(report: ReportDescription, name: str) -> ReportChanged:
    return ReportChanged(
        f"The report {report.name} no longer has the column {name}, which is mapped, so nothing was imported.",
        "Put the column back into the report, or map another one on the Contact Import page.",
    )


def _warning(field: str) -> Issue:
    return Issue(
        "",
        field,
        "",
        "field_unreadable",
        f"The API user can't see the field {field} any more, or it was deleted; values imported earlier were kept.",
    )
