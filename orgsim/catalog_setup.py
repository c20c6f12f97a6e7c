"""The fields of what an org sets up beside its people: profiles, roles, queues and their members, field permissions.

The notation is that of orgsim.catalog_tables.
"""

_STAMPS = """\
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
"""

PROFILE = f"""\
Id; Profile ID; id(18); fsgadi
Name; Name; string(255); fsgaiN
UserType; User Type; picklist(40); nfsga; pick=UserType restricted
Description; Description; string(255); nfsga
{_STAMPS}"""

USER_ROLE = f"""\
Id; Role ID; id(18); fsgadi
Name; Name; string(80); fsgaN
DeveloperName; Developer Name; string(80); fsgai
ParentRoleId; Parent Role ID; reference(18); nfsga; to=UserRole
{_STAMPS}"""

GROUP = f"""\
Id; Group ID; id(18); fsgadi
Name; Name; string(40); fsgaN
DeveloperName; Developer Name; string(80); fsgai
RelatedId; Related ID; reference(18); nfsga; to=User|UserRole rel=Related
Type; Type; picklist(40); fsga; pick=GroupType restricted
Email; Email; email(255); nfsga
OwnerId; Owner ID; reference(18); fsga; to=Organization|User rel=Owner
DoesSendEmailToMembers; Send Email to Members; boolean; fsgd
DoesIncludeBosses; Include Bosses; boolean; fsgd
{_STAMPS}"""

GROUP_MEMBER = """\
Id; Group Member ID; id(18); fsgadi
GroupId; Group ID; reference(18); fsga; to=Group rel=Group kids=GroupMembers
UserOrGroupId; User/Group ID; reference(18); fsga; to=Group|User
SystemModstamp; System Modstamp; datetime; fsad
"""

QUEUE_SOBJECT = """\
Id; Queue Sobject ID; id(18); fsgadi
QueueId; Group ID; reference(18); fsga; to=Group rel=Queue kids=QueueSobjects
SobjectType; Sobject Type; picklist(40); fsga; pick=ListedType restricted
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
SystemModstamp; System Modstamp; datetime; fsad
"""

RECORD_TYPE = f"""\
Id; Record Type ID; id(18); fsgadi
Name; Name; string(80); fsgaN
DeveloperName; Record Type Name; string(80); fsgai
NamespacePrefix; Namespace Prefix; string(15); nfsga
Description; Description; string(255); nfsga
SobjectType; Sobject Type; picklist(40); fsga; pick=ListedType restricted
IsActive; Active; boolean; fsgd
{_STAMPS}"""

FIELD_PERMISSIONS = """\
Id; Field Permissions ID; id(18); fsgadi
ParentId; Parent ID; reference(18); fsga; to=PermissionSet rel=Parent kids=FieldPerms
SobjectType; Sobject Type; picklist(40); fsga; pick=ListedType restricted
Field; Field Name; string(255); fsga
PermissionsRead; Read Field; boolean; fsgd
PermissionsEdit; Edit Field; boolean; fsgd
SystemModstamp; System Modstamp; datetime; fsad
"""

VALUE_SETS = {"GroupType": "Regular; Role; Queue; Organization; AllCustomerPortal"}

# Name, label, plural label, key prefix and fields.
OBJECTS = (
    ("Profile", "Profile", "Profile", "00e", PROFILE),
    ("UserRole", "Role", "Role", "00E", USER_ROLE),
    ("Group", "Group", "Group", "00G", GROUP),
    ("GroupMember", "Group Member", "Group Member", "011", GROUP_MEMBER),
    ("QueueSobject", "Queue Sobject", "Queue Sobject", "03g", QUEUE_SOBJECT),
    ("RecordType", "Record Type", "Record Types", "012", RECORD_TYPE),
    ("FieldPermissions", "Field Permissions", "Field Permissions", "01k", FIELD_PERMISSIONS),
)
