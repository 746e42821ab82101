"""`lab gc` takes what is proven useless, says why, and leaves the rest."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli import invoke
from lab.images.built import PROVENANCE
from lab.model import ImageInfo, Profile
from lab.places import Places
from lab.running.tidying import IDLE_S, OLD_DAYS, Known, Waste, waste
from lab.templates import Template, TemplateKey, TemplateStore

KEY = TemplateKey(
    image="tiny", image_digest="a" * 64, profile=Profile(name="small"), accelerator="tcg",
    qemu="7.2.0", libvirt="9.0.0", hardware="c" * 64,
)  # fmt: skip
LONG_AGO = time.time() - IDLE_S - 60
WEEKS_AGO = time.time() - (OLD_DAYS + 7) * 86400


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "c", state=tmp_path / "s", runtime=tmp_path / "r")


@pytest.fixture
def known(tmp_path: Path) -> Known:
    info = ImageInfo(name="tiny", kind="tiny", built=True, digest="a" * 64)
    return Known(images={"tiny": info}, versions=("9.0.0", "7.2.0"), reports=tmp_path / "reports")


def made(places: Places, key: TemplateKey = KEY, *, idle: bool = True, base: Path | None = None) -> Template:
    store = TemplateStore(places)
    with store.making(key, need_mib=1) as draft:
        for name in ("disk.qcow2", "state", "ram"):
            (draft.directory / name).write_bytes(os.urandom(1 << 20))
        draft.finish(base=base, boot_s=1.0, settled_s=2.0)
        draft.proven(0.5, 50)
    template = store.get(key)
    if idle:
        os.utime(template.directory / "used", (LONG_AGO, LONG_AGO))
    return template


def built(places: Places, recipe: str, *, when: float) -> Path:
    directory = places.images / "tiny" / recipe
    directory.mkdir(parents=True)
    (directory / "disk.qcow2").write_bytes(os.urandom(1 << 20))
    (directory / PROVENANCE).write_text("{}")
    os.utime(directory / PROVENANCE, (when, when))
    return directory


def names(found: list[Waste]) -> list[str]:
    return [f"{item.kind} {item.name.partition(' (')[0]}" for item in found]


def test_a_tidy_lab_has_no_waste(places: Places, known: Known) -> None:
    made(places)
    assert waste(places, known) == []
    assert waste(places, Known()) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"qemu": "6.0.0"}, "made with libvirt 9.0.0 and QEMU 6.0.0; here are 9.0.0 and 7.2.0"),
        ({"image_digest": "b" * 64}, "made of an older build of its image"),
    ],
)
def test_a_template_that_no_cell_can_use_any_more_goes(
    places: Places, known: Known, change: dict[str, str], why: str
) -> None:
    made(places)
    useless = made(places, replace(KEY, **change))  # type: ignore[arg-type]
    (item,) = waste(places, known)
    assert (item.kind, item.why, item.mib) == ("template", why, 3)
    assert item.remove() == ""
    assert not useless.directory.exists()
    assert len(TemplateStore(places).all()) == 1


def test_a_template_that_somebody_used_just_now_stays(places: Places, known: Known) -> None:
    made(places, replace(KEY, qemu="6.0.0"), idle=False)
    assert waste(places, known) == []


def test_a_template_that_failed_and_one_without_its_image_go(places: Places, known: Known) -> None:
    store = TemplateStore(places)
    store.doubt(made(places))
    base = places.cache / "disk.qcow2"
    base.write_bytes(b"x")
    made(places, replace(KEY, image="gone"), base=base)
    base.unlink()
    whys = {item.why for item in waste(places, known)}
    assert whys == {"no clone of it could be run, so it is never used", "the image below it is gone"}


def test_a_template_of_another_version_of_the_lab_goes(places: Places, known: Known) -> None:
    template = made(places)
    template.directory.rename(template.directory.with_name("0123456789ab"))
    assert [item.why for item in waste(places, known)] == ["made by another version of the lab"]


def test_over_the_limit_the_least_recently_used_go(places: Places, known: Known) -> None:
    for number in range(3):
        template = made(places, replace(KEY, image=f"image-{number}"))
        os.utime(template.directory / "used", (LONG_AGO - number, LONG_AGO - number))
    found = waste(places, replace(known, cache_mib=7))
    assert names(found) == ["template image-2 on small"]
    assert "may take 7 MiB" in found[0].why


def test_what_a_killed_maker_left_goes_and_a_living_ones_does_not(places: Places, known: Known) -> None:
    for parent in (places.cache / "templates/.scratch", places.images / ".scratch"):
        (parent / "tiny.dead").mkdir(parents=True)
    with TemplateStore(places).making(KEY, need_mib=1):
        left = waste(places, known)
    assert {item.why for item in left} <= {"whoever made it was killed"}
    assert "scratch tiny.dead" in names(left)


def test_replaced_builds_go_when_they_are_old_and_nobody_refers_to_them(
    places: Places, known: Known, tmp_path: Path
) -> None:
    current = built(places, "new", when=WEEKS_AGO)
    for name in ("old", "repeatable", "frozen"):
        built(places, name, when=WEEKS_AGO)
    built(places, "young", when=time.time())
    made(places, base=places.images / "tiny/frozen/disk.qcow2")
    order = tmp_path / "reports/run/cells/one/a1/order.json"
    order.parent.mkdir(parents=True)
    order.write_text(json.dumps({"image": {"directory": str(places.images / "tiny/repeatable")}}))
    known = replace(known, current={"tiny": current})
    (item,) = waste(places, known)
    assert (item.kind, item.name) == ("image", "tiny/old")
    assert item.why == "replaced by new, 14 days old; no run, template or guest needs it"
    assert item.remove() == ""
    assert {path.name for path in (places.images / "tiny").iterdir()} == {
        "new", "repeatable", "frozen", "young",
    }  # fmt: skip


def test_builds_stay_while_the_newest_is_not_there_or_nobody_knows_the_catalogue(
    places: Places, known: Known
) -> None:
    built(places, "old", when=WEEKS_AGO)
    assert waste(places, replace(known, current={"tiny": places.images / "tiny/new"})) == []
    assert waste(places, known) == []


def test_a_dry_run_says_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "h"))
    monkeypatch.setattr("lab.cli.tidying._versions", lambda _places: None)
    left = tmp_path / "h/cache/templates/.scratch/tiny.dead"
    left.mkdir(parents=True)
    assert invoke(["gc", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "scratch tiny.dead: whoever made it was killed" in said
    assert "0 would be ended, 1 would be removed (0 MiB)" in said
    assert left.exists()
    assert invoke(["gc"]) == 0
    assert "0 ended, 1 removed (0 MiB)" in capsys.readouterr().out
    assert not left.exists()
