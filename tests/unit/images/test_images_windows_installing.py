"""Following an installation: to its report, or to a failure that says where it stood and what it showed."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from lab.errors import BuildError
from lab.images.progress import Progress
from lab.images.windows import installing
from lab.images.windows.installing import Follower, Pace
from lab.selftest import painting

sys.path.insert(0, str(Path(__file__).parent))
from test_images_windows_stages import FACTS, WHOLE


def picture(layout: str) -> bytes:
    image = painting.paint(layout, size=(1024, 768), code=0x7E, module="demo.sys")
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def blank() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (320, 200)).save(data, "PNG")
    return data.getvalue()


@dataclass
class Guest:
    """A guest that plays a list of acts, one per look at whether it runs."""

    serial_log: Path
    acts: list[bytes] = field(default_factory=list)
    screen: Callable[[], bytes] = blank
    stays: bool = False
    keys: int = 0

    @property
    def running(self) -> bool:
        if not self.acts:
            return self.stays
        with self.serial_log.open("ab") as log:
            log.write(self.acts.pop(0))
        return True

    def screenshot(self) -> bytes:
        return self.screen()

    def press_a_key(self) -> None:
        self.keys += 1


@dataclass(frozen=True, kw_only=True)
class Quick(Pace):
    """Deadlines of a moment."""

    limit_s: float = 60.0

    def deadline_s(self, stage: object) -> float:
        del stage
        return self.limit_s


def follower(
    tmp_path: Path, acts: list[bytes], **changes: object
) -> tuple[Follower, Guest, list[str], list[bytes]]:
    log = tmp_path / "serial.log"
    log.touch()
    limit = float(changes.pop("limit_s", 60.0))  # type: ignore[arg-type]
    guest = Guest(log, acts, **changes)  # type: ignore[arg-type]
    told: list[str] = []
    kept: list[bytes] = []
    pace = Quick(accelerator="kvm", poll_s=0.001, look_s=0.0, limit_s=limit)
    return Follower(guest, pace, Progress("win", told.append), kept.append), guest, told, kept


def test_an_installation_ends_with_the_guests_report(tmp_path: Path) -> None:
    parts = [WHOLE[at : at + 40] for at in range(0, len(WHOLE), 40)]
    follow, _, told, kept = follower(tmp_path, parts)
    assert follow.follow() == FACTS
    said = [line.partition(" (")[0] for line in told]
    assert said[0] == "win: starting Windows Setup from the ISO"
    assert "win: update 01-kb5.msu" in said
    assert len(kept) == 1  # one picture, which did not change


def test_the_prompt_of_the_iso_is_answered_only_until_setup_speaks(tmp_path: Path) -> None:
    follow, guest, _, _ = follower(tmp_path, [b"lab-setup: windowspe\r\n"], limit_s=0.05, stays=True)
    follow._pressed_s = -10.0
    with pytest.raises(BuildError):
        follow.follow()
    assert guest.keys == 0
    follow, guest, _, _ = follower(tmp_path / "..", [], limit_s=0.05, stays=True)
    follow._pressed_s = -10.0
    with pytest.raises(BuildError):
        follow.follow()
    assert guest.keys == 1


def test_a_stage_that_takes_too_long_is_named_with_the_screen(tmp_path: Path) -> None:
    follow, _, _, kept = follower(tmp_path, [b"lab-setup: windowspe\r\n"], limit_s=0.05, stays=True)
    with pytest.raises(
        BuildError, match=r"stage 'copy' \(Setup partitions .*\): no end of it.*screen: blank"
    ) as caught:
        follow.follow()
    assert "setupact.log" in str(caught.value.hint)
    assert "windowspe" in caught.value.log
    assert kept


def test_a_stop_screen_that_stays_ends_it_before_the_deadline(tmp_path: Path) -> None:
    shot = picture("10-qr")
    follow, _, _, _ = follower(tmp_path, [b"lab-setup: specialized\r\n"], screen=lambda: shot, stays=True)
    with pytest.raises(BuildError, match=r"stage 'first-run'.*its screen shows trouble; screen: bugcheck"):
        follow.follow()


def test_a_guest_that_switches_itself_off_without_a_report_failed(tmp_path: Path) -> None:
    follow, _, _, _ = follower(tmp_path, [b"lab-setup: windowspe\r\n"])
    with pytest.raises(BuildError, match="switched itself off without a report"):
        follow.follow()


def test_the_words_of_the_guests_own_failure_are_told(tmp_path: Path) -> None:
    follow, _, _, _ = follower(tmp_path, [b"lab-setup: failed dump-disk: there is no second disk\r\n"])
    with pytest.raises(BuildError, match="the guest says: dump-disk: there is no second disk"):
        follow.follow()


def test_a_disk_that_cannot_be_read_leaves_the_other_evidence_and_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, scratch, target = tmp_path / "media", tmp_path / "scratch", tmp_path / "kept"
    source.mkdir()
    scratch.mkdir()
    (source / "serial.log").write_bytes(b"lab-setup: windowspe\r\n")
    monkeypatch.setattr(installing.ntfs, "fetch", lambda *_: ({}, "the disk has no Windows partition yet"))
    assert installing.keep_evidence(source, tmp_path / "none.qcow2", scratch, target) == ["serial.log"]
    assert "no Windows partition" in (target / "no-setup-logs.txt").read_text()
