"""The fields of Report and Folder, in the notation of orgsim.catalog_tables, after the Object Reference (v67).

The owner of a report is its folder, or the user in whose private folder it is.
"""

REPORT = """\
Id; Report ID; id(18); fsgadi
OwnerId; Owner ID; reference(18); fsgad; to=Folder|Organization|User rel=Owner
FolderName; Folder Name; string(256); nfsga
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
IsDeleted; Deleted; boolean; fsgd
Name; Report Name; string(40); fsgaN
Description; Description; string(255); nfsga
DeveloperName; Report Unique Name; string(80); fsga
NamespacePrefix; Namespace Prefix; string(15); nfsga
LastRunDate; Last Run; datetime; nfsa
SystemModstamp; System Modstamp; datetime; fsad
Format; Format; picklist(40); nfsga; pick=ReportFormat restricted
LastViewedDate; Last Viewed Date; datetime; nfsa
LastReferencedDate; Last Referenced Date; datetime; nfsa
"""

FOLDER = """\
Id; Folder ID; id(18); fsgadi
ParentId; Parent Folder ID; reference(18); nfsga; to=Folder rel=Parent
Name; Name; string(80); nfsgaN
DeveloperName; Folder Unique Name; string(80); nfsga
AccessType; Access Type; picklist(40); fsga; pick=FolderAccess restricted
IsReadonly; Read Only; boolean; fsgd
Type; Type; picklist(40); fsga; pick=FolderType restricted
NamespacePrefix; Namespace Prefix; string(15); nfsga
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
CreatedDate; Created Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
LastModifiedDate; Last Modified Date; datetime; fsad
SystemModstamp; System Modstamp; datetime; fsad
"""

# Name, label, plural label, key prefix and fields.
OBJECTS = (
    ("Report", "Report", "Reports", "00O", REPORT),
    ("Folder", "Folder", "Folders", "00l", FOLDER),
)

VALUE_SETS = {
    "ReportFormat": "Tabular; Summary; Matrix; MultiBlock",
    "FolderAccess": "Shared; Public; Hidden; PublicInternal",
    "FolderType": "Dashboard; Document; Email; EmailTemplate; Report; QuickText; Macro",
}
