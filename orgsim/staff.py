"""The users of the org, who own records and edit them, and their passwords for the username-password flow."""

from dataclasses import dataclass

from orgsim.ids import serial_id

# The first user of every org, whatever name it signs in with.
API_USER_ID = serial_id("005", 1)
API_USERNAME = "api.user@orgsim.example"
REGISTRAR_USERNAME = "registrar@orgsim.example"
CLIENT_ID = "orgsim-client"
# Fixed on purpose: the org is simulated and binds to loopback.
CLIENT_SECRET, SECURITY_TOKEN, REFRESH_TOKEN = "orgsim-secret", "ORGSIMTOKEN", "orgsim-refresh-token"
PASSWORDS = {API_USERNAME: "orgsim-password", REGISTRAR_USERNAME: "registrar-password"}


@dataclass(frozen=True, slots=True)
class StaffMember:
    first_name: str
    last_name: str
    username: str
    title: str
    department: str
    active: bool = True

    @property
    def alias(self) -> str:
        return (self.first_name[0] + self.last_name).lower()[:8]


STAFF = (
    StaffMember("Integration", "User", API_USERNAME, "API user", "Information Technology"),
    StaffMember("Robin", "Ashdown", REGISTRAR_USERNAME, "Registrar", "Registrar's Office"),
    StaffMember("Dana", "Whitlock", "dana.whitlock@orgsim.example", "Director of Admissions", "Admissions"),
    StaffMember("Priyanka", "Menon", "priyanka.menon@orgsim.example", "Admissions Counselor", "Admissions"),
    StaffMember("Marcus", "Tolland", "marcus.tolland@orgsim.example", "Admissions Counselor", "Admissions"),
    StaffMember("Elena", "Castañeda", "elena.castaneda@orgsim.example", "Transfer Counselor", "Admissions"),
    StaffMember("Owen", "O'Hanlon", "owen.ohanlon@orgsim.example", "Gift Officer", "Advancement"),
    StaffMember("Thuy", "Lam", "thuy.lam@orgsim.example", "Financial Aid Advisor", "Financial Aid"),
    StaffMember("Amadi", "Eze", "amadi.eze@orgsim.example", "Academic Advisor", "Student Success"),
    StaffMember(
        "Grace", "Lindqvist", "grace.lindqvist@orgsim.example", "Former Counselor", "Admissions", active=False
    ),
)
