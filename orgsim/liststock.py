"""The list views a new org comes with. `DeansPrivateList` is not shared with the API user."""

from itertools import count

import msgspec

from orgsim.ids import serial_id
from orgsim.viewdef import ListView, Node, Order, SubQuery, both, either, leaf, negation

_PEOPLE = ("Name", "Account.Name", "Phone", "MobilePhone", "Email", "Owner.Alias")
_TEXTING = (
    "Name",
    "FirstName",
    "LastName",
    "Preferred_Name__c",
    "MobilePhone",
    "Email",
    "Program__c",
    "Graduation_Year__c",
    "SMS_Opt_Out__c",
    "Texting_Preference__c",
    "Owner.Name",
    "Last_Modified_Date_Time__c",
)
_LEADS = ("Name", "Company", "Status", "MobilePhone", "Email", "LeadSource", "Owner.Alias")
_LEAD_TEXTING = (
    "Name",
    "FirstName",
    "LastName",
    "MobilePhone",
    "Email",
    "Program__c",
    "SMS_Opt_Out__c",
    "Status",
)

_HAS_MOBILE = leaf("MobilePhone", "notEquals", "null")
_UNCONVERTED = leaf("IsConverted", "equals", "false")
_SPRING = either(
    both(leaf("Program__c", "equals", "'Nursing'"), leaf("Graduation_Year__c", "equals", "2029")),
    both(
        leaf("Program__c", "in", "'Computer Science'", "'Engineering'"),
        leaf("Graduation_Year__c", "greaterThanOrEqualTo", "2030"),
    ),
)
_serial = count(1)


def _view(sobject: str, name: str, label: str, where: Node | None = None, **more: object) -> ListView:
    number = next(_serial)
    columns = {"Contact": _PEOPLE, "Lead": _LEADS}[sobject]
    values = {"columns": columns, **more, "where": where}
    view = ListView(
        id=serial_id("00B", number),
        position=number,
        sobject=sobject,
        developer_name=name,
        label=label,
        columns=(),
    )
    return msgspec.structs.replace(view, **values)


def _program(name: str, label: str, value: str) -> ListView:
    where = both(leaf("Program__c", "equals", f"'{value}'"), _HAS_MOBILE)
    return _view("Contact", name, label, where, columns=_TEXTING)


_CONTACT_VIEWS = (
    _view("Contact", "AllContacts", "All Contacts"),
    _view("Contact", "TextingContacts", "Texting Contacts", _HAS_MOBILE, columns=_TEXTING),
    _view("Contact", "SpringAdmits", "Spring Admits", _SPRING, columns=_TEXTING),
    _view("Contact", "MyContacts", "My Contacts", scope="mine"),
    _view("Contact", "DeansPrivateList", "Dean's Private List", _HAS_MOBILE, shared=False),
    _program("NursingStudents", "Nursing Students", "Nursing"),
    _program("BusinessStudents", "Business Students", "Business Administration"),
    _program("ComputerScienceStudents", "Computer Science Students", "Computer Science"),
    _program("PsychologyMajors", "Psychology Majors", "Psychology"),
    _program("EngineeringCohort", "Engineering Cohort", "Engineering"),
    _program("MBACandidates", "MBA Candidates", "MBA"),
    _program("FutureTeachers", "Future Teachers (Education)", "Education"),
    _view(
        "Contact", "Undeclared", "Undeclared", leaf("Program__c", "equals", "'Undeclared'"), columns=_TEXTING
    ),
    _view(
        "Contact",
        "ClassOf2027",
        "Class of 2027",
        leaf("Graduation_Year__c", "equals", "2027"),
        columns=_TEXTING,
    ),
    _view(
        "Contact",
        "ClassOf2028",
        "Class of 2028",
        leaf("Graduation_Year__c", "equals", "2028"),
        columns=_TEXTING,
    ),
    _view(
        "Contact",
        "ClassOf2029",
        "Class of 2029",
        leaf("Graduation_Year__c", "equals", "2029"),
        columns=_TEXTING,
    ),
    _view("Contact", "YoungAlumni", "Young Alumni", leaf("Graduation_Year__c", "lessThan", "2026")),
    _view("Contact", "NoMobileNumber", "No Mobile Number", leaf("MobilePhone", "equals", "null")),
    _view("Contact", "NoEmail", "No E-mail Address", leaf("Email", "equals", "null")),
    _view(
        "Contact",
        "OptedOutOfTexts",
        "Opted Out of Texts",
        leaf("SMS_Opt_Out__c", "equals", "true"),
        columns=_TEXTING,
    ),
    _view(
        "Contact",
        "PrefersTexting",
        "Prefers Texting",
        leaf("Texting_Preference__c", "equals", "'Yes'"),
        columns=_TEXTING,
    ),
    _view("Contact", "NewThisWeek", "New This Week", leaf("CreatedDate", "equals", "THIS_WEEK")),
    _view(
        "Contact",
        "ModifiedLast30Days",
        "Modified in the Last 30 Days",
        leaf("LastModifiedDate", "equals", "LAST_N_DAYS:30"),
        order=(Order("LastModifiedDate", descending=True),),
    ),
    _view("Contact", "NewYorkMetro", "New York Metro", leaf("MailingState", "in", "'NY'", "'NJ'")),
    _view("Contact", "CaliforniaRecruits", "California Recruits", leaf("MailingState", "equals", "'CA'")),
    _view(
        "Contact",
        "HighSchoolPartners",
        "From Partner High Schools",
        leaf("Account.Type", "equals", "'Educational Institution'"),
    ),
    _view("Contact", "Parents", "Parents & Guardians", leaf("Title", "equals", "'Parent'")),
    _view("Contact", "WebInquiries", "Web Inquiries", leaf("LeadSource", "equals", "'Web'")),
    _view("Contact", "BirthdaysOnFile", "Birthdays on File", leaf("Birthdate", "notEquals", "null")),
    _view("Contact", "CampusTourByDistance", "Campus Tour (by Distance)", soql_compatible=False),
)
_LEAD_VIEWS = (
    _view("Lead", "AllLeads", "All Open Leads", _UNCONVERTED),
    _view("Lead", "TextingLeads", "Texting Leads", both(_UNCONVERTED, _HAS_MOBILE), columns=_LEAD_TEXTING),
    _view("Lead", "SpringInquiries", "Spring Inquiries", both(_UNCONVERTED, _SPRING), columns=_LEAD_TEXTING),
    _view("Lead", "MyLeads", "My Leads", _UNCONVERTED, scope="mine"),
    _view("Lead", "DeansPrivateLeads", "Dean's Private Leads", _UNCONVERTED, shared=False),
    _view(
        "Lead",
        "HotLeads",
        "Working Leads",
        both(_UNCONVERTED, leaf("Status", "equals", "'Working - Contacted'")),
    ),
    _view(
        "Lead",
        "UnreadLeads",
        "My Unread Leads",
        both(_UNCONVERTED, leaf("IsUnreadByOwner", "equals", "true")),
    ),
    _view(
        "Lead",
        "RecentInquiries",
        "Inquiries This Month",
        both(_UNCONVERTED, leaf("CreatedDate", "equals", "THIS_MONTH")),
    ),
)
# Filters of every further kind, and the scopes of a queue and of a team.
_FURTHER_VIEWS = (
    _view("Contact", "MyTeamsContacts", "My Team's Contacts", scope="team"),
    _view(
        "Contact", "InterestedInTheArts", "Interested in the Arts", leaf("Interests__c", "includes", "'Arts'")
    ),
    _view(
        "Contact",
        "NotFromPartnerSchools",
        "Not from Partner Schools",
        both(
            leaf("Account.Name", "notLike", "'%High School%'"), negation(leaf("Title", "equals", "'Parent'"))
        ),
    ),
    _view(
        "Contact",
        "CalledThisYear",
        "With Tasks This Year",
        SubQuery(field="Id", operator="in", query="SELECT WhoId FROM Task WHERE CreatedDate = THIS_YEAR"),
    ),
    _view(
        "Lead",
        "InquiryQueue",
        "Inquiry Queue",
        _UNCONVERTED,
        scope="queue_owned",
        scope_entity_id=serial_id("00G", 1),
    ),
    _view("Lead", "MyTeamsLeads", "My Team's Leads", _UNCONVERTED, scope="team"),
)
STOCK = (*_CONTACT_VIEWS, *_LEAD_VIEWS, *_FURTHER_VIEWS)


def stored_row(view: ListView) -> tuple[object, ...]:
    """The row of table list_view: id, sobject, position, shared, definition."""
    return view.id, view.sobject, view.position, int(view.shared), msgspec.json.encode(view).decode()
