"""SOAP login() and logout(), because many clients still sign in so; nothing else of the SOAP API.

Versions up to 64.0 have it; from 65.0 on, and in an org that has it off, it is refused as documented. The shape of the
answers is that of the partner and enterprise WSDL. The other SOAP APIs are there to refuse what they are asked.
"""

import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from orgsim.calls import Answer, Call
from orgsim.errors import not_found
from orgsim.org import Org
from orgsim.signin.hosts import org_address
from orgsim.signin.service import Person

LAST_VERSION = 64
_PATH = re.compile(r"/services/Soap/(?P<api>[ucmsT])/(?P<version>[^/]+)(?:/[^/]+)*")
# 59.0, and as some clients write it (inferred from them): v59.0, 59.
_VERSION = re.compile(r"v?(\d{1,3})(?:\.0)?")
_NAMESPACES = {
    "u": "urn:partner.soap.sforce.com",
    "c": "urn:enterprise.soap.sforce.com",
    "m": "http://soap.sforce.com/2006/04/metadata",
    "s": "http://soap.sforce.com/2006/08/apex",
    "T": "urn:tooling.soap.sforce.com",
}
_SIGN_IN_APIS = "uc"
_NO_LOGIN = ("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
_REFUSED = {
    "inactive_org": ("ORG_LOCKED", "organization is not active"),
    "invalid_grant": ("LOGIN_DURING_RESTRICTED_DOMAIN", "cannot log in from current IP address"),
    "rate_limit_exceeded": ("LOGIN_RATE_EXCEEDED", "number of login attempts exceeded"),
}


class _Fault(Exception):
    def __init__(self, code: str, message: str, kind: str = "LoginFault") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kind = kind


@dataclass(slots=True)
class _Envelope:
    """The operation, and the text of every element by its name without prefix."""

    operation: str = ""
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the call came to: `api` is the letter in its path, `version` empty when it is none."""

    api: str
    version: str
    address: str


def soap(org: Org, call: Call) -> Answer:
    match = _PATH.fullmatch(call.path)
    if match is None or call.method != "POST":
        raise not_found()
    version = _VERSION.fullmatch(match["version"])
    place = _Place(match["api"], f"{version[1]}.0" if version else "", org_address(call.address))
    try:
        return _answer(200, _envelope(place, _answered(org, place, _read(call.body))))
    except _Fault as fault:
        return _answer(500, _fault(place, fault))


def _answered(org: Org, place: _Place, envelope: _Envelope) -> str:
    if not place.version:
        raise _Fault(
            "UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL", "UnexpectedErrorFault"
        )
    if envelope.operation == "login" and place.api in _SIGN_IN_APIS:
        return _login(org, place, envelope.texts)
    if envelope.operation == "logout" and place.api in _SIGN_IN_APIS:
        return _logout(org, envelope.texts.get("sessionId", "").strip())
    message = (
        f"No operation available for request {{{_NAMESPACES[place.api]}}}{envelope.operation}, "
        "please check the WSDL for the service."
    )
    raise _Fault("", message)


def _login(org: Org, place: _Place, texts: dict[str, str]) -> str:
    if int(place.version.partition(".")[0]) > LAST_VERSION:
        message = "The SOAP Login operation is not available in the API version specified"
        raise _Fault("INVALID_OPERATION", message, "UnexpectedErrorFault")
    if not org.switches.is_on("password_sign_in"):
        message = "SOAP API login() is disabled by default in this org"
        raise _Fault("INVALID_OPERATION", message, "UnexpectedErrorFault")
    refusal = org.signin.refusal()
    if refusal is not None:
        raise _Fault(*_REFUSED.get(refusal.error, _NO_LOGIN))
    user = org.signin.checked(texts.get("username", "").strip(), texts.get("password", "").strip())
    if user is None or not user.active:
        raise _Fault(*_NO_LOGIN)
    return f"<loginResponse><result>{_result(org, place, user)}</result></loginResponse>"


def _result(org: Org, place: _Place, user: Person) -> str:
    org_id = org.store.meta("org_id")
    soap_address = f"{place.address}/services/Soap"
    tail = f"{place.version}/{org_id[:15]}"
    (sandbox,) = org.store.reader().execute("SELECT IsSandbox FROM Organization").fetchone()
    return _elements(
        {
            "metadataServerUrl": f"{soap_address}/m/{tail}",
            "passwordExpired": False,
            "sandbox": bool(sandbox),
            "serverUrl": f"{soap_address}/{place.api}/{tail}",
            "sessionId": org.sessions.open(user.id, user.username),
            "userId": user.id,
        }
    ) + (f"<userInfo>{_user_info(org, user)}</userInfo>")


def _user_info(org: Org, user: Person) -> str:
    connection = org.store.reader()
    (org_name,) = connection.execute("SELECT Name FROM Organization").fetchone()
    sql = "SELECT ProfileId, Email, Name, LanguageLocaleKey, LocaleSidKey, TimeZoneSidKey FROM User WHERE Id = ?"
    profile, email, name, language, locale, zone = connection.execute(sql, (user.id,)).fetchone()
    contact = org.schema.sobject("Contact")
    return _elements(
        {
            "accessibilityMode": False,
            "chatterExternal": False,
            "currencySymbol": "$",
            "orgAttachmentFileSizeLimit": 5_242_880,
            "orgDefaultCurrencyIsoCode": "USD",
            "orgDefaultCurrencyLocale": "en_US",
            "orgDisallowHtmlAttachments": False,
            "orgHasPersonAccounts": bool(contact and contact.field("IsPersonAccount")),
            "organizationId": org.store.meta("org_id"),
            "organizationMultiCurrency": False,
            "organizationName": org_name,
            "profileId": profile,
            "roleId": None,
            "sessionSecondsValid": int(org.sessions.lifetime.total_seconds()),
            "userDefaultCurrencyIsoCode": None,
            "userEmail": email,
            "userFullName": name,
            "userId": user.id,
            "userLanguage": language,
            "userLocale": locale,
            "userName": user.username,
            "userTimeZone": zone,
            "userType": "Standard",
            "userUiSkin": "Theme3",
        }
    )


def _logout(org: Org, session_id: str) -> str:
    if org.sessions.find(session_id) is None:
        message = "Invalid Session ID found in SessionHeader: Illegal Session"
        raise _Fault("INVALID_SESSION_ID", message, "UnexpectedErrorFault")
    org.sessions.end(session_id)
    return "<logoutResponse/>"


def _read(body: bytes) -> _Envelope:
    """The operation of an envelope and its texts; a document type, which could be a bomb, is refused."""
    envelope, path = _Envelope(), list[str]()
    parser = expat.ParserCreate()

    def start(name: str, attributes: object) -> None:
        local = name.rpartition(":")[2]
        if path[-1:] == ["Body"] and not envelope.operation:
            envelope.operation = local
        path.append(local)

    def text(data: str) -> None:
        if path:
            envelope.texts[path[-1]] = envelope.texts.get(path[-1], "") + data

    def end(name: str) -> None:
        path.pop()

    def refuse(*declared: object) -> None:
        raise _Fault("", "DOCTYPE is disallowed.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise _Fault("", f"The request is no well-formed XML: {error}") from error
    return envelope


def _elements(values: dict[str, object]) -> str:
    return "".join(_element(name, value) for name, value in values.items())


def _element(name: str, value: object) -> str:
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"


def _envelope(place: _Place, body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns="{_NAMESPACES[place.api]}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )


def _fault(place: _Place, fault: _Fault) -> str:
    message = escape(fault.message)
    code, told, detail = "soapenv:Client", message, ""
    if fault.code:
        code, told = f"sf:{fault.code}", f"{fault.code}: {message}"
        detail = (
            f'<detail><sf:{fault.kind} xsi:type="sf:{fault.kind}"><sf:exceptionCode>{fault.code}'
            f"</sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage></sf:{fault.kind}></detail>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:sf="{_NAMESPACES[place.api].replace("urn:", "urn:fault.")}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>{code}</faultcode><faultstring>{told}</faultstring>{detail}"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )


def _answer(status: int, xml: str) -> Answer:
    return Answer(status, xml.encode(), {"Content-Type": "text/xml; charset=utf-8"})
