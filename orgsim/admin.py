"""The scenario verbs over HTTP: POST /orgsim/admin/VERB with a JSON object of arguments."""

import inspect

import msgspec

from orgsim.calls import Answer, json_answer
from orgsim.errors import ApiError
from orgsim.org import Org
from orgsim.scenario import Scenario

_VERBS = frozenset(
    name for kind in Scenario.__mro__ if kind is not object for name in vars(kind) if not name.startswith("_")
)


class Admin:
    def __init__(self, org: Org) -> None:
        self._scenario = Scenario(org)

    def answer(self, verb: str, body: bytes) -> Answer:
        """`{"result": ...}`, or `{"error": sentence}` with status 404 or 400."""
        if verb not in _VERBS:
            return json_answer({"error": f"no verb {verb}; there are: {', '.join(sorted(_VERBS))}"}, 404)
        method = getattr(self._scenario, verb)
        try:
            arguments = _arguments(method, body)
            return json_answer({"result": method(**arguments)})
        except (TypeError, ValueError, LookupError, msgspec.MsgspecError) as error:
            return json_answer({"error": str(error)}, 400)
        except ApiError as error:
            return json_answer({"error": error.message, "errorCode": error.error_code}, 400)


def _arguments(method: object, body: bytes) -> dict[str, object]:
    """The arguments, each turned into the type its parameter has; **fields are taken as they come.

    Raises ValueError that names a value of the wrong type, or says what the verb takes.
    """
    if not callable(method):
        raise TypeError("not a verb")
    given = msgspec.json.decode(body or b"{}", type=dict[str, object])
    signature = inspect.signature(method, eval_str=True)
    parameters = signature.parameters
    try:
        signature.bind(**given)
    except TypeError as error:
        taken = ", ".join(str(parameter) for parameter in parameters.values()) or "nothing"
        raise ValueError(f"{error}; the verb takes {taken}") from None
    arguments = {}
    for name, value in given.items():
        parameter = parameters.get(name)
        typed = parameter is not None and parameter.kind is not inspect.Parameter.VAR_KEYWORD
        try:
            arguments[name] = msgspec.convert(value, parameter.annotation) if parameter and typed else value
        except msgspec.ValidationError as error:
            raise ValueError(f"{name}: {error}") from None
    return arguments
