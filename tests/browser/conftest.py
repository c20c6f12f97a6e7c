"""A whole installation for the browser: database, simulated org, pages and worker as a user starts them, on a
throw-away data folder. One for all browser tests; each leaves it usable for the next."""

import http.client
import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, StorageState, sync_playwright

from carillon.lib import postgres
from carillon.lib.processes import free_port

PROGRAMS = Path(sysconfig.get_path("scripts"))
EMAIL = "alice@campus.example"
PASSWORD = "three unrelated words"
CONTACTS = 3000
WIDTHS = (1280, 390)
# A journey in a window of one width; in the other in the soak, since `Visitor.fits` looks at each page in both.
WIDE = pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.soak)])
NARROW = pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.soak)])

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_BROWSER = "NO BROWSER FOUND: the browser tests did not run. Install chromium to run them."


def skip_without_browser() -> None:
    """For the head of a module: one line in the summary, not one a test."""
    if CHROMIUM is None and os.environ.get("CARILLON_REQUIRE_BROWSER") != "1":
        pytest.skip(NO_BROWSER, allow_module_level=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last: Playwright's event loop, once it runs in this thread, hides the tests' database connection."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="package")
def chromium() -> str:
    if CHROMIUM is None:
        pytest.fail(NO_BROWSER, pytrace=False)
    return CHROMIUM


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """Of this package, not of the session as the plugin's: it must end before the test database does."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])


@dataclass(frozen=True, slots=True)
class Installation:
    address: str
    org: str
    password_link: str
    org_token: str
    environment: dict[str, str]

    def scenario(self, verb: str, **arguments: object) -> None:
        """Makes the simulated org do something, over its admin endpoint."""
        request = urllib.request.Request(
            f"{self.org}/orgsim/admin/{verb}",
            json.dumps(arguments).encode(),
            {"X-Orgsim-Token": self.org_token},
        )
        urllib.request.urlopen(request).close()

    def within(self, code: str) -> str:
        """Runs Python inside the installation, for what no page or command does; returns what it prints."""
        prepared = f"from carillon.cli import runtime\nruntime.prepare()\n{textwrap.dedent(code)}"
        done = subprocess.run(
            [str(PROGRAMS / "python"), "-c", prepared],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="package")
def installation(chromium: str) -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="carillon-browser-"))
    folder.chmod(0o755)
    # Two runs of the tests on one machine must not choose the same ports in the same moment.
    web_port = free_port(8400 + os.getpid() % 100 * 4)
    org_port = free_port(web_port + 1)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CARILLON_", "DJANGO_"))
    }
    environment = {
        **kept,
        "CARILLON_DATA_DIR": str(folder / "data"),
        "CARILLON_ALLOW_LOCAL_ORG": "1",
        "CARILLON_PUBLIC_URL": f"http://127.0.0.1:{web_port}",
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            [str(PROGRAMS / command[0]), *command[1:]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(*command: str) -> subprocess.Popen[bytes]:
        with (folder / f"{command[0]}-{command[1]}.log").open("wb") as log:
            return subprocess.Popen(
                [str(PROGRAMS / command[0]), *command[1:]], env=environment, stdout=log, stderr=log
            )

    run("carillon", "migrate")
    link = run("carillon", "member", "add", EMAIL, "--role", "admin").split()[-1]
    children = [
        start(
            "orgsim", "serve", "--port", str(org_port), "--data", str(folder / "org.db"),
            "--contacts", str(CONTACTS), "--leads", "300", "--seed", "1", "--admin-token", "token",
        ),
        start("carillon", "web", "--port", str(web_port), "--workers", "1"),
        start("carillon", "worker"),
    ]  # fmt: skip
    try:
        for port in (web_port, org_port):
            _wait_for(port)
        yield Installation(
            f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{org_port}", link, "token", environment
        )
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(timeout=60)
        postgres.stop(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse()
            return
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline, f"nothing answers on port {port}"
            time.sleep(0.1)
        finally:
            connection.close()


@pytest.fixture(scope="package")
def signed_in(installation: Installation, browser: Browser) -> StorageState:
    """The cookies of Alice, who set her password through the link that the command line printed, and signed in: checking
    a password takes half a second, so each window of hers begins with them."""
    page = browser.new_page()
    page.goto(installation.password_link)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    page.get_by_text("Your password is set").wait_for()
    page.goto(installation.address)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".who").first.wait_for(state="attached")
    state = page.context.storage_state()
    page.close()
    return state


@dataclass(slots=True)
class Visitor:
    """A signed-in browser window that watches what people would not see: errors and pages wider than the window."""

    page: Page
    address: str
    problems: list[str]

    def go(self, section: str) -> None:
        """By the navigation, which is behind a menu on a narrow screen."""
        menu = self.page.locator(".side-narrow summary")
        if menu.is_visible():
            menu.click()
        self.page.locator(".sections a:visible", has_text=section).click()
        self.page.get_by_role("heading", level=1, name=section).wait_for()
        self.fits()

    def fits(self) -> None:
        """The page, in this window and in one of each other width."""
        # A page that a click opened is empty at first.
        self.page.wait_for_load_state("domcontentloaded")
        size = self.page.viewport_size
        assert size
        for width in sorted(WIDTHS, key=lambda width: width == size["width"]):
            self.page.set_viewport_size({"width": width, "height": size["height"]})
            wider = self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if wider > 0:
                self.problems.append(f"{self.page.url} is {wider} px wider than a window of {width} px")


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(installation: Installation, signed_in: StorageState, browser: Browser) -> Iterator[Visit]:
    visitors: list[Visitor] = []

    def open_window(width: int, *, javascript: bool = True) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            java_script_enabled=javascript,
            accept_downloads=True,
            storage_state=signed_in,
        )
        context.set_default_timeout(10_000)
        visitor = Visitor(context.new_page(), installation.address, [])
        visitors.append(visitor)
        visitor.page.on("console", lambda message: _note(visitor, message))
        visitor.page.on("pageerror", lambda error: _note_error(visitor, error))
        visitor.page.goto(installation.address)
        visitor.page.locator(".who").first.wait_for(state="attached")
        return visitor

    yield open_window
    for visitor in visitors:
        visitor.page.context.close()
        assert visitor.problems == []


def _note(visitor: Visitor, message: ConsoleMessage) -> None:
    if message.type == "error":
        visitor.problems.append(message.text)


def _note_error(visitor: Visitor, error: Error) -> None:
    visitor.problems.append(error.message)


def number_in(text: str) -> int:
    """The first number of a text such as "9,213 people"."""
    found = re.search(r"\d[\d,]*", text)
    assert found, text
    return int(found.group().replace(",", ""))
