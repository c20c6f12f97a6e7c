"""One request and one answer, free of any web framework."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from orgsim.errors import ApiError

JSON = "application/json;charset=UTF-8"
_WORTH_PACKING = 1_000
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Call:
    """`path` has no trailing slash; header names are lower case; `address` is the server's own, as the client wrote it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    address: str

    def needed_body(self) -> bytes:
        """Raises ApiError, in recorded words, when there is none."""
        if not self.body.strip():
            message = "The HTTP entity body is required, but this request has no entity body."
            raise ApiError(400, "JSON_PARSER_ERROR", message)
        return self.body

    def json_object(self) -> dict[str, object]:
        try:
            value = msgspec.json.decode(self.needed_body())
        except msgspec.DecodeError as error:
            raise ApiError(400, "JSON_PARSER_ERROR", f"Unexpected character: {error}") from error
        if not isinstance(value, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "The request body has to be a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, _encoder.encode(value), {"Content-Type": JSON, **(headers or {})})


def packed(answer: Answer, accept_encoding: str) -> Answer:
    """The answer gzipped when the client takes that: at the fastest level, this is not where the time should go."""
    if "gzip" not in accept_encoding.lower() or len(answer.body) < _WORTH_PACKING:
        return answer
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    body = packer.compress(answer.body) + packer.flush()
    return Answer(
        answer.status, body, {**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    )
