"""The rules of the house that a machine can check. CONTRIBUTING.md says why each is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "lab").rglob("*.py"))
LONGEST_FILE = 500
LONGEST_FUNCTION = 60
VAGUE_NAMES = {"utils", "helpers", "base", "common", "manager", "handler"}

# Each room may import the rooms of its own and of earlier lines, and nothing of later ones.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("model", "errors", "codec"),
    ("clock", "proc", "waiting", "log", "places"),
    ("config", "matrix", "detect", "recording"),
    ("verdict", "report"),
    ("machine", "guest", "sensors", "agents", "images", "offline", "templates", "workloads"),
    ("setting", "examining", "soaking", "faults"),
    ("running", "selftest"),
    ("workflow",),
    ("interactive",),
    ("cli", "pytest_plugin"),
)
RANK = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
PURE = {"detect": {"model"}, "verdict": {"model"}, "model": set()}


def run(*argv: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *argv], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", "--no-cache", ".")


def test_ruff_would_format_nothing() -> None:
    run("ruff", "format", "--check", "--no-cache", ".")


def test_mypy_strict_finds_nothing() -> None:
    run("mypy", "--cache-dir", "/dev/null")


def room_of(path: Path) -> str:
    relative = path.relative_to(ROOT / "lab")
    return relative.parts[0].removesuffix(".py")


def imported_rooms(tree: ast.AST) -> set[str]:
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lab":
            parts = node.module.split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("lab.")}
    return rooms & set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_keeps_to_its_room(path: Path) -> None:
    """Import order, size, names and a docstring: what makes a newcomer find things."""
    text = path.read_text()
    tree = ast.parse(text)
    room, name = room_of(path), str(path.relative_to(ROOT))
    for other in imported_rooms(tree) - {room}:
        if room in RANK:
            assert RANK[other] <= RANK[room], f"{name} imports lab.{other}, which stands above lab.{room}"
        if room in PURE:
            assert other in PURE[room], f"{name} imports lab.{other}; {room} is pure"
    assert len(text.splitlines()) <= LONGEST_FILE, f"{name} has {len(text.splitlines())} lines"
    assert path.stem not in VAGUE_NAMES, f"{name} says nothing by its name"
    assert ast.get_docstring(tree), f"{name} has no module docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            start = body[0].lineno if body else node.lineno
            length = (node.end_lineno or start) - start + 1
            assert length <= LONGEST_FUNCTION, f"{name}:{node.lineno} {node.name} has {length} lines"


def error_messages(tree: ast.AST) -> list[tuple[int, str]]:
    """First constant text of every raised lab error; a single word is a class name, not a sentence."""
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        function, first = node.exc.func, node.exc.args[0]
        name = function.id if isinstance(function, ast.Name) else ""
        if not name.endswith(("Error", "Selected", "Busy")):
            continue
        if isinstance(first, ast.JoinedStr):
            first = first.values[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and " " in first.value:
            found.append((node.lineno, first.value))
    return found


PROPER = re.compile(r"^(SSH|QEMU|KVM|VNC|TPM|UEFI|OVMF|JSON|YAML|SHA|/|[A-Z_]+\b)")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_error_messages_start_small_and_end_without_a_period(path: Path) -> None:
    for line, text in error_messages(ast.parse(path.read_text())):
        where = f"{path.relative_to(ROOT)}:{line}"
        assert not text[:1].isupper() or PROPER.match(text), f"{where}: {text!r} starts with a capital"
        assert not text.rstrip().endswith("."), f"{where}: {text!r} ends with a period"


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name.decode() for name in done.stdout.split(b"\0") if name]


def test_no_registry_host_and_no_machine_path_is_committed() -> None:
    """The machine's own mirrors are used, whatever they are."""
    forbidden = re.compile(
        rb"https?://[a-z0-9.-]*(deb\.debian|pypi|npmjs|pythonhosted)" + rb"|/wor" + rb"k/|/far" + rb"m/"
    )
    for path in tracked_files():
        if path.suffix in {".png", ".webp", ".lock"} or not path.is_file():
            continue
        found = forbidden.search(path.read_bytes())
        assert found is None, f"{path.relative_to(ROOT)} has {found[0]!r}"


def test_nothing_is_left_unfinished() -> None:
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error")
    for path in tracked_files():
        if path.suffix in {".py", ".md", ".yaml", ".j2", ".sh", ".c", ".h"} and path.is_file():
            found = words.search(path.read_text(errors="replace"))
            assert found is None, f"{path.relative_to(ROOT)} has {found[0]!r}"
