"""Tests of the tree itself: what no single module can keep."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_MODULE = 500
LONGEST_FUNCTION = 70
MOST_PARAMETERS = 7

MODULES = sorted(
    path
    for package in ("carillon", "orgsim")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts
)
FUNCTIONS = [
    (path, node)
    for path in MODULES
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_modules_stay_small_enough_to_read() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES
        if (lines := len(path.read_text().splitlines())) > LONGEST_MODULE
    }

    assert too_long == {}


def test_functions_stay_small_enough_to_read() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, node in FUNCTIONS
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]

    assert too_long == []


def test_functions_take_few_parameters() -> None:
    too_many = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, node in FUNCTIONS
        if len(
            [a for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if a.arg != "self"]
        )
        > MOST_PARAMETERS
    ]

    assert too_many == []


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert listed is not None

    silent = [line for line in listed.group(1).splitlines() if line.strip() and "#" not in line]

    assert silent == []


def test_lock_files_pin_every_package_with_hashes_and_name_no_registry() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^[a-zA-Z0-9].*", text, re.MULTILINE)

        assert pins
        assert all("==" in pin and pin.rstrip().endswith("\\") for pin in pins)
        assert "://" not in text


def test_run_time_pins_are_the_same_in_both_lock_files() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-zA-Z0-9][^ ]*==[^ ]*", (ROOT / name).read_text(), re.MULTILINE))

    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_phone_metadata_is_of_one_version() -> None:
    """Two libraries with different metadata would disagree on what a valid number is."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())
    exact = [d for d in data["project"]["dependencies"] if re.match(r"r?phonenumbers", d)]

    assert len(exact) == 2
    assert all("==" in dependency for dependency in exact)


@pytest.mark.parametrize(
    "word", ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb." + "debian.org"]
)
def test_no_file_names_a_package_registry(word: str) -> None:
    named = [str(path.relative_to(ROOT)) for path in tracked_files() if word.encode() in path.read_bytes()]

    assert named == []


def test_vendored_files_are_named_with_version_and_checksum() -> None:
    folder = ROOT / "carillon/web/static/vendor"
    readme = (folder / "README.md").read_text()

    for path in folder.iterdir():
        if path.suffix in {".js", ".css"}:
            assert path.name in readme


def test_every_job_that_is_enqueued_by_name_exists() -> None:
    """Actions name tasks by text, so that they never import them; each name must be registered."""
    enqueued = {
        name for path in MODULES for name in re.findall(r'configure_task\(\s*"([^"]+)"', path.read_text())
    }
    registered = {
        name for path in MODULES for name in re.findall(r'\.task\(\s*name="([^"]+)"', path.read_text())
    }

    assert enqueued
    assert enqueued <= registered


def test_templates_hold_no_inline_script_or_style() -> None:
    """The content security policy would block them silently."""
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|<style", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for package in ("carillon", "orgsim")
        for path in (ROOT / package).rglob("*.html")
        for match in inline.finditer(path.read_text())
    ]

    assert found == []


def test_every_folder_of_tests_is_in_one_of_the_lanes() -> None:
    script = (ROOT / "tests" / "in-lanes.sh").read_text()
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}

    assert {name for name in folders - {"soak"} if f"tests/{name}" not in script} == set()
