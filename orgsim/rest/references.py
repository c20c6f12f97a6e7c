"""References of composite requests: `@{refAccount.id}` in an address or a body stands for what was answered before."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"@\{([^}]*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_NAME = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)


class UnknownReferenceError(Exception):
    """A reference to nothing; the text is what the API answers with PROCESSING_HALTED."""

    def __init__(self, expression: str, name: str) -> None:
        text = f"Invalid reference specified. No value for {expression} found in {name}."
        super().__init__(text if is_reference_id(expression) else f"{text} {bad_reference_id(expression)}")


def is_reference_id(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def bad_reference_id(text: str) -> str:
    return (
        f"Provided referenceId ('{text}') must start with a letter or a number, and it can contain only letters, "
        "numbers and underscores ('_')."
    )


def _value(expression: str, answers: Mapping[str, object]) -> object:
    """What `refQuery.records[0].Id` means; raises UnknownReferenceError."""
    name = re.split(r"[.\[]", expression, maxsplit=1)[0]
    value = answers.get(name)
    position = len(name)
    while position < len(expression) and value is not None:
        step = _STEP.match(expression, position)
        if step is None:
            raise UnknownReferenceError(expression, name)
        value = _member(value, step[1], step[2])
        position = step.end()
    if value is None or name not in answers:
        raise UnknownReferenceError(expression, name)
    return value


def _member(value: object, key: str | None, index: str | None) -> object:
    if key is not None:
        return value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list) and index is not None and int(index) < len(value):
        return value[int(index)]
    return None


def filled_text(text: str, answers: Mapping[str, object]) -> str:
    """A text with every reference replaced; raises UnknownReferenceError."""
    return _REFERENCE.sub(lambda match: str(_value(match[1], answers)), text)


def filled(value: object, answers: Mapping[str, object]) -> object:
    """A JSON value with every reference in its texts replaced; a text that is one reference becomes what it means."""
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        return _value(whole[1], answers) if whole else filled_text(value, answers)
    if isinstance(value, dict):
        return {key: filled(member, answers) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(member, answers) for member in value]
    return value
