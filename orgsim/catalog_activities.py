"""The fields of Task, in the notation of orgsim.catalog_tables, after the describe of a Developer Edition org.

AccountId, IsClosed and the counts follow from the stored fields, as in an org without shared activities.
"""

TASK = """\
Id; Activity ID; id(18); fsgadi
WhoId; Name ID; reference(18); nucfsga; to=Contact|Lead rel=Who kids=Tasks
WhatId; Related To ID; reference(18); nucfsga; to=Account rel=What kids=Tasks
WhoCount; Relation Count; int; nf; digits=9 sql=who_count
WhatCount; Related To Count; int; nf; digits=9 sql=what_count
Subject; Subject; combobox(255); nucfsgap; pick=TaskSubject
ActivityDate; Due Date Only; date; nucfsgap
Status; Status; picklist(255); ucfsgad; pick=TaskStatus default=Not_Started
Priority; Priority; picklist(255); ucfsgad; pick=TaskPriority default=Normal
IsHighPriority; High Priority; boolean; fsgd; sql=high_priority
OwnerId; Assigned To ID; reference(18); ucfsgad; to=Group|User rel=Owner
Description; Description; textarea(32000); nucp; extra=plaintextarea
Type; Type; picklist(255); nucfsgap; pick=TaskType
IsDeleted; Deleted; boolean; fsgd
AccountId; Account ID; reference(18); nfsga; to=Account rel=Account sql=task_account
IsClosed; Closed; boolean; fsgd; sql=closed
CreatedDate; Created Date; datetime; fsad
CreatedById; Created By ID; reference(18); fsgad; to=User rel=CreatedBy
LastModifiedDate; Last Modified Date; datetime; fsad
LastModifiedById; Last Modified By ID; reference(18); fsgad; to=User rel=LastModifiedBy
SystemModstamp; System Modstamp; datetime; fsad
IsArchived; Archived; boolean; fsgd
CallDurationInSeconds; Call Duration; int; nucfsgap; digits=8
CallType; Call Type; picklist(40); nucfsgap; pick=CallType
CallDisposition; Call Result; string(255); nucfsgap
CallObject; Call Object Identifier; string(255); nucfsgap
ReminderDateTime; Reminder Date/Time; datetime; nucfsap
IsReminderSet; Reminder Set; boolean; ucfsgd
RecurrenceActivityId; Recurrence Activity ID; reference(18); nfsga; to=Task rel=RecurrenceActivity
IsRecurrence; Create Recurring Series of Tasks; boolean; cfsgd
RecurrenceStartDateOnly; Recurrence Start; date; nucfsga
RecurrenceEndDateOnly; Recurrence End; date; nucfsga
RecurrenceTimeZoneSidKey; Recurrence Time Zone; picklist(40); nucfsga; pick=TimeZone restricted
RecurrenceType; Recurrence Type; picklist(40); nucfsga; pick=RecurrenceType restricted
RecurrenceInterval; Recurrence Interval; int; nucfsga; digits=9
RecurrenceDayOfWeekMask; Recurrence Day of Week Mask; int; nucfsga; digits=9
RecurrenceDayOfMonth; Recurrence Day of Month; int; nucfsga; digits=9
RecurrenceInstance; Recurrence Instance; picklist(40); nucfsga; pick=RecurrenceInstance restricted
RecurrenceMonthOfYear; Recurrence Month of Year; picklist(40); nucfsga; pick=RecurrenceMonth restricted
RecurrenceRegeneratedType; Repeat This Task; picklist(255); nucfsga; pick=RecurrenceRegenerated restricted
TaskSubtype; Task Subtype; picklist(40); ncfsgap; pick=TaskSubtype default=Task restricted
CompletedDateTime; Completed Date/Time; datetime; nfsa
"""

# Values in the notation of catalog_tables.VALUE_SETS.
VALUE_SETS = {
    "TaskSubject": "Call; Send Letter; Send Quote; Email; Other",
    "TaskStatus": "Not Started; In Progress; Completed; Waiting on someone else; Deferred",
    "TaskPriority": "High; Normal; Low",
    "TaskType": "Call; Meeting; Other; Email; SMS=Text Message",
    "CallType": "Internal; Inbound; Outbound",
    "RecurrenceType": (
        "RecursDaily=Recurs Daily; RecursEveryWeekday=Recurs Every Weekday; RecursMonthly=Recurs Monthly; "
        "RecursMonthlyNth=Recurs Monthly Nth; RecursWeekly=Recurs Weekly; RecursYearly=Recurs Yearly; "
        "RecursYearlyNth=Recurs Yearly Nth"
    ),
    "RecurrenceInstance": "First=1st; Second=2nd; Third=3rd; Fourth=4th; Last=last",
    "RecurrenceMonth": (
        "January; February; March; April; May; June; July; August; September; October; November; December"
    ),
    "RecurrenceRegenerated": (
        "RecurrenceRegenerateAfterDueDate=After due date; "
        "RecurrenceRegenerateAfterToday=After date completed; RecurrenceRegenerated=(Task Closed)"
    ),
    "TaskSubtype": "Task; Email; ListEmail=List Email; Cadence; Call; LinkedIn",
}

# The named expressions of the computed fields.
EXPRESSIONS = {
    "who_count": '({t}."WhoId" IS NOT NULL)',
    "what_count": '({t}."WhatId" IS NOT NULL)',
    "high_priority": "({t}.\"Priority\" IS 'High')",
    "closed": "({t}.\"Status\" IS 'Completed')",
    "task_account": (
        'coalesce({t}."WhatId", (SELECT who."AccountId" FROM "Contact" who WHERE who."Id" = {t}."WhoId"))'
    ),
}
