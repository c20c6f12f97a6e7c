import httpx

from orgsim.staff import REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from orgsim.text import words
from tests.contract.conftest import V, signed_in, soql

SUMMARY_KEYS = set(
    words(
        "activateable associateEntityType associateParentEntity createable custom customSetting deepCloneable deletable "
        "deprecatedAndHidden feedEnabled hasSubtypes isInterface isSubtype keyPrefix label labelPlural layoutable mergeable "
        "mruEnabled name queryable replicateable retrieveable searchable triggerable undeletable updateable urls"
    )
)
DESCRIBE_KEYS = SUMMARY_KEYS | set(
    words(
        "actionOverrides childRelationships compactLayoutable defaultImplementation extendedBy extendsInterfaces fields "
        "implementedBy implementsInterfaces listviewable lookupLayoutable namedLayoutInfos networkScopeFieldName "
        "recordTypeInfos searchLayoutable sobjectDescribeOption supportedScopes"
    )
)
MOBILE_PHONE: dict[str, object] = {
    "aggregatable": True,
    "aiPredictionField": False,
    "autoNumber": False,
    "byteLength": 120,
    "calculated": False,
    "calculatedFormula": None,
    "cascadeDelete": False,
    "caseSensitive": False,
    "compoundFieldName": None,
    "controllerName": None,
    "createable": True,
    "custom": False,
    "defaultValue": None,
    "defaultValueFormula": None,
    "defaultedOnCreate": False,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "digits": 0,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "externalId": False,
    "extraTypeInfo": None,
    "filterable": True,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "groupable": True,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "idLookup": False,
    "inlineHelpText": None,
    "label": "Mobile Phone",
    "length": 40,
    "mask": None,
    "maskType": None,
    "name": "MobilePhone",
    "nameField": False,
    "namePointing": False,
    "nillable": True,
    "permissionable": True,
    "picklistValues": [],
    "polymorphicForeignKey": False,
    "precision": 0,
    "queryByDistance": False,
    "referenceTargetField": None,
    "referenceTo": [],
    "relationshipName": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "restrictedPicklist": False,
    "scale": 0,
    "searchPrefilterable": False,
    "soapType": "xsd:string",
    "sortable": True,
    "type": "phone",
    "unique": False,
    "updateable": True,
    "writeRequiresMasterRead": False,
}


def _fields(client: httpx.Client, sobject: str) -> dict[str, dict[str, object]]:
    answer = client.get(f"{V}/sobjects/{sobject}/describe").json()
    return {field["name"]: field for field in answer["fields"]}


def test_global_describe_has_every_recorded_key(reader: httpx.Client) -> None:
    answer = reader.get(f"{V}/sobjects").json()

    assert set(answer) == {"encoding", "maxBatchSize", "sobjects"}
    names = [s["name"] for s in answer["sobjects"]]
    assert names == sorted(names)
    assert {"Account", "Contact", "Lead", "ListView", "Organization", "Task", "User"} <= set(names)
    assert all(set(s) == SUMMARY_KEYS for s in answer["sobjects"])


def test_the_organization_answers_what_clients_ask_at_sign_in(reader: httpx.Client) -> None:
    asked = "SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix FROM Organization"

    [record] = soql(reader, asked).json()["records"]

    assert (record["IsSandbox"], record["TrialExpirationDate"]) == (False, None)


def test_object_describe_has_every_recorded_key(reader: httpx.Client) -> None:
    contact = reader.get(f"{V}/sobjects/contact/describe").json()

    assert set(contact) == DESCRIBE_KEYS
    assert (contact["name"], contact["keyPrefix"], contact["label"]) == ("Contact", "003", "Contact")
    assert [s["name"] for s in contact["supportedScopes"]] == ["everything", "mine", "scopingRule", "team"]
    assert contact["urls"]["listviews"] == f"{V}/sobjects/Contact/listviews"
    assert {"uiDetailTemplate", "uiEditTemplate", "uiNewRecord"} <= set(contact["urls"])


def test_a_field_is_described_as_recorded(reader: httpx.Client) -> None:
    assert _fields(reader, "Contact")["MobilePhone"] == MOBILE_PHONE


def test_every_recorded_contact_and_lead_field_is_there(reader: httpx.Client) -> None:
    contact, lead = _fields(reader, "Contact"), _fields(reader, "Lead")

    assert len([f for f in contact.values() if not f["custom"]]) == 59
    assert len([f for f in lead.values() if not f["custom"]]) == 54
    assert {"MailingAddress", "ReportsToId", "IsEmailBounced", "PhotoUrl", "CleanStatus"} <= set(contact)
    assert {"Company", "Status", "IsConverted", "ConvertedContactId", "IsUnreadByOwner"} <= set(lead)
    assert lead["OwnerId"]["referenceTo"] == ["Group", "User"]
    assert lead["OwnerId"]["polymorphicForeignKey"] is True


def test_custom_fields_are_described(reader: httpx.Client) -> None:
    for sobject in ("Contact", "Lead"):
        custom = {name: field["type"] for name, field in _fields(reader, sobject).items() if field["custom"]}
        assert custom == {
            "Preferred_Name__c": "string",
            "SMS_Opt_Out__c": "boolean",
            "SMS_Opt_In__c": "boolean",
            "Texting_Preference__c": "picklist",
            "Program__c": "picklist",
            "Graduation_Year__c": "double",
            "Last_Modified_Date_Time__c": "datetime",
            **(
                {
                    "Student_ID__c": "string",
                    "Interests__c": "multipicklist",
                    "Institution__c": "string",
                    "Owner_Email__c": "string",
                }
                if sobject == "Contact"
                else {}
            ),
        }


def test_the_formula_field_can_be_read_and_filtered_but_not_written(reader: httpx.Client) -> None:
    field = _fields(reader, "Contact")["Last_Modified_Date_Time__c"]

    assert (field["calculated"], field["updateable"], field["filterable"]) == (True, False, True)
    assert field["calculatedFormula"] == "LastModifiedDate"


def test_fields_hidden_by_security_are_missing_everywhere(org: OrgSim, client: httpx.Client) -> None:
    assert not {"HasOptedOutOfEmail", "DoNotCall"} & set(_fields(client, "Contact"))

    org.hide_field("Contact", "Program__c")

    assert "Program__c" not in _fields(client, "Contact")
    answer = soql(client, "SELECT Program__c FROM Contact")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    record = client.get(f"{V}/sobjects/Contact/{org.ids('Contact')[0]}").json()
    assert not {"Program__c", "DoNotCall"} & set(record)
    assert (
        client.patch(f"{V}/sobjects/Contact/{org.ids('Contact')[0]}", json={"DoNotCall": True}).status_code
        == 400
    )


def test_staff_see_what_is_hidden_from_the_api_user(shared_org: OrgSim) -> None:
    with signed_in(shared_org, REGISTRAR_USERNAME) as registrar:
        assert {"HasOptedOutOfEmail", "DoNotCall"} <= set(_fields(registrar, "Contact"))


def test_picklist_values_have_labels_apart_from_values(reader: httpx.Client) -> None:
    values = _fields(reader, "Contact")["CleanStatus"]["picklistValues"]

    assert isinstance(values, list)
    assert values[0] == {
        "active": True,
        "defaultValue": False,
        "label": "In Sync",
        "validFor": None,
        "value": "Matched",
    }


def test_basic_information_of_an_object(reader: httpx.Client) -> None:
    answer = reader.get(f"{V}/sobjects/Lead").json()

    assert set(answer) == {"objectDescribe", "recentItems"}
    assert answer["objectDescribe"]["keyPrefix"] == "00Q"
