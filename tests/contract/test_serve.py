"""The `orgsim serve` command: what it says at its start is what programs sign in with."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.contract.conftest import V

_ORGSIM = Path(sys.executable).with_name("orgsim")


@contextmanager
def _serving(data: Path, *options: str) -> Iterator[dict[str, list[str]]]:
    """What the command says before it answers, by the word that each line begins with."""
    size = ("--contacts", "3", "--leads", "1")
    command = [str(_ORGSIM), "serve", "--port", "0", "--data", str(data), *size, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told: dict[str, list[str]] = {}
        try:
            assert process.stdout is not None
            while "X-Orgsim-Token" not in told:
                name, _, value = process.stdout.readline().partition(":")
                assert name, "the command ended before it answered"
                told.setdefault(name, []).append(value.strip())
            yield told
        finally:
            process.terminate()


def _sign_in(url: str, **form: str) -> httpx.Response:
    return httpx.post(f"{url}/services/oauth2/token", data=form)


def test_it_says_what_to_sign_in_with(tmp_path: Path) -> None:
    with _serving(tmp_path / "org.db") as told:
        assert told["Client"] == ["orgsim-client / orgsim-secret"]
        assert told["User"][0] == "api.user@orgsim.example / orgsim-password"
        assert told["Security token"] == ["ORGSIMTOKEN"]
        assert told["Refresh token"] == ["orgsim-refresh-token"]


def test_a_data_file_is_served_by_one_process_at_a_time(tmp_path: Path) -> None:
    data = tmp_path / "org.db"
    with _serving(data) as told:
        second = subprocess.run(
            [str(_ORGSIM), "serve", "--port", "0", "--data", str(data)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

        assert second.returncode == 1
        assert f"The org in {data} is served already (process " in second.stderr
        assert "choose another --data" in second.stderr
        assert second.stderr.count("\n") == 1
        assert _sign_in(
            told["Simulated org"][0],
            grant_type="client_credentials",
            client_id="orgsim-client",
            client_secret="orgsim-secret",
        ).is_success

    with _serving(data) as told:
        assert told["Simulated org"]


@pytest.mark.parametrize("command", [(), ("serve",)])
def test_help_has_a_short_form(command: tuple[str, ...]) -> None:
    told = [subprocess.check_output([str(_ORGSIM), *command, asked], text=True) for asked in ("-h", "--help")]

    assert told[0] == told[1]
    assert "Usage:" in told[0]


def test_options_change_what_it_takes(tmp_path: Path) -> None:
    changed = {"client_id": "c1", "client_secret": "s1", "refresh_token": "r1"}
    options = [part for name, value in changed.items() for part in (f"--{name.replace('_', '-')}", value)]

    with _serving(tmp_path / "org.db", *options, "--session-seconds", "1") as told:
        url = told["Simulated org"][0]
        answer = _sign_in(url, grant_type="refresh_token", **changed).json()
        default = _sign_in(url, grant_type="client_credentials", client_id="orgsim-client", client_secret="s")
        headers = {"Authorization": f"Bearer {answer['access_token']}"}

        assert told["Client"] == ["c1 / s1"]
        assert default.json()["error"] == "invalid_client_id"
        assert httpx.get(f"{url}{V}/limits", headers=headers).status_code == 200


def test_what_is_no_certificate_is_refused_in_one_sentence(tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    pem.write_text("nothing")
    command = [str(_ORGSIM), "serve", "--port", "0", "--data", str(tmp_path / "org.db"), "--contacts", "1"]

    done = subprocess.run(
        [*command, "--jwt-certificate", str(pem)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "no certificate or public key in PEM form" in done.stderr
    assert "Traceback" not in done.stderr


def test_switches_are_set_where_the_org_is_served(tmp_path: Path) -> None:
    with _serving(tmp_path / "org.db", "--switch", "old_versions=off") as told:
        assert httpx.get(f"{told['Simulated org'][0]}/services/data/v29.0/limits").status_code == 410


@pytest.mark.parametrize(
    ("switch", "told"),
    [
        ("explode=on", "there is no switch explode; there are: "),
        ("locators=often", "locators can be reread or single_use, not often"),
        ("locators", "locators can be reread or single_use, not empty"),
    ],
)
def test_a_wrong_switch_is_refused_before_an_org_is_made(tmp_path: Path, switch: str, told: str) -> None:
    data = tmp_path / "org.db"
    command = [str(_ORGSIM), "serve", "--port", "0", "--data", str(data), "--contacts", "1"]

    done = subprocess.run([*command, "--switch", switch], capture_output=True, text=True, check=False)

    assert (done.returncode, data.exists()) == (1, False)
    assert told in done.stderr
