"""The list of images in a WIM, and what is no WIM."""

from __future__ import annotations

import contextlib
import io
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.images.windows import wim
from lab.images.windows.releases import RELEASES

sys.path.insert(0, str(Path(__file__).parent))
import windows_standins as standins

WHOLE = standins.wim(standins.images_of(RELEASES["win2022"]))


def test_each_image_tells_its_name_edition_build_and_language() -> None:
    found = wim.read(io.BytesIO(WHOLE))
    assert found.parts == 1
    assert [one.index for one in found.images] == [1, 2, 3, 4]
    second = found.images[1]
    assert second.display_name == "Windows Server 2022 Standard (Desktop Experience)"
    assert (second.edition_id, second.installation, second.build) == ("ServerStandard", "Server", 20348)
    assert (second.architecture, second.languages, second.size) == ("amd64", ("en-US",), 9 << 30)


def test_a_name_stands_in_for_a_display_name_that_is_not_there() -> None:
    xml = '<IMAGE INDEX="1"><NAME>Windows 11 Pro</NAME></IMAGE>'
    (only,) = wim.read(io.BytesIO(standins.wim([xml]))).images
    assert (only.display_name, only.build, only.edition_id) == ("Windows 11 Pro", 0, "")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"", "starts with"),
        (b"CD001" * 60, "starts with"),
        (WHOLE[:200], "starts with"),
        (WHOLE[:-40], "truncated"),
        (WHOLE[:79] + b"\x04" + WHOLE[80:], "compressed"),
        (WHOLE[:72] + struct.pack("<Q", 1 << 40) + WHOLE[80:], "bytes"),
        (WHOLE[:210] + b"\0\0" + WHOLE[212:], "cannot be read"),
    ],
)
def test_what_is_no_whole_wim_is_refused_with_the_reason(broken: bytes, reason: str) -> None:
    with pytest.raises(wim.NotAWim, match=reason):
        wim.read(io.BytesIO(broken))


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + "<WIM>&a;</WIM>"
    xml = bomb.encode("utf-16")
    head = bytearray(WHOLE[:208])
    struct.pack_into("<QQQ", head, 72, len(xml), 208, len(xml))
    with pytest.raises(wim.NotAWim, match="entities"):
        wim.read(io.BytesIO(bytes(head) + xml))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8))
def test_damage_gives_a_wim_or_a_reason_and_nothing_else(at: int, noise: bytes) -> None:
    damaged = WHOLE[:at] + noise + WHOLE[at + len(noise) :]
    with contextlib.suppress(wim.NotAWim):
        found = wim.read(io.BytesIO(damaged))
        assert all(isinstance(one.build, int) for one in found.images)
