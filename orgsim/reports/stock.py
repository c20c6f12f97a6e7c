"""The reports a new org comes with. Those in the dean's folder are not shared with the API user."""

from itertools import count

import msgspec

from orgsim.ids import serial_id
from orgsim.reports.definition import Filter, Grouping, Report, Sort


class ReportFolder(msgspec.Struct, frozen=True):
    id: str
    name: str
    developer_name: str
    shared: bool = True


FOLDERS = (
    ReportFolder(serial_id("00l", 1), "Texting Reports", "Texting_Reports"),
    ReportFolder(serial_id("00l", 2), "Admissions Reports", "Admissions_Reports"),
    ReportFolder(serial_id("00l", 3), "Dean's Private Reports", "Deans_Private_Reports", shared=False),
)
_TEXTING, _ADMISSIONS, _DEAN = (folder.id for folder in FOLDERS)
MODIFIED = "Contact.Last_Modified_Date_Time__c"
_PERSON = ("CONTACT_ID", "FIRST_NAME", "LAST_NAME", "PHONE3", "EMAIL")
_CONSENT = ("Contact.SMS_Opt_Out__c", "Contact.Texting_Preference__c")
_STUDIES = ("Contact.Program__c", "Contact.Graduation_Year__c")
_EVERYTHING = (
    "CONTACT_ID",
    "SALUTATION",
    "FIRST_NAME",
    "LAST_NAME",
    "Contact.Preferred_Name__c",
    "PHONE3",
    "EMAIL",
    "ACCOUNT.NAME",
    "CONTACT_OWNER",
    "CONTACT_OWNER_EMAIL",
    *_CONSENT,
    *_STUDIES,
    MODIFIED,
)
_HAS_MOBILE = Filter("PHONE3", "notEqual", "")
_serial = count(1)


def _report(folder: str, name: str, columns: tuple[str, ...], **more: object) -> Report:
    number = next(_serial)
    words = "".join(character if character.isalnum() else " " for character in name)
    plain = Report(
        id=serial_id("00O", number),
        position=number,
        folder_id=folder,
        name=name,
        developer_name="_".join(words.split()),
        report_type="ContactList",
        detail_columns=columns,
    )
    return msgspec.structs.replace(plain, **more)


STOCK = (
    _report(_TEXTING, "All Contacts", _EVERYTHING, description="Every contact, with consent for texting"),
    _report(
        _TEXTING,
        "Texting Contacts with Last Modified",
        (*_PERSON, *_CONSENT, *_STUDIES, MODIFIED),
        filters=(_HAS_MOBILE,),
    ),
    _report(
        _TEXTING,
        "Contacts with Date-only Last Modified",
        (*_PERSON, *_CONSENT, "CREATED_DATE", "LAST_UPDATE"),
        filters=(_HAS_MOBILE,),
    ),
    _report(
        _TEXTING,
        "Contacts by Owner",
        (*_PERSON, *_STUDIES, MODIFIED),
        report_format="SUMMARY",
        groupings_down=(Grouping("CONTACT_OWNER"),),
    ),
    _report(
        _TEXTING,
        "Leads for Texting",
        (
            "LEAD_ID",
            "FIRST_NAME",
            "LAST_NAME",
            "COMPANY",
            "STATUS",
            "MOBILE_PHONE",
            "EMAIL",
            "Lead.SMS_Opt_Out__c",
            "LAST_UPDATE",
        ),
        report_type="LeadList",
        filters=(Filter("CONVERTED", "equals", "False"), Filter("MOBILE_PHONE", "notEqual", "")),
    ),
    _report(
        _ADMISSIONS,
        "Contacts by Program and Class",
        ("CONTACT_ID", "LAST_NAME"),
        report_format="MATRIX",
        groupings_down=(Grouping("Contact.Program__c"),),
        groupings_across=(Grouping("Contact.Graduation_Year__c"),),
    ),
    _report(_ADMISSIONS, "Admissions Overview", _PERSON, report_format="MULTI_BLOCK"),
    _report(
        _TEXTING,
        "Contacts with Logged Texts",
        (
            "Contact$Id",
            "Contact$FirstName",
            "Contact$LastName",
            "Contact$MobilePhone",
            "Contact$Last_Modified_Date_Time__c",
            "Contact.Tasks$Subject",
            "Contact.Tasks$ActivityDate",
        ),
        report_type="Contacts_with_Tasks__c",
        date_column="Contact.Tasks$CreatedDate",
    ),
    _report(
        _ADMISSIONS,
        "Contacts with Converted Leads",
        (
            "Contact$Id",
            "Contact$FirstName",
            "Contact$LastName",
            "Contact$MobilePhone",
            "Contact.Leads$LeadSource",
            "Contact.Leads$ConvertedDate",
        ),
        report_type="Contacts_with_Converted_Leads__c",
        date_column="Contact.Leads$ConvertedDate",
    ),
    _report(
        _ADMISSIONS,
        "Newest Hundred Contacts",
        (*_PERSON, "CREATED_DATE"),
        sort=Sort("CREATED_DATE", "Desc"),
        top_rows=100,
    ),
    _report(_DEAN, "Dean's List", (*_PERSON, *_STUDIES)),
    _report(
        _ADMISSIONS,
        "Spring Admits",
        (*_PERSON, *_STUDIES, MODIFIED),
        filters=(
            Filter("Contact.Program__c", "equals", "Nursing"),
            Filter("Contact.Graduation_Year__c", "equals", "2029"),
            Filter("Contact.Program__c", "equals", "Computer Science,Engineering"),
        ),
        boolean_filter="(1 AND 2) OR 3",
    ),
    _report(
        _TEXTING,
        "Contacts with Preferred Name",
        (*_PERSON, "Contact.Preferred_Name__c", *_CONSENT, MODIFIED),
        filters=(_HAS_MOBILE,),
        sort=Sort("LAST_NAME"),
    ),
    _report(_TEXTING, "My Contacts", (*_PERSON, MODIFIED), scope="user"),
    _report(
        _TEXTING,
        "Contacts Modified This Month",
        (*_PERSON, "LAST_UPDATE"),
        date_column="LAST_UPDATE",
        duration="THIS_MONTH",
    ),
    _report(
        _ADMISSIONS,
        "Leads by Status",
        ("LEAD_ID", "LAST_NAME", "COMPANY", "ANNUAL_REVENUE"),
        report_type="LeadList",
        report_format="SUMMARY",
        groupings_down=(Grouping("STATUS"), Grouping("CREATED_DATE", date_granularity="Year")),
        aggregates=("s!ANNUAL_REVENUE", "RowCount"),
    ),
    _report(_ADMISSIONS, "Mailing Labels", ("LAST_NAME", "ADDRESS2_STREET", "ADDRESS2_CITY", "ADDRESS2_ZIP")),
    _report(
        _ADMISSIONS,
        "Partner Schools",
        ("ACCOUNT_ID", "ACCOUNT.NAME", "TYPE", "USERS.NAME", "ADDRESS1_STATE", "CREATED_DATE"),
        report_type="AccountList",
        viewed=False,
    ),
)
