import re

import httpx
import pytest

from orgsim.ids import normalise
from orgsim.staff import REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql

Json = dict[str, object]


def _read_all(client: httpx.Client, text: str, **headers: str) -> tuple[list[dict[str, str]], list[int]]:
    """The records of every page, and the size of each page."""
    answer = soql(client, text, **headers).json()
    records, sizes = list(answer["records"]), [len(answer["records"])]
    while not answer["done"]:
        answer = client.get(answer["nextRecordsUrl"], headers=headers).json()
        records += answer["records"]
        sizes.append(len(answer["records"]))
    return records, sizes


def test_a_record_has_attributes_and_the_fields_asked_for(reader: httpx.Client) -> None:
    text = "SELECT Id, FirstName, SMS_Opt_Out__c, Graduation_Year__c, SystemModstamp FROM Contact LIMIT 1"

    [record] = soql(reader, text).json()["records"]

    assert list(record) == [
        "attributes",
        "Id",
        "FirstName",
        "SMS_Opt_Out__c",
        "Graduation_Year__c",
        "SystemModstamp",
    ]
    assert record["attributes"] == {"type": "Contact", "url": f"{V}/sobjects/Contact/{record['Id']}"}
    assert normalise(record["Id"]) == record["Id"]
    assert isinstance(record["SMS_Opt_Out__c"], bool)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000", record["SystemModstamp"])


def test_numbers_are_numbers_and_nothing_is_null(reader: httpx.Client) -> None:
    text = "SELECT Graduation_Year__c, MobilePhone FROM Contact WHERE MobilePhone = null AND Graduation_Year__c != null"

    record = soql(reader, f"{text} LIMIT 1").json()["records"][0]

    assert record["MobilePhone"] is None
    assert isinstance(record["Graduation_Year__c"], float)


@pytest.mark.parametrize("number", [1234567890123456.0, 12345678901234567.0, 123456789012345.67, 0.1, 20.0])
def test_numbers_keep_all_their_digits(org: OrgSim, client: httpx.Client, number: float) -> None:
    someone = org.create("Lead", LastName="Digits", Company="Ada's", AnnualRevenue=number)

    [record] = soql(client, f"SELECT AnnualRevenue FROM Lead WHERE Id = '{someone}'").json()["records"]

    assert record["AnnualRevenue"] == number
    assert client.get(f"{V}/sobjects/Lead/{someone}").json()["AnnualRevenue"] == number


def test_parents_nest_and_a_missing_parent_is_null(org: OrgSim, client: httpx.Client) -> None:
    alone = org.create("Contact", LastName="Alone")

    records = soql(client, "SELECT Id, Owner.Email, Account.Owner.Name FROM Contact").json()["records"]

    by_id = {record["Id"]: record for record in records}
    assert by_id[alone]["Account"] is None
    owner = by_id[alone]["Owner"]
    assert owner["attributes"]["type"] == "User"
    assert owner["Email"] == REGISTRAR_USERNAME
    with_account = next(record for record in records if record["Account"])
    assert set(with_account["Account"]) == {"attributes", "Owner"}
    assert with_account["Account"]["Owner"]["attributes"]["url"].startswith(f"{V}/sobjects/User/005")


def test_odd_characters_survive(org: OrgSim, client: httpx.Client) -> None:
    name = 'Zoë "Z" O\'Brien \\ \n \t Ł😀\x01'
    contact = org.create("Contact", LastName=name)

    [record] = soql(client, f"SELECT LastName FROM Contact WHERE Id = '{contact}'").json()["records"]

    assert record["LastName"] == name


def test_compound_addresses_are_objects(reader: httpx.Client) -> None:
    record = soql(reader, "SELECT MailingAddress, MailingCity FROM Contact LIMIT 1").json()["records"][0]

    assert record["MailingAddress"]["city"] == record["MailingCity"]
    assert {"street", "postalCode", "geocodeAccuracy", "latitude"} <= set(record["MailingAddress"])


def test_pages_have_2000_rows_and_locators(reader: httpx.Client) -> None:
    first = soql(reader, "SELECT Id FROM Contact ORDER BY SystemModstamp, Id").json()

    assert (first["totalSize"], first["done"], len(first["records"])) == (4_500, False, 2_000)
    assert re.fullmatch(rf"{V}/query/0r8[0-9A-Za-z]{{15}}-2000", first["nextRecordsUrl"])
    last = reader.get(first["nextRecordsUrl"].replace("-2000", "-4000")).json()
    assert (last["totalSize"], last["done"], len(last["records"])) == (4_500, True, 500)
    assert "nextRecordsUrl" not in last


def test_pages_together_are_the_result_in_order(reader: httpx.Client) -> None:
    records, sizes = _read_all(reader, "SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp, Id")

    keys = [(record["SystemModstamp"], record["Id"]) for record in records]
    assert sizes == [2_000, 2_000, 500]
    assert keys == sorted(keys)
    assert len({record["Id"] for record in records}) == 4_500


@pytest.mark.parametrize(
    ("asked", "size"),
    [("batchSize=500", 500), ("batchSize=7", 200), ("batchSize=9000", 2_000), ("batchSize=\xb2", 2_000)],
)
def test_the_batch_size_is_taken_within_bounds(reader: httpx.Client, asked: str, size: int) -> None:
    headers = {b"Sforce-Query-Options": asked.encode("latin-1")}

    answer = reader.get(f"{V}/query", params={"q": "SELECT Id FROM Contact"}, headers=headers).json()

    assert len(answer["records"]) == size
    assert answer["nextRecordsUrl"].endswith(f"-{size}")


@pytest.mark.parametrize("locator", ["0r8xxUnknownUnknow-2000", "0r8xx", "nonsense-x"])
def test_an_unknown_locator_is_refused(reader: httpx.Client, locator: str) -> None:
    answer = reader.get(f"{V}/query/{locator}")

    assert answer.status_code == 400
    assert answer.json() == [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]


def test_a_locator_serves_only_its_own_user_and_two_days(org: OrgSim, client: httpx.Client) -> None:
    for number in range(300):
        org.create("Contact", LastName=f"N{number}")
    headers = {"Sforce-Query-Options": "batchSize=200"}
    url = client.get(f"{V}/query", params={"q": "SELECT Id FROM Contact"}, headers=headers).json()[
        "nextRecordsUrl"
    ]

    assert client.get(url).status_code == 200
    with signed_in(org, REGISTRAR_USERNAME) as registrar:
        assert registrar.get(url).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    org.set_clock_offset(2 * 86_400 + 60)
    with signed_in(org) as later:
        assert later.get(url).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_rows_deleted_or_edited_while_paging(org: OrgSim, client: httpx.Client) -> None:
    for number in range(400):
        org.create("Contact", LastName=f"N{number}")
    headers = {"Sforce-Query-Options": "batchSize=200"}
    text = "SELECT Id, LastName FROM Contact ORDER BY Id"
    first = client.get(f"{V}/query", params={"q": text}, headers=headers).json()
    ids = org.ids("Contact")

    org.delete(ids[250])
    org.edit(ids[251], LastName="Changed")
    org.create("Contact", LastName="Late")

    second = client.get(first["nextRecordsUrl"]).json()
    assert second["totalSize"] == first["totalSize"] == 440
    assert len(second["records"]) == 199
    by_id = {record["Id"]: record["LastName"] for record in second["records"]}
    assert ids[250] not in by_id
    assert by_id[ids[251]] == "Changed"


def test_query_all_shows_deleted_rows(org: OrgSim, client: httpx.Client) -> None:
    gone = org.ids("Contact")[0]
    org.delete(gone)

    text = "SELECT Id, IsDeleted FROM Contact WHERE IsDeleted = true"
    plain = soql(client, text).json()
    everything = client.get(f"{V}/queryAll", params={"q": text}).json()

    assert plain["records"] == []
    assert [(r["Id"], r["IsDeleted"]) for r in everything["records"]] == [(gone, True)]


def test_counts_and_groups(reader: httpx.Client) -> None:
    assert soql(reader, "SELECT count() FROM Contact").json() == {
        "totalSize": 4_500,
        "done": True,
        "records": [],
    }
    answer = soql(reader, "SELECT SMS_Opt_Out__c, COUNT(Id) n FROM Contact GROUP BY SMS_Opt_Out__c").json()
    assert answer["totalSize"] == 2
    assert all(set(r) == {"attributes", "SMS_Opt_Out__c", "n"} for r in answer["records"])
    assert {type(r["SMS_Opt_Out__c"]) for r in answer["records"]} == {bool}
    assert answer["records"][0]["attributes"] == {"type": "AggregateResult"}
    assert sum(r["n"] for r in answer["records"]) == 4_500


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Foo__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM XYZZY", "INVALID_TYPE"),
        ("SELECT FROM Contact", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_bad_queries_answer_the_documented_code(reader: httpx.Client, text: str, code: str) -> None:
    answer = soql(reader, text)

    assert answer.status_code == 400
    assert set(answer.json()[0]) == {"message", "errorCode"}
    assert answer.json()[0]["errorCode"] == code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'SELECT FirstName, LastName FROM CampaignMember WHERE Id = "00v3D000003BjNa"',
            '\nFROM CampaignMember WHERE Id = "00v3D000003BjNa"\n                              ^\n'
            "ERROR at Row:1:Column:58\nline 1:58 no viable alternative at character '\"'",
        ),
        (
            f"SELECT Id, {'LastName':>21} from Contact where FirstName = 'Anne\\-Marie'",
            "\nfrom Contact where FirstName = 'Anne\\-Marie'\n                              ^\n"
            "ERROR at Row:1:Column:64\n"
            "Invalid string literal 'Anne\\-Marie'. Illegal character sequence '\\-' in string literal.",
        ),
    ],
)
def test_letters_that_cannot_be_read_are_placed_as_recorded(
    reader: httpx.Client, text: str, message: str
) -> None:
    """Columns count from 0 there, unlike those of a field that is not there."""
    assert soql(reader, text).json() == [{"message": message, "errorCode": "MALFORMED_QUERY"}]


def test_scope_mine_is_of_the_user_who_asks(reader: httpx.Client) -> None:
    me = reader.get("/services/oauth2/userinfo").json()["user_id"]

    records, _ = _read_all(reader, "SELECT OwnerId FROM Contact USING SCOPE mine")

    assert {record["OwnerId"] for record in records} == {me}


def test_a_limit_of_thousands_of_digits_is_no_limit(reader: httpx.Client) -> None:
    answer = soql(reader, f"SELECT COUNT() FROM Contact LIMIT {'9' * 5_000}")

    assert answer.json()["totalSize"] == 4_500
