"""Which Windows the user's media are, and what is said of the wrong ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.errors import ArtefactError
from lab.images.windows import media
from lab.images.windows.editions import Edition, editions, named, product_key
from lab.images.windows.releases import RELEASES, Product

sys.path.insert(0, str(Path(__file__).parent))
import windows_standins as standins


def edition(release: str, name: str) -> Edition:
    found = named(RELEASES[release], name)
    assert found is not None
    return found


def choose(path: Path, release: str, name: str, language: str = "en-US") -> str:
    found = RELEASES[release]
    return media.choose(media.windows(path, found), found, edition(release, name), language).name


def refused(path: Path, release: str, name: str = "Enterprise", language: str = "en-US") -> ArtefactError:
    with pytest.raises(ArtefactError) as caught:
        choose(path, release, name, language)
    return caught.value


@pytest.mark.parametrize("release", RELEASES)
def test_media_of_every_release_are_recognised_with_the_shipped_recipe(release: str, tmp_path: Path) -> None:
    shipped = standins.recipe(release)
    found = media.windows(standins.windows_iso(tmp_path, release), RELEASES[release])
    image = media.choose(found, RELEASES[release], edition(release, shipped.edition), shipped.language)
    assert (found.label, found.boots_uefi, found.boots_bios) == (standins.LABEL, True, True)
    assert image.build in RELEASES[release].media_builds
    assert image.edition_id in edition(release, shipped.edition).ids


def test_media_of_another_release_are_refused_by_name_and_build(tmp_path: Path) -> None:
    error = refused(standins.windows_iso(tmp_path, "win10-22h2"), "win11-24h2")
    assert "Windows 10 Education, build 19041" in error.message
    assert "wanted Windows 11, version 24H2, build 26100" in error.message
    assert error.hint is not None
    assert "lab image build win11-24h2 --iso FILE" in error.hint


def test_server_media_of_the_same_build_are_no_client_media(tmp_path: Path) -> None:
    error = refused(standins.windows_iso(tmp_path, "win2025"), "win11-24h2")
    assert "Windows Server 2025" in error.message


def test_an_edition_that_is_not_on_the_media_is_refused_with_those_that_are(tmp_path: Path) -> None:
    error = refused(standins.windows_iso(tmp_path, "win11-24h2"), "win11-24h2", "Home")
    assert "has no edition 'Home' (it has 'Education', 'Enterprise', 'Pro')" in error.message
    assert "--edition" in str(error.hint)


def test_core_and_desktop_share_an_edition_id_and_are_told_apart(tmp_path: Path) -> None:
    path = standins.windows_iso(tmp_path, "win2019")
    assert choose(path, "win2019", "Standard") == "Windows Server 2019 SERVERSTANDARD"
    assert choose(path, "win2019", "Datacenter Core") == "Windows Server 2019 SERVERDATACENTERCORE"


def test_another_language_is_refused_with_the_one_that_is_there(tmp_path: Path) -> None:
    path = standins.windows_iso(tmp_path, "win11-23h2", language="de-DE")
    assert "language 'en-US' is not on it (it has de-DE)" in refused(path, "win11-23h2").message
    assert choose(path, "win11-23h2", "Pro", "de-DE") == "Windows 11 Pro"


def test_evaluation_media_are_media_of_their_edition_and_take_no_key(tmp_path: Path) -> None:
    path = standins.windows_iso(tmp_path, "win2022", evaluation=True)
    assert choose(path, "win2022", "Standard") == "Windows Server 2022 SERVERSTANDARD"
    assert product_key(RELEASES["win2022"], "ServerStandardEval") == ""
    assert product_key(RELEASES["win2022"], "ServerStandard")
    assert "'Standard (evaluation)'" in refused_edition(path)


def refused_edition(path: Path) -> str:
    release = RELEASES["win2022"]
    with pytest.raises(ArtefactError) as caught:
        media.choose(media.windows(path, release), release, Edition("Azure", "ServerTurbine"), "en-US")
    return caught.value.message


def test_virtio_media_given_as_windows_and_the_other_way_round_are_named(tmp_path: Path) -> None:
    virtio = standins.virtio_iso(tmp_path, "win11-24h2")
    assert "virtio-win media, not Windows" in refused(virtio, "win11-24h2").message
    windows = standins.windows_iso(tmp_path, "win11-24h2")
    with pytest.raises(ArtefactError, match="installation media of Windows"):
        media.virtio(windows, RELEASES["win11-24h2"])


@pytest.mark.parametrize("lost", ["viostor", "NetKVM", "vioserial"])
def test_virtio_media_without_a_driver_for_the_release_are_refused(lost: str, tmp_path: Path) -> None:
    path = standins.virtio_iso(tmp_path, "win2025", without=[lost])
    with pytest.raises(ArtefactError, match=f"no driver {lost} for Windows Server 2025") as caught:
        media.virtio(path, RELEASES["win2025"])
    assert "--virtio FILE" in str(caught.value.hint)


def test_drivers_for_another_release_do_not_count(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="viostor/2k22/amd64"):
        media.virtio(standins.virtio_iso(tmp_path, "win2019"), RELEASES["win2022"])


def test_virtio_media_without_the_guest_agent_are_refused(tmp_path: Path) -> None:
    path = standins.virtio_iso(tmp_path, "win2025", without=["guest-agent"])
    with pytest.raises(ArtefactError, match="the QEMU guest agent"):
        media.virtio(path, RELEASES["win2025"])


def test_drivers_that_are_nice_to_have_may_be_missing(tmp_path: Path) -> None:
    path = standins.virtio_iso(tmp_path, "win2025", without=["pvpanic", "viorng"])
    found = media.virtio(path, RELEASES["win2025"]).drivers
    assert "viostor/2k25/amd64" in found
    assert not any("pvpanic" in one for one in found)


def test_what_is_no_iso_is_refused_and_never_a_traceback(tmp_path: Path) -> None:
    page = tmp_path / "win.iso"
    page.write_bytes(b"<html>please log in</html>" * 3000)
    assert "not an ISO file" in refused(page, "win11-24h2").message
    assert "no such file" in refused(tmp_path / "absent.iso", "win11-24h2").message
    whole = standins.windows_iso(tmp_path, "win11-24h2").read_bytes()
    page.write_bytes(whole[: len(whole) // 3])
    assert refused(page, "win11-24h2").hint


def test_a_damaged_install_wim_is_named(tmp_path: Path) -> None:
    files = standins.windows_files(RELEASES["win11-24h2"]) | {"sources/install.wim": b"MSWIM but not one"}
    path = standins.make_iso(tmp_path / "w.iso", files, udf=True)
    assert "sources/install.wim is damaged" in refused(path, "win11-24h2").message


def test_an_install_esd_is_as_good_and_a_split_one_is_told(tmp_path: Path) -> None:
    files = standins.windows_files(RELEASES["win11-24h2"])
    content = files.pop("sources/install.wim")
    esd = standins.make_iso(tmp_path / "e.iso", files | {"sources/install.esd": content}, udf=True)
    assert media.windows(esd, RELEASES["win11-24h2"]).install_file == "sources/install.esd"
    split = standins.make_iso(tmp_path / "s.iso", files | {"sources/install.swm": content}, udf=True)
    assert "split sources/install.swm" in refused(split, "win11-24h2").message


def test_media_for_another_processor_are_refused(tmp_path: Path) -> None:
    arm = standins.wim([standins.image_xml(1, "Windows 11 Pro", "Professional", 26100, arch=12)])
    files = standins.windows_files(RELEASES["win11-24h2"]) | {"sources/install.wim": arm}
    path = standins.make_iso(tmp_path / "w.iso", files, udf=True)
    assert "for arm64 (wanted amd64)" in refused(path, "win11-24h2").message


def test_every_edition_of_every_release_is_found_by_name_and_by_id() -> None:
    for release in RELEASES.values():
        for one in editions(release.product):
            assert named(release, one.name.upper()) == one
        assert named(release, "Ultimate") is None


def test_keys_have_the_form_of_keys_and_servers_have_one_for_each_edition() -> None:
    for release in RELEASES.values():
        for one in editions(release.product):
            key = product_key(release, one.edition_id)
            assert key == "" or [len(part) for part in key.split("-")] == [5] * 5
            if release.product is Product.SERVER:
                assert key
