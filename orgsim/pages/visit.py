"""One request of somebody who is signed in to the pages, and what its handler can do."""

from collections.abc import Callable
from dataclasses import dataclass

from orgsim.calls import Answer, Call
from orgsim.errors import ApiError
from orgsim.org import Org, Viewer
from orgsim.pages.screen import Said, Screen, redirect
from orgsim.scenario import Scenario
from orgsim.staff import API_USER_ID, REGISTRAR_USERNAME
from orgsim.store import on
from orgsim.traffic import Traffic

SECTIONS = (
    ("home", "/", "Home"),
    ("Contact", "/lightning/o/Contact/list", "Contacts"),
    ("Lead", "/lightning/o/Lead/list", "Leads"),
    ("list-views", "/orgsim/list-views", "List views"),
    ("reports", "/orgsim/reports", "Reports"),
    ("automation", "/orgsim/automation", "Automation"),
    ("api-user", "/orgsim/api-user", "API user"),
    ("limits", "/orgsim/limits", "Limits"),
    ("switches", "/orgsim/switches", "Switches"),
    ("faults", "/orgsim/faults", "Faults"),
)
# What a verb or a write raises when it refuses what was asked.
REFUSALS = (ApiError, LookupError, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Visit:
    """`parts` are the named pieces of the path, `form` the posted fields, `form_key` what each form must carry."""

    org: Org
    scenario: Scenario
    traffic: Traffic
    screen: Screen
    call: Call
    parts: dict[str, str]
    form: dict[str, str]
    form_key: str

    def page(self, template: str, section: str, *, status: int = 200, **values: object) -> Answer:
        frame: dict[str, object] = {
            "form_key": self.form_key,
            "org_name": organization(self.org)[0],
            "sections": SECTIONS,
            "section": section,
            "said": self.screen.take(self.call.query.get("said", "")),
        }
        return self.screen.page(template, status, frame | values)

    def message(self, title: str, text: str, status: int) -> Answer:
        return self.page("message.html", "", status=status, title=title, text=text)

    def back(self, path: str, said: Said) -> Answer:
        return redirect(f"{path}?said={self.screen.keep(said)}")

    def did(self, path: str, action: Callable[[], object], done: str) -> Answer:
        """Do it and say so on the page at `path`, or say there why it was refused."""
        try:
            action()
        except REFUSALS as error:
            return self.back(path, refused(error))
        return self.back(path, Said(done))

    def registrar(self) -> Viewer:
        """Whom the pages act as, as the scenario verbs do: the registrar sees and edits everything."""
        sql = on("User", "SELECT Id FROM {table} WHERE Username = ?")
        (user_id,) = self.org.store.reader().execute(sql, (REGISTRAR_USERNAME,)).fetchone()
        return Viewer(user_id, REGISTRAR_USERNAME, self.org.schema, False)


Handler = Callable[[Visit], Answer]
# Method, a pattern for the whole path, and what answers.
Route = tuple[str, str, Handler]


def refused(error: Exception) -> Said:
    """A refusal as one sentence, with the error code an API client would get."""
    text = error.message if isinstance(error, ApiError) else str(error.args[0] if error.args else error)
    text = text[:1].upper() + text[1:]
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    code = f" ({error.error_code})" if isinstance(error, ApiError) else ""
    return Said(f"The org refused: {ended}{code}", "bad")


def whole(text: str, name: str) -> int:
    """A number of a form; raises ValueError with a sentence."""
    cleaned = text.strip().replace(",", "")
    if not cleaned.isascii() or not cleaned.isdecimal() or len(cleaned) > 12:
        raise ValueError(f"{name} takes a whole number, not “{text}”")
    return int(cleaned)


def organization(org: Org) -> tuple[str, str, bool]:
    """Name, id, and whether it is a sandbox."""
    sql = on("Organization", "SELECT Name, Id, IsSandbox FROM {table}")
    name, org_id, sandbox = org.store.reader().execute(sql).fetchone()
    return name, org_id, bool(sandbox)


@dataclass(frozen=True, slots=True)
class ApiUser:
    name: str
    username: str
    active: bool


def api_user(org: Org) -> ApiUser:
    sql = on("User", "SELECT Name, Username, IsActive FROM {table} WHERE Id = ?")
    name, username, active = org.store.reader().execute(sql, (API_USER_ID,)).fetchone()
    return ApiUser(name, username, bool(active))


def user_names(org: Org) -> dict[str, str]:
    rows = org.store.reader().execute(on("User", "SELECT Id, Name FROM {table}"))
    return dict(rows.fetchall())
