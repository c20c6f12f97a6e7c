"""Milliseconds of the webhook of incoming texts, over HTTP from a server of its own, beside many texts and consents:
one call after the other, and eight at once. The health of the machine stands in the first line: a page without data."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import httpx

from benchmarks import stage

CALLS = 400
AT_ONCE = 8
_FILL = """
insert into messaging_message (public_id, workspace_id, direction, sid, number, our_number, body, media_count, state,
    purpose, at)
select gen_random_uuid(), %(workspace)s, 'in', 'SMold' || n, '+1917' || lpad((n %% 1000000)::text, 7, '0'),
    '+12025550100', 'Hello there, is this the library?', 0, 'received', '',
    now() - n * interval '1 second'
from generate_series(1, %(texts)s) n
"""


def run(contacts: int) -> None:
    """`contacts`: how many texts there are already."""
    with stage.carillon_home() as env:
        port = stage.free_port()
        env["CARILLON_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "benchmarks.texts", str(contacts)]
        told = json.loads(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout)
        with stage.server([str(stage.BIN / "carillon"), "web", "--port", str(port)], port, env):
            rows = [_row(name, call) for name, call in _calls(port, **told)]
    stage.table(["call", "median ms", "99th ms", f"median ms, {AT_ONCE} at once", "99th ms"], rows)


def _row(name: str, call: Callable[[int], httpx.Response]) -> list[str]:
    for number in range(20):
        call(-number - 1)
    alone = [_timed(call, number) for number in range(CALLS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        together = list(pool.map(lambda number: _timed(call, number), range(CALLS, 2 * CALLS)))
    return [
        name,
        *(f"{figure:.1f}" for times in (alone, together) for figure in (median(times), _99th(times))),
    ]


def _99th(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def _timed(call: Callable[[int], httpx.Response], number: int) -> float:
    started = time.perf_counter()
    call(number)
    return (time.perf_counter() - started) * 1000


def _calls(
    port: int, path: str, account_sid: str, auth_token: str
) -> list[tuple[str, Callable[[int], httpx.Response]]]:
    from twilio.request_validator import RequestValidator

    url, client = f"http://127.0.0.1:{port}{path}", httpx.Client(timeout=30)
    validator = RequestValidator(auth_token)

    def text(kind: str, body: str, sid: str, expected: int = 200, signature: str = "") -> httpx.Response:
        number = f"+1917{abs(hash((kind, sid))) % 10_000_000:07}"
        fields = {
            "MessageSid": sid,
            "AccountSid": account_sid,
            "From": number,
            "To": "+12025550100",
            "Body": body,
            "NumMedia": "0",
        }
        signature = signature or validator.compute_signature(url, fields)
        answer = client.post(url, data=fields, headers={"X-Twilio-Signature": signature})
        if answer.status_code != expected:
            raise RuntimeError(f"{kind}: {answer.status_code}")
        return answer

    return [
        ("a page without data", lambda n: client.get(f"http://127.0.0.1:{port}/sign-in/")),
        ("a text", lambda n: text("hello", "Hello", f"SMhello{n}")),
        ("STOP", lambda n: text("stop", "STOP", f"SMstop{n}")),
        ("HELP", lambda n: text("help", "HELP", f"SMhelp{n}")),
        ("one that came before", lambda n: text("again", "STOP", "SMagain")),
        ("a forged one", lambda n: text("forged", "STOP", f"SMforged{n}", 403, "AAAA")),
    ]


def prepare(texts: int, confirms: str = "we") -> dict[str, str]:
    """In a process with Django: a workspace with the simulated carrier, and what happened before."""
    from carillon.cli import runtime

    runtime.prepare()
    from django.conf import settings
    from django.db import connection

    from carillon.accounts.models import Workspace
    from carillon.messaging import actions, credentials
    from carillon.messaging.webhooks import INBOUND

    workspace = Workspace.objects.get()
    draft = actions.TextingDraft(
        carrier="simulated",
        public_url=settings.PUBLIC_URL,
        help_text="Ask us.",
        confirmation_text="No more texts.",
        confirms=confirms,
    )
    texting = actions.save_texting(workspace=workspace, draft=draft, by=None)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"workspace": workspace.pk, "texts": texts})
        cursor.execute("analyze messaging_message")
    return {
        "path": f"{INBOUND}{texting.path_token}",
        "account_sid": texting.account_sid,
        "auth_token": credentials.auth_token(texting),
    }


if __name__ == "__main__":
    print(json.dumps(prepare(int(sys.argv[1]))))
