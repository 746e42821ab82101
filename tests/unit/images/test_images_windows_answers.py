"""Answer files: the same bytes for the same values, and only what Setup of each release takes.

`windows_answers/` holds what is generated for each release of the catalogue. After a change that is meant,
`LAB_UPDATE_ANSWERS=1 pytest tests/unit/images/test_images_windows_answers.py` writes it again.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.images.windows import answers, components, identity, languages, preparing
from lab.images.windows.answers import Answers
from lab.images.windows.editions import named
from lab.images.windows.inputs import Inputs
from lab.images.windows.media import choose, virtio, windows
from lab.images.windows.releases import RELEASES
from lab.images.windows.settings import settings as registry
from lab.images.windows.wanted import VERIFIER, Wanted
from lab.model import Firmware

sys.path.insert(0, str(Path(__file__).parent))
import windows_standins as standins

SNAPSHOTS = Path(__file__).parent / "windows_answers"
SECRET = identity.Identity(password="Stand-in1", host_key=identity.HostKey("private", "ssh-ed25519 AAAA lab"))
NS = f"{{{components.NAMESPACE}}}"


def made(release: str, tmp_path: Path, *, accelerator: str = "kvm") -> Answers:
    """The answers for a shipped recipe on stand-in media."""
    recipe, found = standins.recipe(release), RELEASES[release]
    edition = named(found, recipe.edition)
    assert edition is not None
    media = windows(standins.windows_iso(tmp_path, release), found)
    inputs = Inputs(
        release=found, edition=edition, windows=media, image=choose(media, found, edition, "en-US"),
        virtio=virtio(standins.virtio_iso(tmp_path, release), found), openssh=None, updates=(),
    )  # fmt: skip
    return preparing.answers_for(
        recipe, inputs, SECRET, accelerator=accelerator, vcpus=2, memory_mib=recipe.min_memory_mib
    )


def plain(**changes: object) -> Answers:
    fields = {
        "release": RELEASES["win2025"], "edition": "Standard", "image_key": "/IMAGE/NAME",
        "image_value": "Windows Server 2025 SERVERSTANDARD", "language": "en-US", "keyboard": "0409:00000409",
        "firmware": Firmware.UEFI, "password": "Stand-in1", "computer_name": "LAB-WIN2025",
    } | changes  # fmt: skip
    return Answers(**fields)  # type: ignore[arg-type]


def document(given: Answers) -> str:
    return answers.files(given)["autounattend.xml"].decode()


@pytest.mark.parametrize("release", RELEASES)
def test_the_answer_file_of_each_release_is_the_one_that_was_looked_at(release: str, tmp_path: Path) -> None:
    text = document(made(release, tmp_path))
    path = SNAPSHOTS / f"{release}.xml"
    if os.environ.get("LAB_UPDATE_ANSWERS"):
        SNAPSHOTS.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("release", RELEASES)
def test_every_generated_file_is_what_the_documented_structure_allows(release: str, tmp_path: Path) -> None:
    given = made(release, tmp_path, accelerator="tcg")
    for firmware in Firmware:
        wanted = replace(given, firmware=firmware, wanted=Wanted(generalize=True), updates=("01-kb1.msu",))
        files = answers.files(wanted)
        assert components.problems(files["autounattend.xml"]) == []
        assert components.problems(files["lab/unattend-generalized.xml"]) == []


def test_checks_of_the_hardware_are_bypassed_only_where_the_machine_lacks_it(tmp_path: Path) -> None:
    whole = document(made("win11-24h2", tmp_path))
    assert "LabConfig" not in whole
    poor = document(replace(made("win11-24h2", tmp_path), lacks=("TPM", "CPU")))
    assert set(re.findall(r"Bypass(\w+)Check", poor)) == {"TPM", "CPU"}
    server = document(replace(plain(), lacks=("TPM", "SecureBoot")))
    assert "LabConfig" not in server


def test_an_emulated_machine_lacks_the_processor_that_windows_11_asks_for(tmp_path: Path) -> None:
    assert made("win11-24h2", tmp_path).lacks == ()
    assert made("win11-24h2", tmp_path, accelerator="tcg").lacks == ("CPU",)


@pytest.mark.parametrize(("firmware", "target"), [(Firmware.UEFI, "3"), (Firmware.BIOS, "2")])
def test_windows_goes_to_the_last_partition_of_the_layout_for_the_firmware(
    firmware: Firmware, target: str
) -> None:
    root = ET.fromstring(document(plain(firmware=firmware)))
    assert root.findtext(f".//{NS}InstallTo/{NS}PartitionID") == target
    kinds = [node.text for node in root.iterfind(f".//{NS}CreatePartition/{NS}Type")]
    assert kinds == (["EFI", "MSR", "Primary"] if firmware is Firmware.UEFI else ["Primary", "Primary"])


def test_an_image_whose_name_is_there_twice_is_chosen_by_number(tmp_path: Path) -> None:
    given = replace(made("win2022", tmp_path), image_key="/IMAGE/INDEX", image_value="2")
    assert "<Key>/IMAGE/INDEX</Key>" in document(given)


def test_passwords_are_hidden_as_windows_itself_hides_them_and_nowhere_in_plain() -> None:
    files = answers.files(plain(password="Geheim-1"))
    assert not any(b"Geheim-1" in content for content in files.values())
    assert base64.b64decode(answers.secret("pw", "Password")).decode("utf-16-le") == "pwPassword"


def test_media_without_a_key_get_none() -> None:
    assert "ProductKey" not in document(plain(product_key=""))
    assert "<Key>WX4NM-" in document(plain(product_key="WX4NM-KYWYW-QJJR4-XV3QB-6VM33"))


def test_each_update_may_restart_the_guest_once_without_a_password() -> None:
    assert "<LogonCount>3</LogonCount>" in document(plain(updates=("01-a.msu", "02-b.msu")))


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=40))
def test_any_name_of_an_image_arrives_as_it_is(name: str) -> None:
    if not name.strip():
        return
    root = ET.fromstring(document(plain(image_value=name)))
    assert root.findtext(f".//{NS}MetaData/{NS}Value") == name


def test_the_same_values_give_the_same_bytes() -> None:
    assert answers.files(plain()) == answers.files(plain())


def test_batch_files_end_their_lines_as_cmd_wants_and_double_per_cent_signs() -> None:
    text = answers.files(plain())["lab/specialize.cmd"]
    assert b"\r\n" in text
    assert b"\n" not in text.replace(b"\r\n", b"")
    assert rb"\\.\COM1" in text


def test_no_mark_ends_in_a_digit_since_cmd_takes_it_for_a_handle() -> None:
    for content in answers.files(plain(wanted=Wanted(generalize=True))).values():
        assert not re.search(rb"echo lab-setup:[^\r\n>]*\d(>|&gt;)", content)


@pytest.mark.parametrize(
    ("wanted", "name", "value"),
    [
        (Wanted(dump="complete"), "CrashDumpEnabled", "1"),
        (Wanted(dump="active"), "FilterPages", "1"),
        (Wanted(auto_reboot=False), "AutoReboot", "0"),
        (Wanted(dump_disk_mib=4096), "DedicatedDumpFile", r"Q:\lab-dump.sys"),
        (Wanted(clock="utc"), "RealTimeIsUniversal", "1"),
        (Wanted(time_sync=True), "Type", "NTP"),
        (Wanted(pagefile_mib=2048), "PagingFiles", r"C:\pagefile.sys 2048 2048"),
        (Wanted(verifier="standard", verifier_drivers="demo.sys"), "VerifyDrivers", "demo.sys"),
        (Wanted(verifier="standard"), "VerifyDriverLevel", str(0x209BB)),
        (Wanted(), "NoAutoUpdate", "1"),
    ],
)
def test_a_variant_sets_its_value(wanted: Wanted, name: str, value: str) -> None:
    assert {one.name: one.value for one in registry(wanted)}[name] == value


@pytest.mark.parametrize(
    ("wanted", "absent"),
    [
        (Wanted(dump_disk_mib=0), "DedicatedDumpFile"),
        (Wanted(updates=True), "NoAutoUpdate"),
        (Wanted(sample_submission=True), "SubmitSamplesConsent"),
        (Wanted(verifier="off"), "VerifyDrivers"),
    ],
)
def test_a_variant_leaves_out_what_it_does_not_ask_for(wanted: Wanted, absent: str) -> None:
    assert absent not in {one.name for one in registry(wanted)}


def test_every_setting_says_why_and_where_it_is_documented() -> None:
    rows = registry(Wanted(verifier="standard", dump="active"))
    assert all(one.why and one.source for one in rows)
    assert len({(one.key, one.name) for one in rows}) == len(rows)


def test_what_the_guest_reads_is_json_with_the_letter_of_the_dump_disk() -> None:
    files = answers.files(plain())
    wanted = json.loads(files["lab/wanted.json"])
    assert (wanted["dump_letter"], wanted["ems"], wanted["user"]) == ("Q", True, "lab")
    client = answers.files(plain(release=RELEASES["win11-24h2"]))
    assert json.loads(client["lab/wanted.json"])["ems"] is False


def test_standard_verification_is_what_verifier_calls_standard() -> None:
    assert VERIFIER["standard"].flags == 0x209BB
    assert VERIFIER["off"].flags == 0


def test_scripts_are_ascii_and_their_brackets_pair() -> None:
    for name in ("finish.ps1", "report.ps1", "prepare.ps1"):
        text = (answers.HERE / "scripts" / name).read_text(encoding="ascii")
        code = re.sub(r"#[^\n]*|'[^'\n]*'", "", text)
        for opening, closing in ("{}", "()", "[]"):
            assert code.count(opening) == code.count(closing), (name, opening)


def test_every_language_has_a_keyboard_in_the_form_that_setup_takes() -> None:
    for language, keyboard in languages.KEYBOARDS.items():
        assert languages.KEYBOARD.fullmatch(keyboard), language
    assert languages.keyboard("xx-XX", "0409:00000407") == "0409:00000407"
    with pytest.raises(languages.InputError, match="knows no keyboard"):
        languages.keyboard("xx-XX")
    with pytest.raises(languages.InputError, match="cannot be read"):
        languages.keyboard("en-US", "qwerty")
