"""The benches as a user runs them: one real guest measured twice, and a command that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from temporary_lab import ROOT

from lab.images.built import BuiltImage
from lab.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory for temporary files with a name that is short enough for sockets below it."""
    with tempfile.TemporaryDirectory(prefix="b") as name:
        yield Path(name)


def start(temporary: Path, *words: str) -> subprocess.Popen[str]:
    """`python -m benchmarks WORDS`, its temporary files in `temporary`."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def naming(directory: Path) -> list[int]:
    """Processes with the directory on their command line."""
    found = psutil.process_iter(["pid", "cmdline"])
    return [one.pid for one in found if any(str(directory) in word for word in one.info["cmdline"] or ())]


def test_a_quick_bench_measures_a_clone_against_a_cold_boot_and_leaves_nothing(
    tiny_image: BuiltImage, temporary: Path
) -> None:
    document = temporary / "figures.json"
    process = start(temporary, "clone", "--quick", "--images", tiny_image.name, "--json", str(document))
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, out + err
    found = json.loads(document.read_text())
    (bench,) = found["benches"]
    assert bench["state"] == "done", bench["reason"]
    figures = {one["figure"]: one for one in bench["figures"]}
    clone = figures["clone to first command"]
    assert clone["n"] == 1
    assert clone["ratio"]["what"] == "cold / clone"
    assert clone["ratio"]["median"] == pytest.approx(
        figures["cold boot to first command"]["median"] / clone["median"], rel=1e-3
    )
    assert "clone to first command" in out
    assert found["machine"]["accelerator"] in ("kvm", "tcg")
    assert sorted(path.name for path in temporary.iterdir()) == ["figures.json"]
    assert naming(temporary) == []


def test_what_a_killed_command_leaves_is_ended_by_the_next(temporary: Path) -> None:
    process = start(temporary, "plan", "--quick")
    try:
        root = wait_for(
            lambda: next((path for path in temporary.glob("lab-bench-*") if naming(path)), None),
            what="a bench's process",
            timeout_s=60,
        )
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert root.exists()
    next_one = start(temporary, "frames", "--quick")
    _, err = next_one.communicate(timeout=120)
    assert root.name in err
    assert not root.exists()
    assert naming(root) == []
