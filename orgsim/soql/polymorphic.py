"""Name: the object behind a reference that may point at several, such as the owner of a lead.

Its fields are those an org documents for Name; each is told by whichever of the objects the record belongs to. A join
to it is one join an object, whose tables are known as the join's alias and the object's number.
"""

from collections.abc import Mapping, Sequence

from orgsim.schema import Field, SObject

# Which of the objects tell each field; what a user alone has is null for the others.
_PEOPLE = frozenset({"User", "Contact", "Lead"})
_USER = frozenset({"User"})
_ANY = frozenset[str]()
_FIELDS: Mapping[str, tuple[str, frozenset[str]]] = {
    "Id": ("id", _ANY),
    "Name": ("string", _ANY),
    "LastName": ("string", _PEOPLE),
    "FirstName": ("string", _PEOPLE),
    "Alias": ("string", _USER),
    "UserRoleId": ("reference", _USER),
    "ProfileId": ("reference", _USER),
    "IsActive": ("boolean", _USER),
    "Title": ("string", _USER),
    "Email": ("email", _USER),
    "Phone": ("phone", _USER),
    "Username": ("string", _USER),
}
_QUEUE = "Queue"


def tables(alias: str, targets: Sequence[SObject]) -> list[tuple[str, SObject]]:
    """The alias of each object's table."""
    return [(f"{alias}_{number}", target) for number, target in enumerate(targets)]


def name_object(targets: Sequence[SObject]) -> SObject:
    fields = [_field(name, targets) for name in _FIELDS]
    types = [_type_of(target) for target in targets]
    kinds = Field(name="Type", label="Type", type="picklist", formula_sql=_either(targets, types))
    fields.append(kinds)
    return SObject(
        name="Name",
        label="Name",
        label_plural="Names",
        key_prefix="",
        fields=tuple(field for field in fields if field is not None),
    )


def object_sql(alias: str, targets: Sequence[SObject]) -> str:
    """The name of the object that a record found belongs to, for its URL."""
    return _either(targets, [f"'{target.name}'" for target in targets]).replace("{t}", alias)


def _type_of(target: SObject) -> str:
    return f"'{_QUEUE}'" if target.name == "Group" else f"'{target.name}'"


def _either(targets: Sequence[SObject], values: Sequence[str]) -> str:
    cases = (f'WHEN {{t}}_{n}."Id" IS NOT NULL THEN {value}' for n, value in enumerate(values))
    return f"CASE {' '.join(cases)} END"


def _field(name: str, targets: Sequence[SObject]) -> Field | None:
    kind, told_by = _FIELDS[name]
    known = [
        (n, target.field(name)) for n, target in enumerate(targets) if not told_by or target.name in told_by
    ]
    columns = [field.sql(f"{{t}}_{n}") for n, field in known if field is not None]
    if not columns:
        return None
    sql = columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"
    return Field(name=name, label=name, type=kind, formula_sql=sql)
