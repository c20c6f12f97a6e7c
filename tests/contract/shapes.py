"""The structure of JSON: which keys there are and of which types, and how two structures differ.

A structure maps each path to the JSON types seen there: `$.records[].Id` -> "string", or "null|string". The structures of answers that
real orgs gave are kept in `recorded/`; the answers themselves are not (see its index).

    python -m tests.contract.shapes SAMPLE.json [--map PATH ...] prints the structure of a sample
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

Shape = Mapping[str, str]
_TYPES: Mapping[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}


def shape_of(value: object, maps: Sequence[str] = ()) -> dict[str, str]:
    """The structure of decoded JSON; the keys of objects at the paths `maps` are data and all stand as `*`."""
    found: dict[str, set[str]] = {}
    for path, kind in _walk(value, "$", maps):
        found.setdefault(path, set()).add(kind)
    return {path: "|".join(sorted(kinds)) for path, kinds in sorted(found.items())}


def _walk(value: object, path: str, maps: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield path, _TYPES[type(value)]
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _walk(member, f"{path}.{'*' if path in maps else key}", maps)
    elif isinstance(value, list):
        for member in value:
            yield from _walk(member, f"{path}[]", maps)


def differences(recorded: Shape, answered: Shape) -> dict[str, str]:
    """What a client could notice, by path: a key missing, a key too many, another type.

    Null says nothing about a type, and what lies below a missing or extra key is not repeated.
    """
    found: dict[str, str] = {}
    for path in sorted({*recorded, *answered}):
        if _parent(path) in found or not _comparable(_parent(path), recorded, answered):
            continue
        ours, theirs = _kinds(answered, path), _kinds(recorded, path)
        if path not in answered:
            found[path] = "missing"
        elif path not in recorded:
            found[path] = "too many"
        elif ours and theirs and not ours <= theirs:
            found[path] = f"{'/'.join(sorted(ours))} instead of {'/'.join(sorted(theirs))}"
    return found


def _kinds(shape: Shape, path: str) -> set[str]:
    return set(shape.get(path, "null").split("|")) - {"null"}


def _comparable(parent: str, recorded: Shape, answered: Shape) -> bool:
    # Below an array or object that is empty or null on one side there is nothing to compare.
    if not parent:
        return True
    return all(any(_parent(path) == parent for path in shape) for shape in (recorded, answered))


def _parent(path: str) -> str:
    return path[:-2] if path.endswith("[]") else path.rpartition(".")[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sample", type=Path)
    parser.add_argument("--map", action="append", default=[], help="a path whose keys are data")
    chosen = parser.parse_args()
    print(json.dumps(shape_of(json.loads(chosen.sample.read_text()), chosen.map), indent=1))


if __name__ == "__main__":
    main()
