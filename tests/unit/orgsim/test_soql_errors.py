"""Error texts and carets, the layout character for character as recorded from live orgs where a record exists."""

from dataclasses import replace

import pytest

from orgsim.soql import QueryContext, SoqlError, compile_query
from orgsim.soql.errors import located
from tests.unit.orgsim.soql_world import CONTEXT, SCHEMA, plan


def refusal(soql: str, context: QueryContext = CONTEXT) -> SoqlError:
    with pytest.raises(SoqlError) as raised:
        compile_query(soql, SCHEMA, context)
    return raised.value


def test_unknown_object_is_exactly_the_recorded_answer() -> None:
    error = refusal("select count() from XYZZY")

    assert error.error_code == "INVALID_TYPE"
    assert error.message == (
        "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\n"
        "sObject type 'XYZZY' is not supported. If you are attempting to use a custom object, be sure to append "
        "the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )


def test_unknown_field_says_so_with_a_caret() -> None:
    error = refusal("SELECT Id, Foo__c FROM Contact")

    assert error.error_code == "INVALID_FIELD"
    assert error.message == (
        "\nSELECT Id, Foo__c FROM Contact\n           ^\nERROR at Row:1:Column:12\n"
        "No such column 'Foo__c' on entity 'Contact'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names."
    )


# Query text around the fault, and the snippet an org showed for it.
SNIPPETS = [
    (
        "LastViewedDate, LastReferencedDate, Jigsaw, JigsawCompanyId, ^CleanStatus, AccountSource, DunsNumber, Tradestyle",
        "LastReferencedDate, Jigsaw, JigsawCompanyId, ^CleanStatus, AccountSource, DunsNumber",
    ),
    (
        "SELECT Id, Opportunity__r.Name, Opportunity__r.Id, ^Stage"
        + " " * 40
        + "FROM Opportunity_Competitor__c",
        "Opportunity__r.Name, Opportunity__r.Id, ^Stage" + " " * 26,
    ),
    (
        "select Id, ProductCode from Product2 where ^ProductCode = 3999",
        "ProductCode from Product2 where ^ProductCode = 3999",
    ),
    (
        "Owner__c, WebEmail__c, Case_Resolution_Summary__c, ^MW_Case_ID__c, Escalation_Helper_Contact__c, Other__c",
        "WebEmail__c, Case_Resolution_Summary__c, ^MW_Case_ID__c, Escalation_Helper_Contact__c",
    ),
    (
        "Id,CreatedById,OCE__ActualCap__c,^TPI_Product__c,Name,OCE__JobId__c,OwnerId",
        "CreatedById,OCE__ActualCap__c,^TPI_Product__c,Name,OCE__JobId__c",
    ),
    (
        "SELECT Id, UserId FROM ApexTestRunResult WHERE ^AsyncApexJobId = '7075A0000BiWZjxx'",
        "UserId FROM ApexTestRunResult WHERE ^AsyncApexJobId = '7075A0000BiWZjxx'",
    ),
    (
        "            WHERE ^Name LIKE :key AND Picture__c != NULL\n            LIMIT 10",
        "            WHERE ^Name LIKE :key AND Picture__c !=",
    ),
]


@pytest.mark.parametrize(("marked", "shown"), SNIPPETS)
def test_the_snippet_is_cut_where_an_org_cuts_it(marked: str, shown: str) -> None:
    error = located("INVALID_FIELD", marked.replace("^", ""), marked.index("^"), "x")

    _, snippet, caret, position, _ = error.message.split("\n")
    assert (snippet, caret) == (shown.replace("^", ""), " " * shown.index("^") + "^")
    assert position == f"ERROR at Row:1:Column:{marked.index('^') + 1}"


def test_a_fault_on_a_later_line_counts_rows_and_shows_that_line_only() -> None:
    error = refusal("SELECT Id\nFROM Contact\nWHERE Name = 'x'\n\tAND Optout__c = 'TRUE'")

    assert error.message == (
        "\n\tAND Optout__c = 'TRUE'\n     ^\nERROR at Row:4:Column:6\n"
        "value of filter criterion for field 'Optout__c' must be of type boolean and should not be enclosed in quotes"
    )


REASONS = [
    ("SELECT Id FROM Contact WHERE Foo = 'x'", "INVALID_FIELD", "No such column 'Foo' on entity 'Contact'"),
    ("SELECT Id FROM Contact ORDER BY Foo", "INVALID_FIELD", "No such column 'Foo' on entity 'Contact'"),
    ("SELECT Account.Foo FROM Contact", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'"),
    ("SELECT Owner FROM Contact", "INVALID_FIELD", "No such column 'Owner' on entity 'Contact'"),
    (
        "SELECT Boss.Name FROM Contact",
        "INVALID_FIELD",
        "Didn't understand relationship 'Boss' in field path.",
    ),
    ("SELECT Name.Id FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Name' in field path."),
    (
        "SELECT Owner.Manager.Manager.Manager.Manager.Manager.Name FROM Contact",
        "INVALID_FIELD",
        "A relationship path may have at most 5 levels",
    ),
    ("SELECT Id FROM Contact, Account a", "INVALID_FIELD", "Didn't understand relationship 'Account'"),
    ("SELECT Id, Name, ID FROM Contact", "INVALID_FIELD", "duplicate field selected: Id"),
    ("SELECT Owner.Name, owner.NAME FROM Contact", "INVALID_FIELD", "duplicate field selected: Owner.Name"),
    (
        "SELECT Level__c, toLabel(Level__c) FROM Contact",
        "INVALID_FIELD",
        "duplicate field selected: Level__c",
    ),
    (
        "SELECT Id FROM Contact WHERE Description = 'x'",
        "INVALID_FIELD",
        "field 'Description' can not be filtered in a query call",
    ),
    (
        "SELECT Id FROM Contact ORDER BY Tags__c",
        "INVALID_FIELD",
        "field 'Tags__c' can not be sorted in a query call",
    ),
    (
        "SELECT COUNT(Id) FROM Contact GROUP BY Seen__c",
        "INVALID_FIELD",
        "field 'Seen__c' can not be grouped in a query call",
    ),
    (
        "SELECT Id FROM Contact WHERE Seen__c > '2026-05-01T00:00:00Z'",
        "INVALID_FIELD",
        "value of filter criterion for field 'Seen__c' must be of type dateTime and should not be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE Seen__c > 2026-05-01",
        "INVALID_FIELD",
        "value of filter criterion for field 'Seen__c' must be of type dateTime",
    ),
    (
        "SELECT Id FROM Contact WHERE Born__c = 2026-05-01T00:00:00Z",
        "INVALID_FIELD",
        "value of filter criterion for field 'Born__c' must be of type date",
    ),
    (
        "SELECT Id FROM Contact WHERE Age__c = '3'",
        "INVALID_FIELD",
        "value of filter criterion for field 'Age__c' must be of type double and should not be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE Name IN ('x', 3)",
        "INVALID_FIELD",
        "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE Name LIKE TODAY",
        "INVALID_FIELD",
        "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes",
    ),
    ("SELECT Id FROM Contact WHERE Id = '003x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: 003x"),
    (
        "SELECT Id FROM Contact WHERE OwnerId IN ('005000000000001AAB')",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid ID field: 005000000000001AAB",
    ),
    (
        "SELECT Id FROM Contact WHERE Id LIKE '003%'",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid operator on id field",
    ),
    (
        "SELECT Id FROM Contact WHERE Optout__c > FALSE",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid operator on boolean field",
    ),
    (
        "SELECT Id FROM Contact WHERE Tags__c LIKE 'a%'",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid operator on multipicklist field",
    ),
    (
        "SELECT Id FROM Contact WHERE Level__c INCLUDES ('Low')",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid operator on picklist field",
    ),
    ("SELECT Id FROM Contact WHERE Born__c = 2026-02-30", "MALFORMED_QUERY", "Invalid date: 2026-02-30"),
    ("SELECT Id FROM Contact WHERE Seen__c = 2026-01-01T25:00:00Z", "MALFORMED_QUERY", "Invalid datetime:"),
    ("SELECT Id FROM Contact WHERE Born__c = LAST_N_YEARS:9999", "MALFORMED_QUERY", "Invalid date:"),
    ("SELECT Id FROM Contact WHERE Name = 'a\\x'", "MALFORMED_QUERY", "Invalid string literal '"),
    ("SELECT Id FROM Contact WHERE Name LIKE 'a\\x'", "MALFORMED_QUERY", "Invalid string literal '"),
    ("SELECT Id FROM Contact WHERE Name = '\\uD83D'", "MALFORMED_QUERY", "Invalid string literal '"),
    (
        f"SELECT Id FROM Contact WHERE Name = '{'x' * 4001}'",
        "MALFORMED_QUERY",
        "filter value is longer than 4000",
    ),
    ("SELECT Id FROM Contact WHERE Name = :x", "MALFORMED_QUERY", "Bind variables only allowed in Apex code"),
    ("SELECT Id FROM Contact WHERE Id IN :x", "MALFORMED_QUERY", "Bind variables only allowed in Apex code"),
    ("SELECT Id FROM Contact LIMIT :x", "MALFORMED_QUERY", "Bind variables only allowed in Apex code"),
    ("SELECT Id FROM Contact LIMIT -1", "MALFORMED_QUERY", "unexpected token: '-1'"),
    (
        "SELECT Id FROM Contact LIMIT 1 OFFSET 2001",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Maximum SOQL offset allowed is 2000",
    ),
    ("SELECT Name n FROM Contact", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
    ("SELECT Name, COUNT(Id) FROM Contact", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
    (
        "SELECT Email, COUNT(Id) FROM Contact GROUP BY Name",
        "MALFORMED_QUERY",
        "Field must be grouped or aggregated: Email",
    ),
    (
        "SELECT Name FROM Contact GROUP BY Name ORDER BY Email",
        "MALFORMED_QUERY",
        "Field must be grouped or aggregated: Email",
    ),
    (
        "SELECT COUNT(Name) FROM Contact GROUP BY Name",
        "MALFORMED_QUERY",
        "Grouped field should not be aggregated: Name",
    ),
    (
        "SELECT Name FROM Contact HAVING Name = 'x'",
        "MALFORMED_QUERY",
        "HAVING clause requires a GROUP BY clause",
    ),
    ("SELECT COUNT(Id) FROM Contact HAVING COUNT(Id) > 1", "MALFORMED_QUERY", "HAVING clause requires"),
    (
        "SELECT COUNT(Id) FROM Contact LIMIT 1",
        "MALFORMED_QUERY",
        "Non-grouped query that uses overall aggregate",
    ),
    (
        "SELECT SUM(Name) FROM Contact",
        "MALFORMED_QUERY",
        "field Name does not support aggregate operator SUM",
    ),
    (
        "SELECT MAX(Optout__c) FROM Contact",
        "MALFORMED_QUERY",
        "field Optout__c does not support aggregate operator",
    ),
    (
        "SELECT COUNT(), Id FROM Contact",
        "MALFORMED_QUERY",
        "COUNT() must be the only element in the SELECT list",
    ),
    ("SELECT COUNT() FROM Contact ORDER BY Name", "MALFORMED_QUERY", "COUNT() can not be used with ORDER BY"),
    ("SELECT COUNT(Id) n, MAX(Name) n FROM Contact", "MALFORMED_QUERY", "duplicate alias: n"),
    (
        "SELECT Id FROM Contact WHERE COUNT(Id) > 1",
        "MALFORMED_QUERY",
        "Aggregate function COUNT() is only allowed",
    ),
    ("SELECT Id FROM Contact WHERE FOO(Id) > 1", "MALFORMED_QUERY", "unexpected token: 'FOO'"),
    (
        "SELECT Id FROM Contact WHERE CALENDAR_YEAR(Name) = 1",
        "INVALID_FIELD",
        "function CALENDAR_YEAR can not be",
    ),
    (
        "SELECT FIELDS(ALL) FROM Contact",
        "MALFORMED_QUERY",
        "The SOQL FIELDS function must have a LIMIT of at most 200",
    ),
    (
        "SELECT FIELDS(ALL) FROM Contact LIMIT 201",
        "MALFORMED_QUERY",
        "The SOQL FIELDS function must have a LIMIT",
    ),
    ("SELECT Id FROM Contact ALL ROWS", "MALFORMED_QUERY", "ALL ROWS is only allowed in Apex code"),
    (
        "SELECT Id FROM Contact USING SCOPE nonsense",
        "INVALID_QUERY_SCOPE",
        "Scope 'nonsense' is not valid for Contact",
    ),
    (
        "SELECT Id FROM Account USING SCOPE mine",
        "INVALID_QUERY_SCOPE",
        "Scope 'mine' is not valid for Account",
    ),
    (
        "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM User)",
        "MALFORMED_QUERY",
        "The selected field 'Id' in the subquery and the left operand field in the where expression in the outer query "
        "'AccountId' should point to the same object type",
    ),
    (
        "SELECT Id FROM Contact WHERE Id IN (SELECT Id FROM Contact WHERE Id IN (SELECT Id FROM Contact))",
        "MALFORMED_QUERY",
        "Nesting of semi join sub-selects is not supported",
    ),
    (
        "SELECT Id FROM Contact WHERE Name IN (SELECT Name FROM Account)",
        "MALFORMED_QUERY",
        "The selected field 'Name'",
    ),
]


@pytest.mark.parametrize(("soql", "code", "reason"), REASONS)
def test_faulty_queries_are_refused_in_the_words_of_an_org(soql: str, code: str, reason: str) -> None:
    error = refusal(soql)

    assert error.error_code == code
    assert error.message.split("\n")[-1].startswith(reason)


NESTED = [
    (
        "SELECT Id, (SELECT Id FROM Foos) FROM Account",
        "INVALID_TYPE",
        "Didn't understand relationship 'Foos' in FROM",
    ),
    (
        "SELECT Id, (SELECT Foo FROM Contacts) FROM Account",
        "INVALID_FIELD",
        "No such column 'Foo' on entity 'Contact'",
    ),
    (
        "SELECT Id, (SELECT Id FROM Contacts), (SELECT Id FROM contacts) FROM Account",
        "INVALID_FIELD",
        "duplicate field selected: Contacts",
    ),
    (
        "SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account",
        "MALFORMED_QUERY",
        "Aggregate expressions are not allowed in nested sub-queries",
    ),
    ("SELECT Owner.Department FROM Contact", "INVALID_FIELD", "No such column 'Department' on entity 'Name'"),
    (
        "SELECT TYPEOF Account WHEN User THEN Name END FROM Contact",
        "INVALID_FIELD",
        "TYPEOF is only supported with",
    ),
    (
        "SELECT TYPEOF Foo WHEN User THEN Name END FROM Contact",
        "INVALID_FIELD",
        "Didn't understand relationship",
    ),
    ("SELECT TYPEOF Owner WHEN Foo THEN Name END FROM Contact", "INVALID_TYPE", "'foo' is no object"),
    (
        "SELECT TYPEOF Owner WHEN User THEN Foo END FROM Contact",
        "INVALID_FIELD",
        "No such column 'Foo' on entity",
    ),
    (
        "SELECT Owner.Id, TYPEOF Owner WHEN User THEN Name END FROM Contact",
        "INVALID_FIELD",
        "duplicate field",
    ),
    (
        "SELECT TYPEOF Owner WHEN User THEN Name END, Owner.Id FROM Contact",
        "INVALID_FIELD",
        "duplicate field",
    ),
    (
        "SELECT Name FROM Contact WHERE HOUR_IN_DAY(convertTimezone(Name)) = 1",
        "INVALID_FIELD",
        "function convert",
    ),
]


@pytest.mark.parametrize(("soql", "code", "reason"), NESTED)
def test_what_is_nested_is_refused_as_precisely(soql: str, code: str, reason: str) -> None:
    error = refusal(soql)

    assert error.error_code == code
    assert error.message.split("\n")[-1].startswith(reason)


UNSUPPORTED = [
    "SELECT Id, (SELECT Id, (SELECT Id FROM Contacts) FROM Contacts) FROM Account",
    "SELECT TYPEOF Account.Owner WHEN User THEN Name END FROM Contact",
    "SELECT Id FROM Contact WITH SECURITY_ENFORCED",
    "SELECT Id FROM Contact WITH DATA CATEGORY a__c AT b__c",
    "SELECT Name, COUNT(Id) FROM Contact GROUP BY ROLLUP(Name)",
    "SELECT Name, COUNT(Id) FROM Contact GROUP BY CUBE(Name)",
    "SELECT Id FROM Contact WHERE Age__c > USD5",
    "SELECT Id FROM Contact WHERE DISTANCE(Name, GEOLOCATION(1, 2), 'mi') < 5",
    "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account LIMIT 1)",
]


@pytest.mark.parametrize("soql", UNSUPPORTED)
def test_what_is_understood_but_not_supported_is_refused_by_another_code(soql: str) -> None:
    error = refusal(soql)

    assert error.error_code == "FUNCTIONALITY_NOT_ENABLED"
    assert "not supported by this simulated org" in error.message


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Email FROM Contact",
        "SELECT Id FROM Contact WHERE Email = 'x'",
        "SELECT Id FROM Contact ORDER BY Email",
        "SELECT Email, COUNT(Id) FROM Contact GROUP BY Email",
    ],
)
def test_a_hidden_field_is_refused_like_one_that_does_not_exist(soql: str) -> None:
    hidden = replace(CONTEXT, hidden=frozenset({("Contact", "Email")}))

    error = refusal(soql, hidden)
    missing = refusal(soql.replace("Email", "Nonex"))

    assert (error.error_code, error.message) == ("INVALID_FIELD", missing.message.replace("Nonex", "Email"))
    assert plan(soql)


def test_a_hidden_reference_hides_its_relationship() -> None:
    hidden = replace(CONTEXT, hidden=frozenset({("Contact", "AccountId")}))

    error = refusal("SELECT Account.Name FROM Contact", hidden)

    assert "Didn't understand relationship 'Account' in field path." in error.message


@pytest.mark.parametrize("depth", [14, 40, 2000])
def test_conditions_nested_beyond_reason_are_refused(depth: int) -> None:
    condition = "Age__c = 1"
    for _ in range(depth):
        condition = f"(Age__c = 1 AND (Age__c = 2 OR {condition}))"

    assert refusal(f"SELECT Id FROM Contact WHERE {condition}").error_code == "QUERY_TOO_COMPLICATED"
