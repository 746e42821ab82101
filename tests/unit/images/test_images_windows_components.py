"""The checker of answer files finds what Setup would not take."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.images.windows import answers, components
from lab.images.windows.components import problems

sys.path.insert(0, str(Path(__file__).parent))
from test_images_windows_answers import plain

GOOD = answers.files(plain())["autounattend.xml"].decode()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('pass="oobeSystem"', 'pass="oobe"', "unknown pass"),
        ('pass="oobeSystem"', 'pass="specialize"', "is there twice"),
        ("Microsoft-Windows-Deployment", "Microsoft-Windows-Deploy", "unknown component"),
        (
            "<HideEULAPage>true</HideEULAPage>",
            "<HideEula>true</HideEula>",
            "OOBE/HideEula is not a setting of it",
        ),
        ("31bf3856ad364e35", "31bf3856ad364e36", "publicKeyToken"),
        ('processorArchitecture="amd64"', 'processorArchitecture="x86"', "processorArchitecture"),
        ("<ProtectYourPC>3", "<ProtectYourPC>4", "wanted one of 1, 2, 3"),
        ("<AcceptEula>true", "<AcceptEula>yes", "wanted one of true, false"),
        ("<ComputerName>LAB-WIN2025", "<ComputerName>LAB-WIN2025-TOO-LONG", "at most 15"),
        ("<Order>2</Order>", "<Order>7</Order>", "is numbered"),
        ("<Path>cmd /c echo", "<Path>cmd /c echo " + "x" * 250, "at most 259"),
        ("<Value>Windows Server 2025 SERVERSTANDARD</Value>", "<Value></Value>", "is empty"),
        ('<LocalAccount wcm:action="add">', "<LocalAccount>", "has no wcm:action"),
        ("<unattend xmlns=", "<unattended xmlns=", "not well-formed"),
        ("urn:schemas-microsoft-com:unattend", "urn:schemas-microsoft-com:other", "root element"),
    ],
)
def test_what_setup_would_not_take_is_found(old: str, new: str, said: str) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new).encode())
    assert any(said in one for one in found), found


def test_a_setting_in_a_pass_it_is_not_valid_in_is_found() -> None:
    moved = GOOD.replace("<TimeZone>UTC</TimeZone>", "<OOBE><HideEULAPage>true</HideEULAPage></OOBE>", 1)
    (found,) = problems(moved.encode())
    assert found == (
        "specialize/Microsoft-Windows-Shell-Setup: OOBE/HideEULAPage is not valid in this pass "
        "(valid in oobeSystem)"
    )


def test_every_component_is_in_the_table_with_known_passes() -> None:
    for name, settings in components.SETTINGS.items():
        assert name.startswith("Microsoft-Windows-")
        for passes in settings.values():
            assert set(passes) <= set(components.PASSES)
