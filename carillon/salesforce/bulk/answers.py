"""What Bulk API 2.0 answers, decoded: a job, a set of its results, links to sets, and refusals.

Recorded: the keys of a job. Documented: the headers of a set, the end being said by the word null, and the links.
"""

from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from carillon.salesforce.answers import error_of
from carillon.salesforce.errors import (
    BulkJobGone,
    BulkRefused,
    BulkVersionDiffers,
    LimitExceeded,
    MalformedAnswer,
    QueryRejected,
    SalesforceError,
)
from carillon.salesforce.ids import to_18
from carillon.salesforce.pages import same_instance_path
from carillon.salesforce.transport import Answer

# Any other state, a new one too, is waited for.
_OVER = frozenset({"JobComplete", "Failed", "Aborted"})
# Codes of a query or an object that only the REST API serves, and of an org without Bulk API 2.0.
_UNSERVED = frozenset(
    {"API_ERROR", "FEATURENOTENABLED", "FUNCTIONALITY_NOT_ENABLED", "INVALIDENTITY", "INVALIDJOB"}
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BulkJob:
    """`processed` counts the records of the result, final once `state` is JobComplete."""

    id: str
    state: str
    processed: int = 0
    error: str = field(default="", repr=False)

    @property
    def running(self) -> bool:
        return self.state not in _OVER


@dataclass(frozen=True, slots=True)
class ResultSet:
    """One answer with results; `following` is the locator of the next, "" after the last."""

    body: bytes = field(repr=False)
    count: int
    following: str


class _JobAnswer(msgspec.Struct):
    id: str
    state: str
    numberRecordsProcessed: int | None = None
    errorMessage: str | None = None


class _PageLink(msgspec.Struct):
    # Documented and published as resultUrl and as resultLink; so are nextRecordsUrl and nextRecordUrl.
    resultUrl: str = ""
    resultLink: str = ""


class _PageLinks(msgspec.Struct):
    resultPages: list[_PageLink]
    done: bool = True
    nextRecordsUrl: str | None = None
    nextRecordUrl: str | None = None


def job_of(answer: Answer) -> BulkJob:
    job = _decoded(answer, _JobAnswer)
    return BulkJob(to_18(job.id), job.state, job.numberRecordsProcessed or 0, job.errorMessage or "")


def links_of(answer: Answer) -> tuple[list[str], str]:
    """The paths of sets that can be read at once, and the path of more such links, "" when these are the last."""
    links = _decoded(answer, _PageLinks)
    following = "" if links.done else links.nextRecordsUrl or links.nextRecordUrl or ""
    if not (links.done or following):
        raise MalformedAnswer("Salesforce says that a bulk result has more pages, but not where.")
    paths = [same_instance_path(link.resultUrl or link.resultLink) for link in links.resultPages]
    return paths, same_instance_path(following) if following else ""


def _decoded(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise MalformedAnswer("Salesforce's answer about a bulk job was cut off or not in the agreed form.")


def set_of(answer: Answer) -> ResultSet:
    count = answer.headers.get("sforce-numberofrecords", "")
    if not (count.isascii() and count.isdigit()):
        raise MalformedAnswer("Salesforce's result of a bulk query does not say how many records it holds.")
    locator = answer.headers.get("sforce-locator", "")
    # The end is said by the word null.
    return ResultSet(answer.body, int(count), "" if locator == "null" else locator)


def refusal(status: int, body: bytes) -> SalesforceError:
    error = error_of(status, body)
    if status == 404:
        return BulkJobGone()
    if status == 409:
        return BulkVersionDiffers()
    if not isinstance(error, QueryRejected):
        return error
    if error.code == "LIMIT_EXCEEDED":
        return LimitExceeded(
            "The Salesforce org has used up its bulk query jobs of the last 24 hours.",
            remedy="Wait until jobs of the last 24 hours run out of the count, or read by REST pages.",
        )
    return BulkRefused(error.code, error.detail) if error.code in _UNSERVED else error
