"""A template is asked for in a person's words; what cannot be one is refused with what mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import InputError
from lab.machine.host import HostReport
from lab.machine.probe import Acceleration
from lab.model import Firmware, ImageInfo
from lab.running.template_request import TemplateRequest, host_choice, profile_for
from lab.setting import Request, Setting

ROOT = Path(__file__).resolve().parents[3]
BIOS = ImageInfo(name="debian-12", kind="debian")
UEFI = ImageInfo(name="debian-13-uefi", kind="debian", firmware=Firmware.UEFI)


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    return Setting.read(Request(config=ROOT / "lab.yaml"))


@pytest.mark.parametrize(("image", "profile"), [(BIOS, "bios-1cpu"), (UEFI, "uefi-1cpu")])
def test_without_a_profile_the_first_that_fits_is_taken(
    setting: Setting, image: ImageInfo, profile: str
) -> None:
    assert profile_for(TemplateRequest(image=image.name), setting, image).name == profile


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("bios-1cp", "unknown profile 'bios-1cp' .closest is 'bios-1cpu'"),
        ("uefi-1cpu", "image debian-12 starts with bios, profile uefi-1cpu has uefi"),
    ],
)
def test_a_profile_that_is_not_there_or_does_not_fit_is_refused(
    setting: Setting, profile: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        profile_for(TemplateRequest(image="debian-12", profile=profile), setting, BIOS)
    assert refused.value.hint


def test_the_host_brings_what_a_template_depends_on() -> None:
    acceleration = Acceleration(accelerator="kvm", factor=1.0, trials=(), measured="2026-01-01T00:00:00Z")
    report = HostReport(
        name="here", uri="embed", libvirt="9.0.0", qemu="7.2.0", cpu="Intel X microcode 5, Linux 6.1",
        acceleration=acceleration,
    )  # fmt: skip
    choice = host_choice(report)
    assert (choice.libvirt, choice.qemu, choice.accelerator) == ("9.0.0", "7.2.0", "kvm")
    assert choice.cpu == "Intel X microcode 5, Linux 6.1"
