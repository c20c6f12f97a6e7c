"""Describe answers with every key a recorded org gives; fields hidden from the user are simply missing."""

from orgsim.schema import Field, Schema, SObject

Json = dict[str, object]

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}
_GO_WITH_THE_PARENT = frozenset({"Contacts", "Tasks"})
_MASTER_RECORD_TYPE = "012000000000000AAA"


def _byte_length(field: Field) -> int:
    return field.length if field.type in ("id", "reference") else field.length * 3


def _is_search_prefilterable(field: Field) -> bool:
    """As recorded: the lookups that are no owner, and what a lead was converted to."""
    lookup = field.createable and field.name != "OwnerId"
    return field.type == "reference" and (lookup or field.name.startswith("Converted"))


def field_json(field: Field) -> Json:
    return {
        "aggregatable": field.aggregatable,
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": _byte_length(field),
        "calculated": field.calculated,
        "calculatedFormula": field.formula,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": field.compound_field_name,
        "controllerName": None,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": field.default_value,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted_on_create,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.digits,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "extraTypeInfo": field.extra_type_info,
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.groupable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup,
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": len(field.reference_to) > 1,
        "nillable": field.nillable,
        "permissionable": field.permissionable,
        "picklistValues": [
            {
                "active": v.active,
                "defaultValue": v.default,
                "label": v.label,
                "validFor": None,
                "value": v.value,
            }
            for v in field.picklist
        ],
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": field.precision,
        "queryByDistance": field.type == "address",
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted_picklist,
        "scale": field.scale,
        "searchPrefilterable": _is_search_prefilterable(field),
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type,
        "unique": False,
        "updateable": field.updateable,
        "writeRequiresMasterRead": False,
    }


def _urls(sobject: SObject, base: str) -> Json:
    root = f"{base}/sobjects/{sobject.name}"
    urls: Json = {"rowTemplate": f"{root}/{{ID}}", "describe": f"{root}/describe", "sobject": root}
    if _has_pages(sobject):
        urls["compactLayouts"] = f"{root}/describe/compactLayouts"
        urls["quickActions"] = f"{root}/quickActions"
        urls["layouts"] = f"{root}/describe/layouts"
    if sobject.name == "User":
        urls["namedLayouts"] = f"{root}/describe/namedLayouts/{{LayoutName}}"
        urls["passwordUtilities"] = f"{root}/{{ID}}/password"
    elif _has_pages(sobject):
        urls["approvalLayouts"] = f"{root}/describe/approvalLayouts"
    if sobject.listviewable:
        urls["listviews"] = f"{root}/listviews"
    return urls


def _has_pages(sobject: SObject) -> bool:
    """Whether people work with its records on pages, which have layouts; what is only set up has none."""
    return sobject.listviewable or sobject.name in ("User", "Task")


def summary_json(sobject: SObject, base: str) -> Json:
    """The entry of one object in the global describe; `base` is `/services/data/v66.0`."""
    shown = _has_pages(sobject)
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.createable,
        "custom": False,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": shown,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "layoutable": shown,
        "mergeable": sobject.listviewable,
        "mruEnabled": shown,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": shown,
        "triggerable": shown,
        "undeletable": sobject.soft_deletes,
        "updateable": sobject.updateable,
        "urls": _urls(sobject, base),
    }


def global_json(schema: Schema, base: str) -> Json:
    entries = [summary_json(sobject, base) for sobject in sorted(schema.sobjects, key=lambda s: s.name)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


def _child_relationships(sobject: SObject, schema: Schema) -> list[Json]:
    """Every field of the schema that points at this object."""
    return [
        {
            "cascadeDelete": field.child_relationship in _GO_WITH_THE_PARENT,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": field.child_relationship,
            "restrictedDelete": False,
        }
        for child in schema.sobjects
        for field in child.fields
        if sobject.name in field.reference_to
    ]


def sobject_json(sobject: SObject, schema: Schema, base: str, instance_url: str) -> Json:
    """The answer of /sobjects/X/describe."""
    answer = summary_json(sobject, base)
    urls = _urls(sobject, base) | {
        "uiDetailTemplate": f"{instance_url}/{{ID}}",
        "uiEditTemplate": f"{instance_url}/{{ID}}/e",
        "uiNewRecord": f"{instance_url}/{sobject.key_prefix}/e",
    }
    layout = f"{base}/sobjects/{sobject.name}/describe/layouts/{_MASTER_RECORD_TYPE}"
    record_type = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": _MASTER_RECORD_TYPE,
        "urls": {"layout": layout},
    }
    answer |= {
        "actionOverrides": [],
        "childRelationships": _child_relationships(sobject, schema),
        "compactLayoutable": sobject.listviewable,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field_json(field) for field in sobject.fields],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [record_type],
        "searchLayoutable": sobject.listviewable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": s.label, "name": s.name} for s in sobject.supported_scopes],
        "urls": urls,
    }
    return answer
