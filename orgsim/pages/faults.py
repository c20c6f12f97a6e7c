"""Faults as buttons: what goes wrong for the next API calls, what ends at once, and what time it is."""

from collections.abc import Callable

from orgsim.calls import Answer
from orgsim.faults import Fault
from orgsim.pages.screen import Said
from orgsim.pages.visit import REFUSALS, Route, Visit, refused, whole

_ADDRESS = "/orgsim/faults"
STATUSES = (
    ("503", "503: the server is unavailable"),
    ("500", "500: an error of the server"),
    ("429", "429: too many requests at once"),
    ("401", "401: the session is invalid"),
    ("403", "403: too many requests at once, as orgs say it"),
)
_MOST_TIMES = 10_000
_MOST_SECONDS = 600


def _show(visit: Visit) -> Answer:
    org = visit.org
    return visit.page(
        "faults.html",
        "faults",
        ordered=[in_words(fault) for fault in org.faults.ordered()],
        statuses=STATUSES,
        now=org.clock.stamp(),
        offset=round(org.clock.offset_seconds),
        delay=f"{org.commit_delay.total_seconds() / 60:g}",
    )


def in_words(fault: Fault) -> str:
    what = "breaks off in the middle" if fault.drop else f"fails with {fault.status}" if fault.status else ""
    slow = f"waits {fault.seconds:g} s" if fault.seconds else ""
    calls = "The next call" if fault.times == 1 else f"Each of the next {fault.times:,} calls"
    path = f" whose address holds “{fault.path_contains}”" if fault.path_contains else ""
    after = f", after {fault.after:,} that go well" if fault.after else ""
    return f"{calls}{path} {' and '.join(filter(None, (slow, what)))}{after}."


def _times(visit: Visit) -> int:
    times = whole(visit.form.get("times", "1"), "The number of calls")
    if not 1 <= times <= _MOST_TIMES:
        raise ValueError(f"the number of calls is 1 to {_MOST_TIMES:,}")
    return times


def _path(visit: Visit) -> str | None:
    return visit.form.get("path", "").strip() or None


def _seconds(text: str, name: str, most: float) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(f"{name} takes a number, not “{text}”") from None
    if not -most <= seconds <= most:
        raise ValueError(f"{name} is at most {most:,.0f}")
    return seconds


def _fail(visit: Visit) -> str:
    status = whole(visit.form.get("status", ""), "The status")
    if str(status) not in dict(STATUSES):
        raise ValueError(f"there is no fault with the status {status}")
    visit.scenario.fail_next(status, _times(visit), _path(visit))
    return "The failure is ordered."


def _slow(visit: Visit) -> str:
    seconds = _seconds(visit.form.get("seconds", ""), "The wait", _MOST_SECONDS)
    if seconds <= 0:
        raise ValueError("the wait is more than 0 s")
    visit.scenario.slow(seconds, _times(visit), _path(visit))
    return "The wait is ordered."


def _drop(visit: Visit) -> str:
    visit.scenario.drop_connection(_times(visit), _path(visit))
    return "The broken connection is ordered."


def _clear(visit: Visit) -> str:
    visit.scenario.clear_faults()
    return "No fault is ordered any more."


def _expire(visit: Visit) -> str:
    visit.scenario.expire_sessions()
    return "Every API session has ended; clients have to sign in again."


def _forget(visit: Visit) -> str:
    visit.scenario.forget_cursors()
    return "Every open query locator is forgotten."


def _sandbox(visit: Visit) -> str:
    org_id = visit.scenario.refresh_sandbox()
    return f"The sandbox was refreshed: this is another org now, with the id {org_id}."


def _clock(visit: Visit) -> str:
    seconds = _seconds(visit.form.get("offset", ""), "The clock's offset", 10 * 365 * 86_400)
    visit.scenario.set_clock_offset(seconds)
    return "The clock of the org is set." if seconds else "The clock of the org is right again."


def _fail_job(visit: Visit) -> str:
    visit.scenario.fail_bulk_job()
    return "The next Bulk job will fail."


def _fail_report(visit: Visit) -> str:
    visit.scenario.fail_report_instances()
    return "The next asynchronous report run will end in an error."


def _late_report(visit: Visit) -> str:
    visit.scenario.time_out_reports()
    return "The next report run will take too long."


def _delay(visit: Visit) -> str:
    minutes = _seconds(visit.form.get("minutes", ""), "The delay", 15)
    if minutes < 0:
        raise ValueError("the delay is 0 to 15 minutes")
    visit.scenario.set_commit_delay(minutes)
    return "Writes are visible later than their stamp." if minutes else "Writes are visible at once."


_VERBS: dict[str, Callable[[Visit], str]] = {
    "fail": _fail,
    "slow": _slow,
    "drop": _drop,
    "clear": _clear,
    "expire": _expire,
    "forget": _forget,
    "sandbox": _sandbox,
    "clock": _clock,
    "job": _fail_job,
    "report": _fail_report,
    "late-report": _late_report,
    "delay": _delay,
}


def _order(visit: Visit) -> Answer:
    verb = _VERBS.get(visit.parts["verb"])
    if verb is None:
        return visit.message("There is no such fault", "Choose one on the page of faults.", 404)
    try:
        said = Said(verb(visit))
    except REFUSALS as error:
        said = refused(error)
    return visit.back(_ADDRESS, said)


ROUTES: tuple[Route, ...] = (
    ("GET", _ADDRESS, _show),
    ("POST", f"{_ADDRESS}/(?P<verb>[a-z-]+)", _order),
)
