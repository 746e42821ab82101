"""The plan: which cells, in which order, and why the others are not there."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import codec
from lab.config import Exclude, Include, Lab, Matrix, Override, Ring
from lab.errors import ConfigError, NothingSelected
from lab.matrix import plan
from lab.matrix.capacity import HostFacts
from lab.model import AgentVersion, Arm, Firmware, ImageInfo, Level, Plan, Profile, ScenarioInfo, Timeouts
from lab.places import Places

IMAGES = {
    one.name: one
    for one in (
        ImageInfo(name="tiny", kind="tiny", min_memory_mib=128, built=True),
        ImageInfo(name="debian-12", kind="debian"),
        ImageInfo(name="debian-13-uefi", kind="debian", firmware=Firmware.UEFI),
        ImageInfo(name="win11", kind="windows", firmware=Firmware.UEFI, needs_tpm=True),
        ImageInfo(name="mine", kind="disk", unrunnable="file mine.qcow2 is not there", hint="put it there"),
    )
}
SCENARIOS = {
    one.name: one
    for one in (
        ScenarioInfo(
            name="content-update", path="scenarios/x.py", function="test_content_update", count_loops=True
        ),
        ScenarioInfo(name="roll-back", path="scenarios/x.py", function="test_roll_back", level=Level.PRODUCT),
        ScenarioInfo(name="soak", path="scenarios/x.py", function="test_soak", level=Level.PRODUCTION),
    )
}
HERE = HostFacts(name="here", vcpus=2, memory_mib=4000)


def version(content: str, build: str = "1.0") -> AgentVersion:
    return AgentVersion(build=build, content=content)


def lab(**changes: object) -> Lab:
    matrix_fields = {field for field in Matrix.__dataclass_fields__ if field in changes}
    matrix = Matrix(images=("debian-12", "tiny"), profiles=("bios",), scenarios=("content-update",))
    made = Lab(
        path=Path("/lab/lab.yaml"),
        root=Path("/lab"),
        agent="demo-sensor",
        installed=version("289"),
        arms={Arm.BASELINE: (version("290"),), Arm.CANDIDATE: (version("291"),)},
        matrix=replace(matrix, **{field: changes.pop(field) for field in matrix_fields}),
        profiles={
            "bios": Profile(name="bios"),
            "uefi": Profile(name="uefi", firmware=Firmware.UEFI, memory_mib=768),
            "uefi-tpm": Profile(name="uefi-tpm", firmware=Firmware.UEFI, tpm=True, memory_mib=2048),
        },
        places=Places(cache=Path("/c"), state=Path("/s"), runtime=Path("/r")),
        reports=Path("/lab/reports"),
    )
    return replace(made, **changes)


def build(*select: str, hosts: tuple[HostFacts, ...] = (HERE,), **changes: object) -> Plan:
    return plan.build(lab(**changes), IMAGES, SCENARIOS, hosts, select)


def ids(made: Plan) -> list[str]:
    return [cell.id for cell in made.cells]


def omissions(made: Plan) -> dict[str, tuple[str, str]]:
    return {one.id: (one.kind, one.reason) for one in made.omitted}


# -- cells and their order


def test_built_images_come_first_and_the_candidate_before_its_twin() -> None:
    assert ids(build()) == [
        "tiny_bios_content-update_candidate",
        "tiny_bios_content-update_baseline",
        "debian-12_bios_content-update_candidate",
        "debian-12_bios_content-update_baseline",
    ]


def test_cells_that_share_processors_with_nobody_come_last_in_their_ring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = replace(SCENARIOS["content-update"], latency_sensitive=True)
    monkeypatch.setitem(SCENARIOS, "content-update", alone)
    made = build(images=("tiny",), scenarios=("content-update", "roll-back"))
    assert [(cell.scenario, cell.latency_sensitive) for cell in made.cells] == [
        ("roll-back", False), ("roll-back", False), ("content-update", True), ("content-update", True),
    ]  # fmt: skip


def test_a_cell_carries_all_that_running_it_takes() -> None:
    cell = build().cells[0]
    assert (cell.image, cell.profile, cell.scenario, cell.arm) == (
        "tiny",
        "bios",
        "content-update",
        Arm.CANDIDATE,
    )
    assert (cell.version, cell.installed, cell.agent) == (version("291"), version("289"), "demo-sensor")
    assert (cell.vcpus, cell.memory_mib, cell.timeouts) == (1, 512, Timeouts())
    assert (cell.count_loops, cell.level, cell.reason) == (True, Level.FEATURE, "matrix")
    assert (cell.ring, cell.weight, cell.seed, cell.repetition) == (0, 1.0, 1, 1)


def test_twins_have_the_same_key() -> None:
    candidate, baseline = build().cells[:2]
    assert candidate.twin_key == baseline.twin_key


def test_several_versions_of_an_arm_are_told_apart_in_its_ids_only() -> None:
    arms = {Arm.BASELINE: (version("290"),), Arm.CANDIDATE: (version("291"), version("291", "1.1"))}
    assert ids(build(images=("tiny",), arms=arms)) == [
        "tiny_bios_content-update_candidate-b1.0-c291",
        "tiny_bios_content-update_candidate-b1.1-c291",
        "tiny_bios_content-update_baseline",
    ]


def test_seeds_and_repetitions_are_in_the_id_when_there_are_several() -> None:
    made = build(images=("tiny",), seeds=(1, 7), repetitions=2)
    assert ids(made)[:4] == [
        "tiny_bios_content-update_candidate_s1_r1",
        "tiny_bios_content-update_baseline_s1_r1",
        "tiny_bios_content-update_baseline_s1_r2",
        "tiny_bios_content-update_candidate_s1_r2",
    ]
    assert [(cell.seed, cell.repetition) for cell in made.cells[4:7]] == [(7, 1), (7, 1), (7, 2)]


def test_repetitions_go_pair_by_pair_with_the_twins_in_turn_first() -> None:
    """All of one arm before all of the other would compare a calm hour with a busy one."""
    made = build(images=("tiny",), repetitions=3)
    order = [(cell.repetition, cell.arm is Arm.CANDIDATE) for cell in made.cells]
    assert order == [(1, True), (1, False), (2, False), (2, True), (3, True), (3, False)]


def test_patterns_in_the_axes_take_what_there_is() -> None:
    made = build(images=("{tiny,debian-*}",), profiles=("*",), scenarios=("*o*",))
    assert {cell.image for cell in made.cells} == {"tiny", "debian-12", "debian-13-uefi"}
    assert {cell.scenario for cell in made.cells} == set(SCENARIOS)


def test_the_census_weighs_images_by_the_first_pattern_that_matches() -> None:
    census = {"debian-12": 5.0, "debian-*": 2.0}
    made = build(images=("tiny", "debian-*"), profiles=("bios", "uefi"), census=census)
    assert {cell.image: cell.weight for cell in made.cells} == {
        "tiny": 0.0,
        "debian-12": 5.0,
        "debian-13-uefi": 2.0,
    }


# -- rules


def test_firmware_pairs_images_with_profiles() -> None:
    made = build(images=("tiny", "debian-13-uefi"), profiles=("bios", "uefi"))
    assert {(cell.image, cell.profile) for cell in made.cells} == {
        ("tiny", "bios"),
        ("debian-13-uefi", "uefi"),
    }
    assert omissions(made) == {
        "tiny_uefi": ("excluded", "image tiny starts with bios, profile uefi has uefi"),
        "debian-13-uefi_bios": ("excluded", "image debian-13-uefi starts with uefi, profile bios has bios"),
    }


def test_an_image_that_needs_a_tpm_takes_only_profiles_with_one() -> None:
    made = build(images=("win11",), profiles=("uefi", "uefi-tpm"))
    assert {cell.profile for cell in made.cells} == {"uefi-tpm"}
    assert omissions(made)["win11_uefi"] == ("excluded", "image win11 needs a TPM, profile uefi has none")


def test_an_image_that_no_profile_fits_is_unrunnable_not_silently_excluded() -> None:
    made = build(images=("tiny", "debian-13-uefi"))
    assert omissions(made)["debian-13-uefi"] == (
        "unrunnable",
        "no profile of the matrix fits image debian-13-uefi (firmware uefi)",
    )


def test_excluded_cells_are_listed_with_reason_and_place() -> None:
    rule = Exclude(select="debian-12 and baseline", reason="known good")
    where = {"matrix.exclude[0]": "lab.yaml:9:5"}
    made = build(exclude=(rule,), where=where)
    assert "debian-12_bios_content-update_baseline" not in ids(made)
    (omitted,) = made.omitted
    assert (omitted.id, omitted.kind, omitted.reason) == (
        "debian-12_bios_content-update_baseline",
        "excluded",
        "known good (lab.yaml:9:5)",
    )
    assert (omitted.image, omitted.scenario, omitted.arm) == ("debian-12", "content-update", Arm.BASELINE)


def test_includes_add_cells_with_their_reason_and_are_not_excluded() -> None:
    made = build(
        images=("tiny",),
        include=(Include(image=("debian-12",), scenario=("soak",), arm=(Arm.CANDIDATE,), reason="leaks"),),
        exclude=(Exclude(select="soak", reason="slow"),),
        where={"matrix.include[0]": "lab.yaml:7:7"},
    )
    (added,) = [cell for cell in made.cells if cell.image == "debian-12"]
    assert added.id == "debian-12_bios_soak_candidate"
    assert added.reason == "include at lab.yaml:7:7: leaks"
    assert made.omitted == ()


def test_an_include_brings_back_what_a_rule_excluded() -> None:
    made = build(
        images=("tiny",),
        exclude=(Exclude(select="*", reason="none"),),
        include=(Include(arm=(Arm.CANDIDATE,)),),
    )
    assert ids(made) == ["tiny_bios_content-update_candidate"]
    assert list(omissions(made)) == ["tiny_bios_content-update_baseline"]


def test_a_cell_that_is_wanted_twice_is_there_once() -> None:
    made = build(include=(Include(image=("tiny",)),))
    assert len(ids(made)) == len(set(ids(made))) == 4
    assert made.cells[0].reason == "matrix"


def test_a_seed_of_an_include_shows_in_all_ids_so_that_none_meet() -> None:
    made = build(images=("tiny",), include=(Include(seed=(5,)),))
    assert {cell.id.rpartition("_")[2] for cell in made.cells} == {"s1", "s5"}


def test_later_overrides_win_and_reach_only_what_they_select() -> None:
    made = build(
        overrides=(
            Override(select="*", timeouts={"boot_s": 200.0}, memory_mib=640),
            Override(select="debian-12", timeouts={"boot_s": 300.0, "cell_s": 1800.0}, vcpus=2),
            Override(select="*_baseline", count_loops=False),
        )
    )
    tiny, tiny_baseline, debian, _ = made.cells
    assert (tiny.timeouts.boot_s, tiny.timeouts.cell_s, tiny.memory_mib, tiny.vcpus) == (200.0, 900.0, 640, 1)
    assert (debian.timeouts.boot_s, debian.timeouts.cell_s, debian.vcpus) == (300.0, 1800.0, 2)
    assert (tiny.count_loops, tiny_baseline.count_loops) == (True, False)


def test_an_override_may_repeat_some_cells() -> None:
    made = build(images=("tiny",), overrides=(Override(select="*_candidate", repetitions=2, vcpus=2),))
    assert ids(made) == [
        "tiny_bios_content-update_candidate_r1",
        "tiny_bios_content-update_baseline",
        "tiny_bios_content-update_candidate_r2",
    ]
    assert [cell.vcpus for cell in made.cells] == [2, 1, 2]


def test_rings_order_the_plan_and_what_no_ring_selects_comes_last() -> None:
    rings = (Ring(name="canary", select="debian-12_*_candidate"), Ring(name="second", select="debian-12"))
    made = build(rings=rings)
    assert [(cell.image, str(cell.arm), cell.ring) for cell in made.cells] == [
        ("debian-12", "candidate", 0),
        ("debian-12", "baseline", 1),
        ("tiny", "candidate", 2),
        ("tiny", "baseline", 2),
    ]


# -- what cannot run


@pytest.mark.parametrize(
    ("image", "profile", "host", "reason"),
    [
        ("debian-13-uefi", "uefi", {"uefi": False}, "host here has no UEFI firmware (OVMF)"),
        ("win11", "uefi-tpm", {"tpm": False}, "host here has no swtpm"),
        (
            "win11",
            "uefi-tpm",
            {"memory_mib": 2048},
            "host here has 2048 MiB of memory for guests, the cell needs 2208",
        ),
        ("mine", "bios", {}, "file mine.qcow2 is not there"),
    ],
)
def test_what_cannot_run_here_is_listed_with_reason_and_hint(
    image: str, profile: str, host: dict, reason: str
) -> None:
    made = build(images=("tiny", image), profiles=("bios", profile), hosts=(replace(HERE, **host),))
    assert {cell.image for cell in made.cells} == {"tiny"}
    left = [one for one in made.omitted if one.kind == "unrunnable"]
    assert {(one.image, one.reason) for one in left} == {(image, reason)}
    assert len(left) == 2
    assert all(one.hint for one in left)


def test_processors_and_memory_of_overrides_count() -> None:
    made = build(
        overrides=(
            Override(select="tiny", vcpus=4),
            Override(select="debian-12", memory_mib=200),
        )
    )
    assert made.cells == ()
    reasons = {one.image: one.reason for one in made.omitted}
    assert reasons == {
        "tiny": "host here has 2 processors, the cell needs 4",
        "debian-12": "image debian-12 needs 256 MiB of memory, the cell has 200",
    }


def test_one_host_that_can_is_enough_and_all_that_cannot_are_named() -> None:
    small = replace(HERE, name="small", memory_mib=300)
    bare = replace(HERE, name="bare", vcpus=0)
    assert len(build(hosts=(small, HERE)).cells) == 4
    made = build(hosts=(small, bare))
    assert made.omitted[0].reason == (
        "host small has 300 MiB of memory for guests, the cell needs 672; "
        "host bare has 0 processors, the cell needs 1"
    )


def test_without_host_facts_hosts_are_not_held_against_cells() -> None:
    assert len(build(images=("win11",), profiles=("uefi-tpm",), hosts=()).cells) == 2


def test_an_image_that_is_not_built_is_no_obstacle_but_on_the_bill() -> None:
    made = build()
    assert made.bill is not None
    assert made.bill.builds == ("debian-12",)


# -- names that there are not


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"images": ("tiny", "debain-12")},
            "matrix.images[1]",
            "matrix.images[1]: unknown image 'debain-12' (closest is 'debian-12')",
        ),
        (
            {"images": ("ubuntu-*",)},
            "matrix.images[0]",
            "matrix.images[0]: unknown image 'ubuntu-*' (known: 'debian-12', ",
        ),
        (
            {"profiles": ("bois",)},
            "matrix.profiles[0]",
            "matrix.profiles[0]: unknown profile 'bois' (closest is 'bios')",
        ),
        (
            {"scenarios": ("rollback",)},
            "matrix.scenarios",
            "matrix.scenarios: unknown scenario 'rollback' (closest is 'roll-back')",
        ),
        (
            {"include": (Include(image=("tinny",)),)},
            "matrix.include[0].image",
            "matrix.include[0].image: unknown image 'tinny' (closest is 'tiny')",
        ),
        (
            {"exclude": (Exclude(select="a and", reason="x"),)},
            "matrix.exclude[0].select",
            "matrix.exclude[0].select: selection 'a and' cannot be read: wanted a word at its end",
        ),
        (
            {"overrides": (Override(select="(a"),)},
            "overrides[0].select",
            "overrides[0].select: selection '(a' cannot be read: wanted ')'",
        ),
        (
            {"rings": (Ring(name="r", select="a b"),)},
            "rings[0].select",
            "rings[0].select: selection 'a b' cannot be read: ",
        ),
    ],
)
def test_names_that_there_are_not_are_told_with_place_and_closest(
    changes: dict, path: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build(**changes, where={path: "lab.yaml:14:17"})
    assert str(caught.value).startswith(f"lab.yaml:14:17: {message}")


def test_all_unknown_names_are_told_at_once_with_a_hint() -> None:
    with pytest.raises(ConfigError) as caught:
        build(images=("x1", "x2"), scenarios=("x3",))
    assert len(str(caught.value).splitlines()) == 3
    assert caught.value.hint == "lab image list shows the catalogue"


# -- selection


def test_selected_cells_are_kept_and_the_others_listed() -> None:
    made = build("tiny and candidate")
    assert ids(made) == ["tiny_bios_content-update_candidate"]
    assert {(one.kind, one.reason) for one in made.omitted} == {
        ("unselected", "not selected by 'tiny and candidate'")
    }
    assert len(made.omitted) == 3


def test_the_bill_is_that_of_the_selected_cells() -> None:
    made = build("tiny")
    assert made.bill is not None
    assert (made.bill.cells, made.bill.builds) == (2, ())


def test_nothing_selected_says_how_many_cells_there_are_and_what_is_close() -> None:
    with pytest.raises(NothingSelected) as caught:
        build("debain-12*")
    assert str(caught.value) == "selection 'debain-12*' matches none of 4 cells"
    assert caught.value.hint == "lab plan lists them; closest is 'debian-12'"


def test_selecting_only_what_cannot_run_says_why() -> None:
    with pytest.raises(NothingSelected) as caught:
        build("mine", images=("tiny", "mine"))
    assert str(caught.value) == (
        "selection 'mine' matches only cells that are left out, "
        "such as mine_bios_content-update_candidate: file mine.qcow2 is not there"
    )
    assert caught.value.hint == "put it there"


# -- the whole


def test_a_plan_survives_json() -> None:
    made = build(images=("tiny", "mine"), seeds=(1, 2))
    assert codec.from_dict(Plan, codec.to_dict(made)) == made


axis = st.lists(
    st.sampled_from(["tiny", "debian-12", "debian-13-uefi", "win11", "mine"]), min_size=1, unique=True
)
includes = st.builds(
    Include,
    image=st.lists(st.sampled_from(sorted(IMAGES)), max_size=2, unique=True).map(tuple),
    arm=st.lists(st.sampled_from(Arm), max_size=2, unique=True).map(tuple),
    seed=st.lists(st.integers(1, 3), max_size=2, unique=True).map(tuple),
)
excludes = st.builds(
    Exclude, select=st.sampled_from(["tiny", "*_candidate*", "debian-1{2,3}*", "_s2"]), reason=st.just("x")
)


@given(
    axis.map(tuple),
    st.lists(st.sampled_from(["bios", "uefi", "uefi-tpm"]), min_size=1, unique=True).map(tuple),
    st.lists(st.integers(1, 3), min_size=1, unique=True).map(tuple),
    st.integers(1, 3),
    st.lists(includes, max_size=2).map(tuple),
    st.lists(excludes, max_size=2).map(tuple),
)
def test_every_combination_is_a_cell_or_an_omission_and_never_both(
    images: tuple, profiles: tuple, seeds: tuple, repetitions: int, include: tuple, exclude: tuple
) -> None:
    made = build(
        images=images,
        profiles=profiles,
        seeds=seeds,
        repetitions=repetitions,
        include=include,
        exclude=exclude,
    )
    cells, omitted = ids(made), [one.id for one in made.omitted]
    assert len({*cells, *omitted}) == len(cells) + len(omitted)
    assert all(one.reason for one in (*made.cells, *made.omitted))
    squares = {(c.image, c.profile, c.scenario, c.arm, c.version, c.seed, c.repetition) for c in made.cells}
    assert len(squares) == len(cells)
    assert {*images} <= {one.image for one in (*made.cells, *made.omitted)}
    if not include and not exclude:
        fitting = [
            (image, profile)
            for image in images
            for profile in profiles
            if IMAGES[image].firmware is lab().profiles[profile].firmware
            and (lab().profiles[profile].tpm or not IMAGES[image].needs_tpm)
        ]
        whole = len(fitting) * len(seeds) * repetitions * 2
        assert len(cells) + sum(1 for one in made.omitted if one.arm is not None) == whole


def test_a_ring_that_selects_nothing_is_a_mistake() -> None:
    """A canary that is misspelt would be tried on nobody, and everything would run at once."""
    rings = (Ring(name="canary", select="debian12*"), Ring(name="rest", select="*"))
    with pytest.raises(ConfigError) as caught:
        build(rings=rings)
    assert "rings[0].select: 'debian12*' of ring 'canary' matches none of 4 cells" in caught.value.message


def test_a_ring_may_be_taken_up_by_the_rings_before_it_or_by_repetitions() -> None:
    rings = (Ring(name="all", select="*_candidate"), Ring(name="none left", select="debian*_candidate"))
    assert ids(build(rings=rings))
    assert {cell.ring for cell in build(rings=rings, repetitions=2).cells} == {0, 2}
