"""Bulk API 1.0, refused as in an org that does not have it: FeatureNotEnabled, in that API's own error shape."""

from orgsim.calls import Answer, Call, json_answer
from orgsim.errors import ApiError
from orgsim.org import Org

PATH = "/services/async/"
_XML = (
    '<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload">\n'
    " <exceptionCode>{code}</exceptionCode>\n <exceptionMessage>{message}</exceptionMessage>\n</error>"
)


def refused(org: Org, call: Call) -> Answer:
    """HTTP 400 for every path of Bulk API 1.0; a bad X-SFDC-Session is said first."""
    try:
        org.sessions.session_of(f"Bearer {call.headers.get('x-sfdc-session', '')}")
    except ApiError:
        return _error(call, "InvalidSessionId", "Invalid session id")
    return _error(call, "FeatureNotEnabled", "Async API not enabled")


def _error(call: Call, code: str, message: str) -> Answer:
    named = call.headers.get("content-type", "") + call.headers.get("accept", "")
    if "json" in named.lower():
        return json_answer({"exceptionCode": code, "exceptionMessage": message}, 400)
    body = _XML.format(code=code, message=message).encode()
    return Answer(400, body, {"Content-Type": "application/xml"})
