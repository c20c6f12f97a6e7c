"""The fields of the standard objects, as facts: what a Developer Edition org describes, plus the org's own custom fields.

One line is a field: API name; label; type(length); flags; more. Flags: n nillable, u updateable, c createable,
f filterable, s sortable, g groupable, a aggregatable, p permissionable, d defaulted on create, i id lookup, x external
id, N name field. More: in=compound field, to=referenced objects, rel=relationship, kids=child relationship, extra=extraTypeInfo, pick=value set below,
restricted, num=precision,scale, digits=, default=, formula=shown text, sql=computed by the named expression.
"""

CONTACT = """\
Id; Contact ID; id(18); fsgadi
IsDeleted; Deleted; boolean; fsgd
MasterRecordId; Master Record ID; reference(18); nfsga; to=Contact rel=MasterRecord
AccountId; Account ID; reference(18); nucfsgap; to=Account rel=Account kids=Contacts
LastName; Last Name; string(80); ucfsga; in=Name extra=personname
FirstName; First Name; string(40); nucfsga; in=Name extra=personname
Salutation; Salutation; picklist(40); nucfsga; in=Name extra=personname pick=Salutation
Name; Full Name; string(121); fsgaN; extra=personname
OtherStreet; Other Street; textarea(255); nucfsgap; in=OtherAddress extra=plaintextarea
OtherCity; Other City; string(40); nucfsgap; in=OtherAddress
OtherState; Other State/Province; string(80); nucfsgap; in=OtherAddress
OtherPostalCode; Other Zip/Postal Code; string(20); nucfsgap; in=OtherAddress
OtherCountry; Other Country; string(80); nucfsgap; in=OtherAddress
OtherLatitude; Other Latitude; double; nucfsap; in=OtherAddress num=18,15
OtherLongitude; Other Longitude; double; nucfsap; in=OtherAddress num=18,15
OtherGeocodeAccuracy; Other Geocode Accuracy; picklist(40); nucfsgap; in=OtherAddress pick=GeocodeAccuracy restricted
OtherAddress; Other Address; address; nfp; sql=address:Other
MailingStreet; Mailing Street; textarea(255); nucfsgap; in=MailingAddress extra=plaintextarea
MailingCity; Mailing City; string(40); nucfsgap; in=MailingAddress
MailingState; Mailing State/Province; string(80); nucfsgap; in=MailingAddress
MailingPostalCode; Mailing Zip/Postal Code; string(20); nucfsgap; in=MailingAddress
MailingCountry; Mailing Country; string(80); nucfsgap; in=MailingAddress
MailingLatitude; Mailing Latitude; double; nucfsap; in=MailingAddress num=18,15
MailingLongitude; Mailing Longitude; double; nucfsap; in=MailingAddress num=18,15
MailingGeocodeAccuracy; Mailing Geocode Accuracy; picklist(40); nucfsgap; in=MailingAddress pick=GeocodeAccuracy restricted
MailingAddress; Mailing Address; address; nfp; sql=address:Mailing
Phone; Business Phone; phone(40); nucfsgap
Fax; Business Fax; phone(40); nucfsgap
MobilePhone; Mobile Phone; phone(40); nucfsgap
HomePhone; Home Phone; phone(40); nucfsgap
OtherPhone; Other Phone; phone(40); nucfsgap
AssistantPhone; Asst. Phone; phone(40); nucfsgap
ReportsToId; Reports To ID; reference(18); nucfsgap; to=Contact rel=ReportsTo
Email; Email; email(80); nucfsgapi
Title; Title; string(128); nucfsgap
Department; Department; string(80); nucfsgap
AssistantName; Assistant's Name; string(40); nucfsgap
LeadSource; Lead Source; picklist(255); nucfsgap; pick=LeadSource
Birthdate; Birthdate; date; nucfsgap
Description; Contact Description; textarea(32000); nucp; extra=plaintextarea
HasOptedOutOfEmail; Email Opt Out; boolean; ucfsgdp
DoNotCall; Do Not Call; boolean; ucfsgdp
OwnerId; Owner ID; reference(18); ucfsgad; to=User rel=Owner
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
LastActivityDate; Last Activity; date; nfsga
LastCURequestDate; Last Stay-in-Touch Request Date; datetime; nfsa
LastCUUpdateDate; Last Stay-in-Touch Save Date; datetime; nfsa
LastViewedDate; Last Viewed Date; datetime; nfsa
LastReferencedDate; Last Referenced Date; datetime; nfsa
EmailBouncedReason; Email Bounced Reason; string(255); nucfsga
EmailBouncedDate; Email Bounced Date; datetime; nucfsa
IsEmailBounced; Is Email Bounced; boolean; fsgd; sql=bounced
PhotoUrl; Photo URL; url(255); nfsga; extra=imageurl sql=photo
Jigsaw; Data.com Key; string(20); nucfsgap
JigsawContactId; Jigsaw Contact ID; string(20); nfsga; rel=JigsawContact
CleanStatus; Clean Status; picklist(40); nucfsgap; pick=CleanStatus restricted
IndividualId; Individual ID; reference(18); nucfsga; to=Individual rel=Individual
Preferred_Name__c; Preferred Name; string(40); nucfsgap
SMS_Opt_Out__c; SMS Opt Out; boolean; ucfsgdp
SMS_Opt_In__c; SMS Opt In; boolean; ucfsgdp
Texting_Preference__c; Texting Preference; picklist(255); nucfsgap; pick=TextingPreference
Program__c; Program; picklist(255); nucfsgap; pick=Program
Graduation_Year__c; Graduation Year; double; nucfsap; num=4,0
Last_Modified_Date_Time__c; Last Modified Date/Time; datetime; nfsap; formula=LastModifiedDate sql=modified
Interests__c; Interests; multipicklist(4099); nucfp; pick=Interests
Institution__c; Institution; string(1300); nfsgap; formula=Account.Name sql=account_name
Owner_Email__c; Owner Email; string(1300); nfsgap; formula=Owner.Email sql=owner_email
Student_ID__c; Student ID; string(20); nucfsgapix
"""

LEAD = """\
Id; Lead ID; id(18); fsgadi
IsDeleted; Deleted; boolean; fsgd
MasterRecordId; Master Record ID; reference(18); nfsga; to=Lead rel=MasterRecord
LastName; Last Name; string(80); ucfsga; in=Name extra=personname
FirstName; First Name; string(40); nucfsga; in=Name extra=personname
Salutation; Salutation; picklist(40); nucfsga; in=Name extra=personname pick=LeadSalutation
Name; Full Name; string(121); fsgaN; extra=personname
Title; Title; string(128); nucfsgap
Company; Company; string(255); ucfsga
Street; Street; textarea(255); nucfsgap; in=Address extra=plaintextarea
City; City; string(40); nucfsgap; in=Address
State; State/Province; string(80); nucfsgap; in=Address
PostalCode; Zip/Postal Code; string(20); nucfsgap; in=Address
Country; Country; string(80); nucfsgap; in=Address
Latitude; Latitude; double; nucfsap; in=Address num=18,15
Longitude; Longitude; double; nucfsap; in=Address num=18,15
GeocodeAccuracy; Geocode Accuracy; picklist(40); nucfsgap; in=Address pick=GeocodeAccuracy restricted
Address; Address; address; nfp; sql=address:
Phone; Phone; phone(40); nucfsgap
MobilePhone; Mobile Phone; phone(40); nucfsgap
Fax; Fax; phone(40); nucfsgap
Email; Email; email(80); nucfsgapi
Website; Website; url(255); nucfsgap
PhotoUrl; Photo URL; url(255); nfsga; extra=imageurl sql=photo
Description; Description; textarea(32000); nucp; extra=plaintextarea
HasOptedOutOfEmail; Email Opt Out; boolean; ucfsgdp
DoNotCall; Do Not Call; boolean; ucfsgdp
LeadSource; Lead Source; picklist(255); nucfsgap; pick=LeadSource
Status; Status; picklist(255); ucfsgad; pick=Status default=Open_-_Not_Contacted
Industry; Industry; picklist(255); nucfsgap; pick=Industry
Rating; Rating; picklist(255); nucfsgap; pick=Rating
AnnualRevenue; Annual Revenue; currency; nucfsap; num=18,0
NumberOfEmployees; Employees; int; nucfsgap; digits=8
OwnerId; Owner ID; reference(18); ucfsgad; to=Group|User rel=Owner
IsConverted; Converted; boolean; cfsgd
ConvertedDate; Converted Date; date; nfsga
ConvertedAccountId; Converted Account ID; reference(18); nfsga; to=Account rel=ConvertedAccount
ConvertedContactId; Converted Contact ID; reference(18); nfsga; to=Contact rel=ConvertedContact
ConvertedOpportunityId; Converted Opportunity ID; reference(18); nfsga; to=Opportunity rel=ConvertedOpportunity
IsUnreadByOwner; Unread By Owner; boolean; ucfsgd
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
LastActivityDate; Last Activity; date; nfsga
LastViewedDate; Last Viewed Date; datetime; nfsa
LastReferencedDate; Last Referenced Date; datetime; nfsa
Jigsaw; Data.com Key; string(20); nucfsgap
JigsawContactId; Jigsaw Contact ID; string(20); nfsga; rel=JigsawContact
CleanStatus; Clean Status; picklist(40); nucfsgap; pick=CleanStatus restricted
CompanyDunsNumber; Company D-U-N-S Number; string(9); nucfsgap
DandbCompanyId; D&B Company ID; reference(18); nucfsgap; to=DandBCompany rel=DandbCompany
EmailBouncedReason; Email Bounced Reason; string(255); nufsga
EmailBouncedDate; Email Bounced Date; datetime; nufsa
IndividualId; Individual ID; reference(18); nucfsga; to=Individual rel=Individual
Preferred_Name__c; Preferred Name; string(40); nucfsgap
SMS_Opt_Out__c; SMS Opt Out; boolean; ucfsgdp
SMS_Opt_In__c; SMS Opt In; boolean; ucfsgdp
Texting_Preference__c; Texting Preference; picklist(255); nucfsgap; pick=TextingPreference
Program__c; Program; picklist(255); nucfsgap; pick=Program
Graduation_Year__c; Graduation Year; double; nucfsap; num=4,0
Last_Modified_Date_Time__c; Last Modified Date/Time; datetime; nfsap; formula=LastModifiedDate sql=modified
"""

ACCOUNT = """\
Id; Account ID; id(18); fsgadi
IsDeleted; Deleted; boolean; fsgd
MasterRecordId; Master Record ID; reference(18); nfsga; to=Account rel=MasterRecord
Name; Account Name; string(255); ucfsgaN; extra=switchablepersonname
Type; Account Type; picklist(255); nucfsgap; pick=AccountType
ParentId; Parent Account ID; reference(18); nucfsgap; to=Account rel=Parent kids=ChildAccounts
BillingStreet; Billing Street; textarea(255); nucfsgap; in=BillingAddress extra=plaintextarea
BillingCity; Billing City; string(40); nucfsgap; in=BillingAddress
BillingState; Billing State/Province; string(80); nucfsgap; in=BillingAddress
BillingPostalCode; Billing Zip/Postal Code; string(20); nucfsgap; in=BillingAddress
BillingCountry; Billing Country; string(80); nucfsgap; in=BillingAddress
BillingLatitude; Billing Latitude; double; nucfsap; in=BillingAddress num=18,15
BillingLongitude; Billing Longitude; double; nucfsap; in=BillingAddress num=18,15
BillingGeocodeAccuracy; Billing Geocode Accuracy; picklist(40); nucfsgap; in=BillingAddress pick=GeocodeAccuracy restricted
BillingAddress; Billing Address; address; nfp; sql=address:Billing
ShippingStreet; Shipping Street; textarea(255); nucfsgap; in=ShippingAddress extra=plaintextarea
ShippingCity; Shipping City; string(40); nucfsgap; in=ShippingAddress
ShippingState; Shipping State/Province; string(80); nucfsgap; in=ShippingAddress
ShippingPostalCode; Shipping Zip/Postal Code; string(20); nucfsgap; in=ShippingAddress
ShippingCountry; Shipping Country; string(80); nucfsgap; in=ShippingAddress
ShippingLatitude; Shipping Latitude; double; nucfsap; in=ShippingAddress num=18,15
ShippingLongitude; Shipping Longitude; double; nucfsap; in=ShippingAddress num=18,15
ShippingGeocodeAccuracy; Shipping Geocode Accuracy; picklist(40); nucfsgap; in=ShippingAddress pick=GeocodeAccuracy restricted
ShippingAddress; Shipping Address; address; nfp; sql=address:Shipping
Phone; Account Phone; phone(40); nucfsgap
Fax; Account Fax; phone(40); nucfsgap
AccountNumber; Account Number; string(40); nucfsgap
Website; Website; url(255); nucfsgap
PhotoUrl; Photo URL; url(255); nfsga; extra=imageurl sql=photo
Sic; SIC Code; string(20); nucfsgap
Industry; Industry; picklist(255); nucfsgap; pick=Industry
AnnualRevenue; Annual Revenue; currency; nucfsap; num=18,0
NumberOfEmployees; Employees; int; nucfsgap; digits=8
Ownership; Ownership; picklist(255); nucfsgap; pick=Ownership
TickerSymbol; Ticker Symbol; string(20); nucfsgap
Rating; Account Rating; picklist(255); nucfsgap; pick=Rating
Site; Account Site; string(80); nucfsgap
AccountSource; Account Source; picklist(255); nucfsgap; pick=LeadSource
Description; Account Description; textarea(32000); nucp; extra=plaintextarea
OwnerId; Owner ID; reference(18); ucfsgad; to=User rel=Owner
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
"""

USER = """\
Id; User ID; id(18); fsgadi
Username; Username; string(80); ucfsgai
LastName; Last Name; string(80); ucfsga; in=Name extra=personname
FirstName; First Name; string(40); nucfsga; in=Name extra=personname
Name; Full Name; string(121); fsgaN; extra=personname
Email; Email; email(128); ucfsgai
Alias; Alias; string(8); ucfsga
CommunityNickname; Nickname; string(40); nucfsga
CompanyName; Company Name; string(80); nucfsgap
Title; Title; string(80); nucfsgap
Department; Department; string(80); nucfsgap
Phone; Phone; phone(40); nucfsgap
MobilePhone; Mobile; phone(40); nucfsgap
EmployeeNumber; Employee Number; string(20); nucfsgap
FederationIdentifier; SAML Federation ID; string(512); nucfsga
UserRoleId; Role ID; reference(18); nucfsga; to=UserRole rel=UserRole
IsActive; Active; boolean; ucfsgd
TimeZoneSidKey; Time Zone; picklist(40); ucfsga; pick=TimeZone restricted
LocaleSidKey; Locale; picklist(40); ucfsga; pick=Locale restricted
LanguageLocaleKey; Language; picklist(40); ucfsga; pick=Locale restricted
EmailEncodingKey; Email Encoding; picklist(40); ucfsga; pick=Encoding restricted
UserType; User Type; picklist(40); nfsga; pick=UserType restricted
ProfileId; Profile ID; reference(18); ucfsga; to=Profile rel=Profile
ManagerId; Manager ID; reference(18); nucfsgap; to=User rel=Manager
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
"""

ORGANIZATION = """\
Id; Organization ID; id(18); fsgadi
Name; Name; string(80); ufsgaN
City; City; string(40); nufsga
State; State/Province; string(80); nufsga
PrimaryContact; Primary Contact; string(80); nufsga
InstanceName; Instance Name; string(5); nfsga
IsSandbox; Is Sandbox; boolean; fsgd
OrganizationType; Edition; picklist(40); nfsga; pick=Edition restricted
TrialExpirationDate; Trial Expiration Date; datetime; nfsa
TimeZoneSidKey; Time Zone; picklist(40); ufsga; pick=TimeZone restricted
DefaultLocaleSidKey; Locale; picklist(40); ufsga; pick=Locale restricted
LanguageLocaleKey; Language; picklist(40); ufsga; pick=Locale restricted
NamespacePrefix; Namespace Prefix; string(15); nfsga
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
"""

LIST_VIEW = """\
Id; List View ID; id(18); fsgadi
Name; View Name; string(80); nfsgaN
DeveloperName; API Name; string(80); fsgai
NamespacePrefix; Namespace Prefix; string(15); nfsga
SobjectType; Sobject Type; picklist(40); nfsga; pick=ListedType restricted
IsSoqlCompatible; SOQL Compatible; boolean; fsgd
LastViewedDate; Last Viewed Date; datetime; nfsa
LastReferencedDate; Last Referenced Date; datetime; nfsa
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
"""

PERMISSION_SET = """\
Id; Permission Set ID; id(18); fsgadi
Name; Permission Set Name; string(80); fsgaiN
Label; Permission Set Label; string(80); fsga
Description; Description; string(255); nfsga
ProfileId; Profile ID; reference(18); nfsga; to=Profile rel=Profile
IsOwnedByProfile; Is Owned By Profile; boolean; fsgd
IsCustom; Is Custom; boolean; fsgd
Type; Permission Set Type; picklist(40); nfsga; pick=PermissionSetType restricted
NamespacePrefix; Namespace Prefix; string(15); nfsga
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
"""

PERMISSION_SET_ASSIGNMENT = """\
Id; Permission Set Assignment ID; id(18); fsgadi
PermissionSetId; Permission Set ID; reference(18); nfsga; to=PermissionSet rel=PermissionSet kids=Assignments
AssigneeId; Assignee ID; reference(18); fsga; to=User rel=Assignee kids=PermissionSetAssignments
IsActive; Active; boolean; fsgd
ExpirationDate; Expires On; datetime; nfsa
SystemModstamp; System Modstamp; datetime; fsad
"""

OBJECT_PERMISSIONS = """\
Id; Object Permissions ID; id(18); fsgadi
ParentId; Parent ID; reference(18); fsga; to=PermissionSet rel=Parent kids=ObjectPerms
SobjectType; Sobject Type; picklist(40); fsga; pick=ListedType restricted
PermissionsCreate; Create Records; boolean; fsgd
PermissionsRead; Read Records; boolean; fsgd
PermissionsEdit; Edit Records; boolean; fsgd
PermissionsDelete; Delete Records; boolean; fsgd
PermissionsViewAllRecords; Read All Records; boolean; fsgd
PermissionsModifyAllRecords; Edit All Records; boolean; fsgd
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
"""

# A value that is shown under another label reads value=label.
VALUE_SETS = {
    "Salutation": "Mr.; Ms.; Mrs.; Dr.; Prof.",
    "LeadSalutation": "Mr.; Ms.; Mrs.; Dr.; Prof.; Mx.",
    "GeocodeAccuracy": (
        "Address; NearAddress; Block; Street; ExtendedZip; Zip; Neighborhood; City; County; State; Unknown"
    ),
    "LeadSource": "Web; Phone Inquiry; Partner Referral; Purchased List; Other",
    "CleanStatus": (
        "Matched=In Sync; Different; Acknowledged=Reviewed; NotFound=Not Found; Inactive; Pending=Not "
        "Compared; SelectMatch=Select Match; Skipped"
    ),
    "Status": "Open - Not Contacted; Working - Contacted; Closed - Converted; Closed - Not Converted",
    "Rating": "Hot; Warm; Cold",
    "Industry": (
        "Agriculture; Apparel; Banking; Biotechnology; Chemicals; Communications; Construction; "
        "Consulting; Education; Electronics; Energy; Engineering; Entertainment; Environmental; Finance; "
        "Food & Beverage; Government; Healthcare; Hospitality; Insurance; Machinery; Manufacturing; "
        "Media; Not For Profit; Recreation; Retail; Shipping; Technology; Telecommunications; "
        "Transportation; Utilities; Other"
    ),
    "Ownership": "Public; Private; Subsidiary; Other",
    "Interests": "Arts; Athletics; Research; Service; Study Abroad",
    "TextingPreference": "Yes; No",
    "Program": (
        "Nursing; Business Administration; Computer Science; Psychology; Biology; Education; Fine Arts; "
        "Engineering; Social Work; Undeclared; MBA=Master of Business Administration; EdD=Doctor of "
        "Education"
    ),
    "AccountType": "Educational Institution; Household; Organization; Vendor",
    "TimeZone": (
        "America/New_York=(GMT-05:00) Eastern Standard Time (America/New_York); "
        "America/Chicago=(GMT-06:00) Central Standard Time (America/Chicago); "
        "America/Los_Angeles=(GMT-08:00) Pacific Standard Time (America/Los_Angeles); GMT=(GMT+00:00) "
        "Greenwich Mean Time (GMT)"
    ),
    "Locale": "en_US=English (United States); en_GB=English (United Kingdom)",
    "Encoding": "UTF-8=Unicode (UTF-8); ISO-8859-1=General US & Western Europe (ISO-8859-1, ISO-LATIN-1)",
    "UserType": "Standard; PowerPartner=Partner; Guest",
    "Edition": "Developer Edition; Enterprise Edition; Unlimited Edition",
    "ListedType": "Account; Contact; Lead",
    "PermissionSetType": "Regular; Standard; Profile; Group; Session",
}
