"""Refusals in the shapes of the REST API: an array of {message, errorCode, fields}."""

from collections.abc import Mapping, Sequence


class ApiError(Exception):
    """One refused request; becomes the uniform error array.

    `extra` stands beside the code and the message; `more` are errors of the same record, answered together.
    """

    def __init__(
        self,
        status: int,
        error_code: str,
        message: str,
        *,
        fields: Sequence[str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.fields = fields
        self.extra = extra or {}
        self.more: tuple[ApiError, ...] = ()
        self.headers: dict[str, str] = {}

    def body(self) -> list[dict[str, object]]:
        error: dict[str, object] = {**self.extra, "message": self.message, "errorCode": self.error_code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error, *(part for other in self.more for part in other.body())]


class OAuthError(Exception):
    """A refused token request, HTTP 400 with {error, error_description}."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


def not_found() -> ApiError:
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def method_not_allowed(method: str, allowed: str = "") -> ApiError:
    """With the methods that are, in the message and in a header, as recorded."""
    listed = f". Allowed are {allowed}" if allowed else ""
    error = ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed{listed}")
    error.headers = {"Allow": allowed} if allowed else {}
    return error


def no_such_column(name: str, sobject: str) -> ApiError:
    return ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")
