"""Answers as XML, for clients that ask for it by Accept or by `.xml` at the end of the path.

Versions are documented so; from public code are the object's name around a record and a describe, `QueryResult`, `Result`
and `Errors`, and that a record's type and address are XML attributes. `xsi:nil` for null is inferred. Every other answer
stays JSON.
"""

from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from orgsim.calls import JSON, Answer, Call

XML = "application/xml;charset=UTF-8"
SUFFIX = ".xml"
_OURS = ("application/xml", "text/xml")
_JSON = ("application/json", "application/*", "*/*")
_NIL = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def wanted(call: Call) -> bool:
    """Whether XML comes before JSON in what the client accepts."""
    if call.path.endswith(SUFFIX):
        return True
    asked = (part.partition(";")[0].strip().lower() for part in call.headers.get("accept", "").split(","))
    return next((kind in _OURS for kind in asked if kind in _OURS or kind in _JSON), False)


def as_xml(answer: Answer) -> Answer:
    """The same in XML; unchanged when it is no JSON or has no XML form here."""
    if answer.headers.get("Content-Type") != JSON or not answer.body:
        return answer
    value = msgspec.json.decode(answer.body)
    root = _root(value)
    if root is None:
        return answer
    name, value = root
    text = f'<?xml version="1.0" encoding="UTF-8"?>{_element(name, value, _NIL)}'
    return replace(answer, body=text.encode(), headers=answer.headers | {"Content-Type": XML})


def _root(value: Any) -> tuple[str, object] | None:
    """What the element around everything is called, and what is in it."""
    match value:
        case [{"errorCode": _}, *_]:
            return "Errors", {"Error": [dict(sorted(error.items())) for error in value]}
        case [{"version": _, "url": _}, *_]:
            return "Versions", {"Version": value}
        case {"totalSize": _, "records": _}:
            return "QueryResult", value
        case {"id": _, "success": _, "errors": _}:
            return "Result", value
        case {"attributes": {"type": str(name)}} | {"objectDescribe": {"name": str(name)}}:
            return name, value
        case {"name": str(name), "fields": [*_]}:
            return name, value
    return None


def _element(name: str, value: object, attributes: str = "") -> str:
    match value:
        case None:
            return f'<{name}{attributes} xsi:nil="true"/>'
        case bool():
            return f"<{name}{attributes}>{str(value).lower()}</{name}>"
        case dict():
            said = value.get("attributes")
            for key, text in said.items() if isinstance(said, dict) else ():
                attributes += f" {key}={quoteattr(str(text))}"
            inside = "".join(_members(key, member) for key, member in value.items() if key != "attributes")
            return f"<{name}{attributes}>{inside}</{name}>"
    return f"<{name}{attributes}>{escape(str(value))}</{name}>"


def _members(name: str, value: object) -> str:
    """A list is its elements, one after the other."""
    return "".join(_element(name, one) for one in value) if isinstance(value, list) else _element(name, value)
