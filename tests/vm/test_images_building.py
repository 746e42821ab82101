"""Building the tiny image for real: two at once, killed half way, and on a disk that fills up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from temporary_lab import ROOT, user_places

from lab.errors import BuildError
from lab.images import catalogue, sdk
from lab.images.builders.tiny import TinyBuilder
from lab.images.progress import Progress
from lab.images.store import ImageStore
from lab.places import Places
from lab.waiting import wait_for

pytestmark = pytest.mark.vm

BUILD_S = 400
SCRIPT = """
import sys
from pathlib import Path
from lab.images import catalogue
from lab.images.store import ImageStore
from lab.places import places
store = ImageStore(places())
print(store.build(catalogue.read(Path(sys.argv[1])), lambda line: print(line, flush=True)).disk, flush=True)
"""
RECIPE = ROOT / "images/tiny.yaml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A LAB_HOME of its own that shares the user's SDKs: making one twice would test nothing more."""
    shared = user_places().cache / "sdk"
    shared.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/sdk").symlink_to(shared)
    return tmp_path


def start(home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "LAB_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(RECIPE)],
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def said(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=BUILD_S)[0]
    finally:
        process.kill()


def scratch(home: Path) -> list[Path]:
    directory = home / "cache/images/.scratch"
    return [path for path in directory.iterdir() if path.is_dir()] if directory.is_dir() else []


def at_work(home: Path) -> list[str]:
    """Command lines of processes that work below `home`."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if "mmdebstrap" in words and str(home) in words:
            lines.append(words)
    return lines


def test_two_builders_at_once_build_one_image(home: Path) -> None:
    first, second = start(home), start(home)
    outputs = [said(first), said(second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    waited = [text for text in outputs if "another process is building it, waiting" in text]
    built = [text for text in outputs if "unpacking packages" in text]
    assert (len(waited), len(built)) == (1, 1)
    assert outputs[0].splitlines()[-1] == outputs[1].splitlines()[-1]
    assert scratch(home) == []


def test_a_builder_that_was_killed_takes_its_work_with_it_and_the_next_one_succeeds(home: Path) -> None:
    process = start(home)
    assert process.stdout is not None
    for line in process.stdout:
        if "unpacking packages" in line:
            break
    assert at_work(home) != []
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    wait_for(lambda: not at_work(home), what="the end of the killed build's mmdebstrap", timeout_s=60)
    assert [path.name for path in (home / "cache/images").glob("tiny/*")] == []
    text = said(start(home))
    assert text.splitlines()[-1].endswith("disk.qcow2"), text
    assert scratch(home) == []


def test_a_disk_that_fills_up_during_the_build_is_named_and_left_clean(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small tmpfs")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=220m", "lab-test", str(small)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"needs to mount a small tmpfs: {mounted.stderr.decode()}")
    try:
        own = Places(cache=small, state=tmp_path / "state", runtime=tmp_path / "run")
        recipe = catalogue.read(RECIPE)
        with pytest.raises(BuildError, match=r"not enough room in .*MiB free \(the build needs 1200 MiB\)"):
            ImageStore(own).build(recipe)
        # An estimate that is too low: the disk fills up while packages are unpacked.
        daring = ImageStore(own, builders={"tiny": replace(TinyBuilder(), room_mib=1)})
        with pytest.raises(BuildError, match=r"not enough room in") as caught:
            daring.build(recipe)
        assert str(small) in caught.value.message
        assert "LAB_HOME" in (caught.value.hint or "")
        files = [path for path in small.rglob("*") if path.is_file() and path.stat().st_size]
        assert files == []
    finally:
        subprocess.run(["umount", str(small)], check=False)


def test_the_sdk_of_an_image_builds_a_module_for_exactly_its_kernel(tmp_path: Path) -> None:
    image = ImageStore(user_places()).build(catalogue.read(RECIPE))
    assert image.sdk is not None
    (tmp_path / "probe.c").write_text(
        "#include <linux/module.h>\nstatic int __init begin(void) { return 0; }\nmodule_init(begin);\n"
        'MODULE_LICENSE("GPL");\n'
    )
    (tmp_path / "Makefile").write_text("obj-m := probe.o\n")
    (tmp_path / "say.c").write_text('#include <stdio.h>\nint main(void) { puts("hi"); return 0; }\n')
    command = ["sh", "-c", "make -C $KDIR M=/src modules && gcc -static -o say say.c"]
    outputs = sdk.build_in(image.sdk, tmp_path, command, ["probe.ko", "say"])
    assert f"vermagic={image.kernel_release} ".encode() in outputs["probe.ko"]
    assert outputs["say"].startswith(b"\x7fELF")
    assert not (tmp_path / "probe.ko").exists()


def test_an_sdk_that_is_there_is_used_as_it_is() -> None:
    image = ImageStore(user_places()).build(catalogue.read(RECIPE))
    told: list[str] = []
    name = image.kernel_release
    assert sdk.ensure(user_places(), ("bookworm",), name, Progress("sdk", told.append)) == image.sdk
    assert told == []
