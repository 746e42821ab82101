"""Templates on disk: made whole or not at all, checked before use, dropped by age."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from template_keys import KEY

from lab.errors import ArtefactError, BuildError
from lab.model import Profile
from lab.places import Places
from lab.templates import Template, TemplateKey, TemplateStore


@pytest.fixture
def store(tmp_path: Path) -> TemplateStore:
    return TemplateStore(Places(cache=tmp_path / "c", state=tmp_path / "s", runtime=tmp_path / "r"))


def make(store: TemplateStore, key: TemplateKey = KEY, *, size: int = 4096, proven: bool = True) -> Template:
    with store.making(key, need_mib=1) as draft:
        for name in ("disk.qcow2", "state", "ram"):
            (draft.directory / name).write_bytes(os.urandom(size))
        draft.finish(boot_s=4.9, settled_s=8.0)
    template = store.all()[-1]
    assert template.key == key
    return store.proven(template, clone_s=0.9, private_mib=100) if proven else template


def test_what_was_made_is_found_again_with_its_measurements(store: TemplateStore) -> None:
    made = make(store)
    again = store.get(KEY)
    assert again == made
    assert (again.boot_s, again.settled_s, again.clone_s, again.private_mib) == (4.9, 8.0, 0.9, 100)
    assert again.ram.stat().st_mode & 0o777 == 0o600


def test_a_template_of_which_no_clone_has_run_is_not_used(store: TemplateStore) -> None:
    make(store, proven=False)
    with pytest.raises(ArtefactError, match="no clone of it has run yet"):
        store.get(KEY)


def test_a_maker_that_fails_leaves_nothing(store: TemplateStore) -> None:
    def die(store: TemplateStore) -> None:
        with store.making(KEY, need_mib=1) as draft:
            (draft.directory / "ram").write_bytes(b"half")
            raise RuntimeError("the guest died")

    with pytest.raises(RuntimeError, match="died"):
        die(store)
    assert store.all() == ()
    assert not store.path(KEY).exists()
    with pytest.raises(ArtefactError, match="none was made") as said:
        store.get(KEY)
    assert said.value.hint == "lab image template debian-12 --profile bios-1cpu"


@pytest.mark.parametrize("name", ["disk.qcow2", "state", "ram"])
@pytest.mark.parametrize("damage", ["truncated", "changed", "removed"])
def test_a_damaged_template_is_told_and_never_run(store: TemplateStore, name: str, damage: str) -> None:
    template = make(store)
    path = template.directory / name
    data = bytearray(path.read_bytes())
    path.chmod(0o600)
    if damage == "removed":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(data[:-1])
    else:
        data[100] ^= 1
        path.write_bytes(data)
    with pytest.raises(ArtefactError, match=name) as said:
        store.get(KEY)
    assert said.value.hint == "lab image template debian-12 --profile bios-1cpu --force"


def test_a_record_cut_in_half_is_no_template(store: TemplateStore) -> None:
    template = make(store)
    record = template.directory / "template.json"
    record.write_bytes(record.read_bytes()[:50])
    with pytest.raises(ArtefactError, match="none was made"):
        store.get(KEY)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"qemu": "8.2.2"}, r"qemu 7\.2\.0 \(wanted 8\.2\.2\)"),
        ({"image_digest": "b" * 64}, "image digest aaaaaaaaaaaa… .wanted bbbbbbbbbbbb…"),
        ({"profile": Profile(name="big", vcpus=2, memory_mib=1024)}, "wanted big 2 vCPU 1024 MiB"),
        ({"hardware": "d" * 64}, "hardware cccccccccccc"),
    ],
)
def test_a_template_made_for_something_else_is_not_used_and_the_difference_is_told(
    store: TemplateStore, change: dict[str, object], said: str
) -> None:
    make(store)
    with pytest.raises(ArtefactError, match=said):
        store.get(replace(KEY, **change))  # type: ignore[arg-type]


def test_a_warm_template_is_another_one(store: TemplateStore) -> None:
    make(store)
    with pytest.raises(ArtefactError, match="none was made"):
        store.get(replace(KEY, warm="demo-sensor 1.0/289"))


def test_pruning_drops_the_least_recently_used_first_and_keeps_what_is_needed(store: TemplateStore) -> None:
    keys = [replace(KEY, image=f"image-{number}") for number in range(3)]
    for number, key in enumerate(keys):
        template = make_named(store, key)
        os.utime(template.directory / "used", (number, number))
    gone = store.prune(most_mib=7, keep=frozenset({keys[0].digest}))
    assert [template.key.image for template in gone] == ["image-1"]
    assert [template.key.image for template in store.all()] == ["image-0", "image-2"]


def make_named(store: TemplateStore, key: TemplateKey) -> Template:
    with store.making(key, need_mib=1) as draft:
        for name in ("disk.qcow2", "state", "ram"):
            (draft.directory / name).write_bytes(os.urandom(1 << 20))
        draft.finish(boot_s=1, settled_s=1)
    (template,) = [one for one in store.all() if one.key == key]
    return store.proven(template, clone_s=1, private_mib=1)


def test_making_without_room_is_refused_before_anything_is_written(store: TemplateStore) -> None:
    with pytest.raises(BuildError, match="not enough room"), store.making(KEY, need_mib=1 << 40):
        pytest.fail("the body must not run")


def test_a_template_is_replaced_as_a_whole(store: TemplateStore) -> None:
    first = make(store)
    second = make(store)
    assert first.files != second.files
    assert store.get(KEY) == second
    assert len(store.all()) == 1


def test_what_a_killed_maker_left_is_removed(store: TemplateStore) -> None:
    left = store.directory / ".scratch" / "debian-12.deadbeef"
    left.mkdir(parents=True)
    (left / "ram").write_bytes(b"half")
    assert store.remove_stale() == ("debian-12.deadbeef",)
    assert not left.exists()
