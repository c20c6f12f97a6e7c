"""The columns of the report types, as facts: API names and labels of a Developer Edition org where recorded.

One line is a column: API name; label; path of the field from the base object; more. More: `name=PATH` marks the name
of a record (its cells carry the id at PATH), `day` a moment shown as a day only, `as=TYPE` a data type other than the
field's, `entity=X` an entityColumnName other than the field's own (the parts of an address all give the address).
A line `# ...` starts a category. Custom fields are added by themselves.
"""

CONTACT_LIST = """\
# Contact: General
CONTACT_ID; Contact ID; Id
SALUTATION; Salutation; Salutation
FIRST_NAME; First Name; FirstName; name=Id
LAST_NAME; Last Name; LastName; name=Id
TITLE; Title; Title
DEPARTMENT; Department; Department
BIRTHDATE; Birthdate; Birthdate
LEAD_SOURCE; Lead Source; LeadSource
CONTACT_OWNER; Contact Owner; Owner.Name; name=OwnerId
CONTACT_OWNER_ALIAS; Contact Owner Alias; Owner.Alias
CONTACT_OWNER_EMAIL; Contact Owner Email; Owner.Email
CONTACT_REPORTS_TO; Reports To; ReportsTo.Name; name=ReportsToId
DESCRIPTION; Contact Description; Description
EMAIL_OPT_OUT; Email Opt Out; HasOptedOutOfEmail
DO_NOT_CALL; Do Not Call; DoNotCall
CREATED_DATE; Created Date; CreatedDate; day as=datetime
CREATED; Created By; CreatedBy.Name; name=CreatedById
LAST_UPDATE; Last Modified Date; LastModifiedDate; day as=date
LAST_UPDATE_BY; Last Modified By; LastModifiedBy.Name; name=LastModifiedById
LAST_ACTIVITY; Last Activity; LastActivityDate
# Contact: Ph/Fax/Email
PHONE1; Phone; Phone
PHONE2; Fax; Fax
PHONE3; Mobile; MobilePhone
PHONE4; Home Phone; HomePhone
PHONE5; Other Phone; OtherPhone
EMAIL; Email; Email
# Contact: Address
ADDRESS2_STREET; Mailing Street; MailingStreet; entity=Contact.MailingAddress
ADDRESS2_CITY; Mailing City; MailingCity; entity=Contact.MailingAddress
ADDRESS2_STATE; Mailing State/Province; MailingState; entity=Contact.MailingAddress
ADDRESS2_ZIP; Mailing Zip/Postal Code; MailingPostalCode; entity=Contact.MailingAddress
ADDRESS2_COUNTRY; Mailing Country; MailingCountry; entity=Contact.MailingAddress
ADDRESS1_STREET; Other Street; OtherStreet; entity=Contact.OtherAddress
ADDRESS1_CITY; Other City; OtherCity; entity=Contact.OtherAddress
ADDRESS1_STATE; Other State/Province; OtherState; entity=Contact.OtherAddress
ADDRESS1_ZIP; Other Zip/Postal Code; OtherPostalCode; entity=Contact.OtherAddress
ADDRESS1_COUNTRY; Other Country; OtherCountry; entity=Contact.OtherAddress
# Account: General
ACCOUNT.NAME; Account Name; Account.Name; name=AccountId
ACCOUNT_ID; Account ID; Account.Id
OWNER_FULL_NAME; Account Owner; Account.Owner.Name; name=Account.OwnerId
TYPE; Type; Account.Type
INDUSTRY; Industry; Account.Industry
ACCOUNT_PHONE; Account Phone; Account.Phone
ACCOUNT_CREATED_DATE; Account: Created Date; Account.CreatedDate; day as=datetime
ACCOUNT_LAST_UPDATE; Account: Last Modified Date; Account.LastModifiedDate; day as=date
"""

LEAD_LIST = """\
# Lead Information
LEAD_ID; Lead ID; Id
SALUTATION; Salutation; Salutation
FIRST_NAME; First Name; FirstName; name=Id
LAST_NAME; Last Name; LastName; name=Id
TITLE; Title; Title
COMPANY; Company / Account; Company
STATUS; Lead Status; Status
LEAD_SOURCE; Lead Source; LeadSource
INDUSTRY; Industry; Industry
RATING; Rating; Rating
ANNUAL_REVENUE; Annual Revenue; AnnualRevenue
EMPLOYEES; No. of Employees; NumberOfEmployees
OWNER; Lead Owner; Owner.Name; name=OwnerId
OWNER_ALIAS; Lead Owner Alias; Owner.Alias
UNREAD; Unread; IsUnreadByOwner
CONVERTED; Converted; IsConverted
CONVERTED_DATE; Converted Date; ConvertedDate
DESCRIPTION; Description; Description
EMAIL_OPT_OUT; Email Opt Out; HasOptedOutOfEmail
DO_NOT_CALL; Do Not Call; DoNotCall
CREATED_DATE; Create Date; CreatedDate; day as=datetime
CREATED; Created By; CreatedBy.Name; name=CreatedById
LAST_UPDATE; Last Modified Date; LastModifiedDate; day as=date
LAST_UPDATE_BY; Last Modified By; LastModifiedBy.Name; name=LastModifiedById
LAST_ACTIVITY; Last Activity; LastActivityDate
# Lead: Ph/Fax/Email
PHONE; Phone; Phone
FAX; Fax; Fax
MOBILE_PHONE; Mobile; MobilePhone
EMAIL; Email; Email
URL; Website; Website
# Lead: Address
STREET; Street; Street; entity=Lead.Address
CITY; City; City; entity=Lead.Address
STATE; State/Province; State; entity=Lead.Address
ZIP; Zip/Postal Code; PostalCode; entity=Lead.Address
COUNTRY; Country; Country; entity=Lead.Address
"""

ACCOUNT_LIST = """\
# Account: General
ACCOUNT.NAME; Account Name; Name; name=Id
ACCOUNT_ID; Account ID; Id
TYPE; Type; Type
INDUSTRY; Industry; Industry
PHONE1; Phone; Phone
URL; Website; Website
USERS.NAME; Account Owner; Owner.Name; name=OwnerId
DESCRIPTION; Account Description; Description
CREATED_DATE; Created Date; CreatedDate; day as=datetime
LAST_UPDATE; Last Modified Date; LastModifiedDate; day as=date
# Account: Address
ADDRESS1_CITY; Billing City; BillingCity; entity=Account.BillingAddress
ADDRESS1_STATE; Billing State/Province; BillingState; entity=Account.BillingAddress
"""

# Custom report types name their columns by object and field; each has one row for every record of the child.
_PERSON = """\
Contact$Id; Contact ID; {who}.Id; entity=Contact.Id
Contact$FirstName; First Name; {who}.FirstName; name={who}.Id entity=Contact.FirstName
Contact$LastName; Last Name; {who}.LastName; name={who}.Id entity=Contact.LastName
Contact$MobilePhone; Mobile Phone; {who}.MobilePhone; entity=Contact.MobilePhone
Contact$Email; Email; {who}.Email; entity=Contact.Email
Contact$Owner; Contact Owner; {who}.Owner.Name; name={who}.OwnerId entity=Contact.Owner.Name
Contact$LastModifiedDate; Last Modified Date; {who}.LastModifiedDate; day as=date entity=Contact.LastModifiedDate
Contact$Last_Modified_Date_Time__c; Last Modified Date/Time; {who}.Last_Modified_Date_Time__c; \
entity=Contact.Last_Modified_Date_Time__c
Contact$SMS_Opt_Out__c; SMS Opt Out; {who}.SMS_Opt_Out__c; entity=Contact.SMS_Opt_Out__c
Contact$Program__c; Program; {who}.Program__c; entity=Contact.Program__c
"""

CONTACTS_WITH_TASKS = f"""\
# Contacts
{_PERSON.format(who="Who")}\
# Tasks
Contact.Tasks$Id; Activity ID; Id
Contact.Tasks$Subject; Subject; Subject; name=Id
Contact.Tasks$Status; Status; Status
Contact.Tasks$Type; Type; Type
Contact.Tasks$ActivityDate; Due Date Only; ActivityDate
Contact.Tasks$CreatedDate; Created Date; CreatedDate
Contact.Tasks$Owner; Assigned; Owner.Name; name=OwnerId
Contact.Tasks$Description; Description; Description
"""

CONTACTS_WITH_CONVERTED_LEADS = f"""\
# Contacts
{_PERSON.format(who="ConvertedContact")}\
# Leads
Contact.Leads$Id; Lead ID; Id
Contact.Leads$LastName; Lead Name; LastName; name=Id
Contact.Leads$Company; Company; Company
Contact.Leads$LeadSource; Lead Source; LeadSource
Contact.Leads$ConvertedDate; Converted Date; ConvertedDate
"""
