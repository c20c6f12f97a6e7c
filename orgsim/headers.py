"""What the headers of a request ask for before any resource sees it: packed bodies, methods in disguise, lengths.

The limits of 16,384 bytes are documented; the texts of these refusals are inferred.
"""

import zlib
from dataclasses import replace

from orgsim.calls import Call
from orgsim.errors import ApiError

LONGEST_URI = 16_384
LONGEST_HEAD = 16_384
LARGEST_BODY = 10_000_000
_WRITES = ("POST", "PATCH", "PUT")
# How zlib finds the start: gzip and zlib by themselves, deflate without either as some clients send it.
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}


def too_long(uri: int, headers: int) -> ApiError | None:
    """The refusal of a request whose address, or address and headers together, have too many bytes."""
    if uri > LONGEST_URI:
        return ApiError(414, "URI_TOO_LONG", "The URI is too long")
    if uri + headers > LONGEST_HEAD:
        message = "The URI and the headers together are too long"
        return ApiError(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", message)
    return None


def unpacked(call: Call) -> Call:
    """The call with its body as it was before Content-Encoding; raises ApiError."""
    encoding = call.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity" or not call.body:
        return call
    if encoding not in _WINDOWS:
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding not supported: {encoding}")
    for window in _WINDOWS[encoding]:
        body = _inflated(call.body, window)
        if body is not None:
            return replace(call, body=body)
    raise ApiError(400, "BAD_REQUEST", f"The request body is no valid {encoding} data")


def _inflated(body: bytes, window: int) -> bytes | None:
    """None for damaged or unfinished data; raises 413 before it grows out of bounds."""
    unpacker = zlib.decompressobj(window)
    try:
        plain = unpacker.decompress(body, LARGEST_BODY + 1)
    except zlib.error:
        return None
    if len(plain) > LARGEST_BODY:
        raise ApiError(413, "TOO_LARGE", "The body is too large")
    return plain if unpacker.eof else None


def undisguised(call: Call) -> Call:
    """A POST with ?_HttpMethod=PATCH is a PATCH, for clients that can't send one (documented)."""
    method = call.query.get("_HttpMethod", "").upper()
    if call.method != "POST" or not method:
        return call
    query = {name: value for name, value in call.query.items() if name != "_HttpMethod"}
    return replace(call, method=method, query=query)


def check_media_type(call: Call) -> None:
    """A body has to be JSON; raises 415."""
    if call.method not in _WRITES or not call.body:
        return
    given = call.headers.get("content-type", "")
    if not given:
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type header not specified")
    if given.partition(";")[0].strip().lower() != "application/json":
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type not supported: {given}")
