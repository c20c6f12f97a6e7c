"""Makes the people of the org: the same seed and day give the same rows, whatever the machine.

About 8 % have no mobile number, 3 % something that is no number, one in twenty shares a household's number; 2 % of
the contacts are private, that is without an account. Records arrive in order of creation, partly one by one, partly as bulk loads of up to 3,000 in one second.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from orgsim import phones, teams
from orgsim.ids import serial_id
from orgsim.names import CULTURES
from orgsim.staff import STAFF
from orgsim.text import items, words

# Far enough in the past that no machine's clock is behind it; the day itself moves with nothing.
HISTORY_ENDS = date(2026, 11, 1)
HISTORY_YEARS = 6
BULK_LOAD = 3_000
INSTITUTIONS = 400
QUEUED = 20  # one lead in so many waits in a queue
# Different pairs of given and family name; the making of a small org should not wait for all of them.
MOST_NAMES = 20_000

_DAY = 86_400
_SECONDS = tuple(f"T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.000+0000" for s in range(_DAY))
_EPOCH = date(1970, 1, 1)
_DAYS = tuple((_EPOCH + timedelta(days=n)).isoformat() for n in range(36_525))

_STREETS = items(
    "Maple Street, Oak Avenue, Elm Street, College Avenue, Main Street, 3rd Street, Riverside Drive, Chestnut Lane, "
    "Highland Road, Sunset Boulevard, St. Mary's Road, Martin Luther King Jr. Way, County Road 12, Calle Ocho, "
    "Pine Ridge Court, Lakeshore Drive"
)
_CITIES = tuple(
    tuple(line.split("/"))
    for line in items(
        "New York/NY/10025, Brooklyn/NY/11215, Albany/NY/12208, Boston/MA/02118, Worcester/MA/01602, Newark/NJ/07103, "
        "Philadelphia/PA/19143, Pittsburgh/PA/15213, Baltimore/MD/21218, Atlanta/GA/30314, Miami/FL/33130, "
        "Orlando/FL/32801, Houston/TX/77004, San Antonio/TX/78207, El Paso/TX/79902, Chicago/IL/60615, Detroit/MI/48202, "
        "Minneapolis/MN/55404, St. Louis/MO/63108, Denver/CO/80205, Albuquerque/NM/87106, Phoenix/AZ/85004, "
        "Los Angeles/CA/90033, Fresno/CA/93721, San José/CA/95112, Portland/OR/97214, Seattle/WA/98118, Honolulu/HI/96822"
    )
)
_SOURCES = ("Web", "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other", None, None)
_SALUTATIONS = ("Mr.", "Ms.", "Mrs.", "Dr.", "Ms.", "Mr.", None, None, None, None)
_PROGRAMS = (
    *("Nursing",) * 5,
    *("Business Administration",) * 5,
    *("Computer Science",) * 4,
    *("Psychology", "Biology", "Education", "Engineering") * 3,
    *("Fine Arts", "Social Work", "MBA", "EdD"),
    *("Undeclared",) * 4,
    *(None,) * 4,
)
_PREFERENCES = (*("Yes",) * 110, *("No",) * 14, "Unsure", *(None,) * 75)
_INTERESTS = (
    "Arts",
    None,
    None,
    "Athletics;Service",
    None,
    "Research",
    None,
    None,
    "Arts;Study Abroad",
    None,
    None,
)
_NICKNAMES = (
    "Alex",
    "Sam",
    "Bee",
    "AJ",
    "Lulu",
    "Max",
    "Kit",
    "Coco",
    "Jo",
    "Mimi",
    "Ace",
    "T.",
    "Zee",
    "Ren",
)
_TITLES = (None, None, None, None, "Student", "Parent", "Teacher", "School Counselor", "Alumna", "Nurse")
_STATUSES = ("Open - Not Contacted",) * 5 + ("Working - Contacted",) * 4 + ("Closed - Not Converted",)
_INDUSTRIES = (None, None, None, "Education", "Healthcare", "Not For Profit", "Technology")
_DOMAINS = ("example.edu", "example.org", "students.example.edu", "mail.example.org")
_ASCII = str.maketrans(
    "áàâäãåāąçčćďđéèêëěēęíìîïīłľñńňóòôöõøōőřśšşșťţțúùûüůūűýÿžźżğıœæßðʻ",
    "aaaaaaaacccddeeeeeeeiiiiillnnnoooooooorsssstttuuuuuuuyyzzzgioasdx",
)

CONTACT_COLUMNS = words(
    "Id AccountId LastName FirstName Salutation Name MailingStreet MailingCity MailingState MailingPostalCode "
    "MailingCountry Phone MobilePhone HomePhone Email Title Department LeadSource Birthdate Description OwnerId "
    "CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp LastActivityDate HasOptedOutOfEmail "
    "DoNotCall Interests__c Preferred_Name__c SMS_Opt_Out__c SMS_Opt_In__c Texting_Preference__c Program__c "
    "Graduation_Year__c"
)
LEAD_COLUMNS = words(
    "Id LastName FirstName Salutation Name Company Street City State PostalCode Country Phone MobilePhone Email Title "
    "LeadSource Status Industry OwnerId CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp "
    "IsUnreadByOwner IsConverted ConvertedDate ConvertedAccountId ConvertedContactId HasOptedOutOfEmail DoNotCall "
    "Preferred_Name__c SMS_Opt_Out__c SMS_Opt_In__c Texting_Preference__c Program__c Graduation_Year__c"
)
ACCOUNT_COLUMNS = words(
    "Id Name Type BillingCity BillingState Phone Industry OwnerId CreatedDate CreatedById LastModifiedDate "
    "LastModifiedById SystemModstamp"
)
USER_COLUMNS = words(
    "Id Username LastName FirstName Name Email Alias Title Department IsActive TimeZoneSidKey LocaleSidKey "
    "LanguageLocaleKey EmailEncodingKey UserType ProfileId CreatedDate CreatedById LastModifiedDate LastModifiedById "
    "SystemModstamp"
)
Row = tuple[object, ...]


def history_end(now: datetime) -> date:
    """The last day of the generated history: fixed, but never after today."""
    return min(HISTORY_ENDS, now.astimezone(UTC).date())


def _text(epoch: int) -> str:
    day, second = divmod(epoch, _DAY)
    return _DAYS[day] + _SECONDS[second]


def _name_pool(rng: Random, size: int) -> list[tuple[str, str]]:
    """Pairs of given and family name; one in eight crosses cultures, one in thirty has two family names."""
    weighted = [culture for culture in CULTURES for _ in range(culture.weight)]
    pool = []
    for _ in range(size):
        culture = rng.choice(weighted)
        family_of = rng.choice(weighted) if rng.random() < 0.125 else culture
        family = rng.choice(family_of.family)
        if rng.random() < 0.033:
            family = f"{family}-{rng.choice(culture.family)}"
        pool.append((rng.choice(culture.given), family))
    return pool


def _mailbox(first: str, last: str) -> str:
    text = f"{first}.{last}".lower().translate(_ASCII)
    return "".join(c for c in text if c.isascii() and (c.isalnum() or c in ".-")).strip(".-") or "person"


@dataclass(slots=True)
class _Person:
    """One row being made: what a Contact and a Lead have in common."""

    first: str
    last: str
    mobile: str | None
    street: str
    city: tuple[str, ...]


class Population:
    def __init__(self, seed: int, ends: date, names: int = MOST_NAMES) -> None:
        self._rng = Random(f"orgsim {seed}")  # noqa: S311  people, not secrets
        self._end = (ends - _EPOCH).days * _DAY
        self._start = self._end - HISTORY_YEARS * 365 * _DAY
        self._names = _name_pool(self._rng, names)
        self._boxes = [_mailbox(first, last) for first, last in self._names]
        self._numbers = 0
        self.user_ids = tuple(serial_id("005", n) for n in range(1, len(STAFF) + 1))
        self._owners = (*self.user_ids[2:9], *self.user_ids[2:6], self.user_ids[0])

    def users(self) -> Iterator[Row]:
        born = _text(self._start - _DAY)
        for user_id, person in zip(self.user_ids, STAFF, strict=True):
            name = f"{person.first_name} {person.last_name}"
            yield (
                user_id,
                person.username,
                person.last_name,
                person.first_name,
                name,
                person.username,
                person.alias,
                person.title,
                person.department,
                int(person.active),
                "America/New_York",
                "en_US",
                "en_US",
                "UTF-8",
                "Standard",
                teams.profile_of(person.username),
                born,
                self.user_ids[0],
                born,
                self.user_ids[0],
                born,
            )

    def accounts(self) -> Iterator[Row]:
        rng = self._rng
        kinds = ("Educational Institution", "Educational Institution", "Organization", "Household")
        endings = {
            "Educational Institution": "High School",
            "Organization": "Community Foundation",
            "Household": "Household",
        }
        born = _text(self._start - _DAY)
        for serial in range(1, INSTITUTIONS + 1):
            city, state, _ = rng.choice(_CITIES)
            kind = rng.choice(kinds)
            name = f"{rng.choice(self._names)[1]} {endings[kind]}"
            phone = phones.us_number(rng, self._next_number())
            owner = rng.choice(self._owners)
            stamps = (born, self.user_ids[0], born, self.user_ids[0], born)
            yield (serial_id("001", serial), name, kind, city, state, phone, "Education", owner, *stamps)

    def contacts(self, count: int) -> Iterator[Row]:
        r = self._rng.random
        times = self._times(count)
        account_ids = [serial_id("001", n) for n in range(1, INSTITUTIONS + 1)]
        person = _Person("", "", None, "", _CITIES[0])
        for serial in range(1, count + 1):
            index = int(r() * len(self._names))
            self._become(person, index)
            birth = int(r() * 14_000) + 6_000
            account = account_ids[int(r() * INSTITUTIONS)] if r() < 0.98 else None
            yield (
                serial_id("003", serial),
                account,
                person.last,
                person.first,
                _SALUTATIONS[int(r() * 10)],
                f"{person.first} {person.last}",
                person.street,
                *person.city,
                "USA",
                phones.us_number(self._rng, self._next_number()) if r() < 0.35 else None,
                person.mobile,
                phones.us_number(self._rng, self._next_number()) if r() < 0.12 else None,
                f"{self._boxes[index]}{serial}@{_DOMAINS[serial & 3]}" if r() < 0.93 else None,
                _TITLES[int(r() * 10)],
                None,
                _SOURCES[int(r() * 8)],
                _DAYS[birth] if r() < 0.5 else None,
                "Met at the college fair; asked about housing." if r() < 0.03 else None,
                self._owners[int(r() * len(self._owners))],
                *self._stamps(next(times)),
                _DAYS[(self._end // _DAY) - 1 - int(r() * 900)] if r() < 0.2 else None,
                int(r() < 0.04),
                int(r() < 0.02),
                _INTERESTS[serial % len(_INTERESTS)],
                *self._texting(),
            )

    def leads(self, count: int, contact_count: int) -> Iterator[Row]:
        r = self._rng.random
        times = self._times(count)
        person = _Person("", "", None, "", _CITIES[0])
        for serial in range(1, count + 1):
            index = int(r() * len(self._names))
            self._become(person, index)
            stamps = self._stamps(next(times))
            converted = r() < 0.04 and contact_count > 0
            contact = serial_id("003", 1 + int(r() * contact_count)) if converted else None
            yield (
                serial_id("00Q", serial),
                person.last,
                person.first,
                _SALUTATIONS[int(r() * 10)],
                f"{person.first} {person.last}",
                "[not provided]"
                if r() < 0.6
                else f"{self._names[int(r() * len(self._names))][1]} High School",
                person.street,
                *person.city,
                "USA",
                phones.us_number(self._rng, self._next_number()) if r() < 0.2 else None,
                person.mobile,
                f"{self._boxes[index]}.{serial}@{_DOMAINS[serial & 3]}" if r() < 0.95 else None,
                _TITLES[int(r() * 10)],
                _SOURCES[int(r() * 8)],
                "Closed - Converted" if converted else _STATUSES[int(r() * 10)],
                _INDUSTRIES[int(r() * 7)],
                self._owner_of_lead(queued=serial % QUEUED == 0 and not converted),
                *stamps,
                int(r() < 0.3),
                int(converted),
                stamps[2][:10] if converted else None,
                serial_id("001", 1 + int(r() * INSTITUTIONS)) if converted else None,
                contact,
                int(r() < 0.04),
                int(r() < 0.02),
                *self._texting(),
            )

    def _owner_of_lead(self, *, queued: bool) -> str:
        owner = self._owners[int(self._rng.random() * len(self._owners))]
        return teams.INQUIRIES if queued else owner

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _become(self, person: _Person, index: int) -> None:
        """Turn into the next person; a household keeps the last one's family name, address and number."""
        r = self._rng.random
        first, last = self._names[index]
        if r() < 0.05 and person.mobile:
            person.first = first
            return
        person.first, person.last = first, last
        person.street = f"{int(r() * 990) + 1} {_STREETS[int(r() * len(_STREETS))]}"
        person.city = _CITIES[int(r() * len(_CITIES))]
        person.mobile = self._mobile()

    def _mobile(self) -> str | None:
        share = self._rng.random()
        if share < 0.083:
            return None
        if share < 0.114:
            return phones.junk(self._rng)
        if share < 0.145:
            return phones.foreign_number(self._rng)
        return phones.us_number(self._rng, self._next_number())

    def _texting(self) -> Row:
        """Preferred name, opted out, opted in, preference, program and graduation year."""
        r = self._rng.random
        opted_out = r() < 0.06
        return (
            _NICKNAMES[int(r() * len(_NICKNAMES))] if r() < 0.07 else None,
            int(opted_out),
            int(not opted_out and r() < 0.5),
            _PREFERENCES[int(r() * 200)],
            _PROGRAMS[int(r() * len(_PROGRAMS))],
            float(2018 + int(r() * 14)) if r() < 0.85 else None,
        )

    def _times(self, count: int) -> Iterator[int]:
        """Creation times in order: half of the records one by one, half in bulk loads of one second."""
        rng = self._rng
        span = self._end - self._start - 1
        made = 0
        while made < count:
            bulk = made == 0 or rng.random() < 0.0005
            size = min(count // 5 + 1, count - made, rng.randrange(BULK_LOAD // 2, BULK_LOAD)) if bulk else 1
            moment = self._start + span * made // count
            for _ in range(size):
                yield moment
            made += size

    def _stamps(self, created: int) -> tuple[str, str, str, str, str]:
        """CreatedDate, CreatedById, LastModifiedDate, LastModifiedById, SystemModstamp."""
        r = self._rng.random
        owners = self._owners
        modified = created
        share = r()
        if share < 0.25:
            modified = self._mass_update(created)
        elif share < 0.7:
            modified = created + int(r() * (self._end - created))
        touched = min(self._end - 1, modified + int(r() * 30 * _DAY)) if r() < 0.1 else modified
        created_by = owners[int(r() * len(owners))]
        modified_by = owners[int(r() * len(owners))] if modified > created else created_by
        return _text(created), created_by, _text(modified), modified_by, _text(touched)

    def _mass_update(self, created: int) -> int:
        """The second of a mass update after the creation: one every 12 hours of history, each touches a few hundred."""
        updates = range(self._start, self._end, _DAY // 2)
        later = bisect_left(updates, created)
        if later == len(updates):
            return created
        return updates[later + int(self._rng.random() * (len(updates) - later))]
