"""lab.yaml to `Lab`: defaults, the candidate from the command line, and every kind of mistake."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.config import HostSpec, Include, load, parse_candidate
from lab.errors import ConfigError, InputError
from lab.model import (
    AgentVersion,
    Arm,
    DumpWhen,
    EvidencePolicy,
    Firmware,
    GatePolicy,
    KnownIssue,
    Timeouts,
)

DEFAULT = Path(__file__).parents[3] / "lab.yaml"

LEAST = """\
version: 1
agent: demo-sensor
installed: {build: 1.0, content: 289}
arms:
  baseline: {build: 1.0, content: 290}
  candidate: {build: 1.10, content: [291, 292]}
matrix:
  images: [debian-12]
  profiles: small
  scenarios: ["*"]
profiles:
  small: {}
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def writer(text: str) -> Path:
        path = tmp_path / "lab.yaml"
        path.write_text(text)
        return path

    return writer


def refusals(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).splitlines()


def test_the_default_lab_re_enacts_july_2024() -> None:
    lab = load(DEFAULT)
    assert lab.agent == "demo-sensor"
    assert lab.installed == AgentVersion(build="1.0", content="289")
    assert lab.arms == {
        Arm.BASELINE: (AgentVersion(build="1.0", content="290"),),
        Arm.CANDIDATE: (AgentVersion(build="1.0", content="291"),),
    }
    assert len(lab.matrix.images) >= 5
    assert len(lab.matrix.scenarios) >= 3
    assert {profile.firmware for profile in lab.profiles.values()} == set(Firmware)
    assert set(lab.census) == set(lab.matrix.images)


def test_a_short_file_gets_the_defaults(write, tmp_path: Path) -> None:
    lab = load(write(LEAST))
    assert lab.root == tmp_path
    assert lab.path == tmp_path / "lab.yaml"
    assert lab.matrix.seeds == (1,)
    assert lab.matrix.repetitions == 1
    assert lab.profiles["small"].memory_mib == 512
    assert lab.hosts == (HostSpec(name="here", uri="embed"),)
    assert lab.timeouts == Timeouts()
    assert lab.evidence == EvidencePolicy()
    assert lab.gate == GatePolicy()
    assert lab.loop_resets == 3
    assert lab.reports == tmp_path / "reports"


def test_a_list_makes_several_versions_of_an_arm_and_version_numbers_keep_their_zeros(write) -> None:
    lab = load(write(LEAST))
    assert [str(one) for one in lab.arms[Arm.CANDIDATE]] == [
        "build 1.10 + content 291",
        "build 1.10 + content 292",
    ]


def test_the_command_line_replaces_build_or_content_of_the_candidate(write) -> None:
    path = write(LEAST)
    both = load(path, candidate={"build": "1.1", "content": "295"})
    assert both.arms[Arm.CANDIDATE] == (AgentVersion(build="1.1", content="295"),)
    assert both.arms[Arm.BASELINE] == (AgentVersion(build="1.0", content="290"),)
    assert both.place("arms.candidate.build") == "--candidate"
    one = load(path, candidate={"content": "295"})
    assert one.arms[Arm.CANDIDATE] == (AgentVersion(build="1.10", content="295"),)
    assert one.place("arms.candidate.build") == "lab.yaml:6:22"


def test_the_candidate_is_read_from_words() -> None:
    assert parse_candidate("build=1.1,content=292") == {"build": "1.1", "content": "292"}
    assert parse_candidate(" content = 292 ") == {"content": "292"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.1", "candidate '1.1' cannot be read (wanted build=B,content=C or one of them)"),
        ("build=1,build=2", "candidate 'build=1,build=2' cannot be read"),
        ("", "candidate '' cannot be read"),
        ("biuld=1", "candidate: unknown key 'biuld' (closest is 'build')"),
        ("build=", "candidate build '' is no version"),
        ("build=a/b", "candidate build 'a/b' is no version"),
    ],
)
def test_a_candidate_that_cannot_be_read_is_bad_input(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_candidate(text)
    assert str(caught.value).startswith(message)


def test_every_section_reaches_the_lab(write, tmp_path: Path) -> None:
    lab = load(
        write(
            LEAST
            + """\
overrides:
  - {select: "debian-12*", timeouts: {boot: 5m}, memory: 1GiB, vcpus: 2, repetitions: 3, count_loops: true}
hosts:
  - {name: big, uri: "qemu+ssh://big/system", slots: 8, memory: 64GiB}
rings:
  - {name: canary, select: debian-12, stop_on_failure: false}
census: {"debian-*": 3, other: 0.5}
timeouts: {cell: 1h, heartbeat: 45s}
evidence: {memory_dump: on, max_size: 1GiB, most: 1, guest_dump_wait: 5m, dump_disk: 4GiB}
loop_resets: 5
gate:
  min_cells: 10
  allow_inconclusive: 2
  known_issues: [{title: "BUG: *", until: 2026-12-31, link: "https://bugs.example/1"}]
places: {cache: big/cache, state: /var/lib/lab, runtime: /run/lab}
reports: out
"""
        )
    )
    (override,) = lab.overrides
    assert (override.timeouts, override.memory_mib, override.vcpus) == ({"boot_s": 300.0}, 1024, 2)
    assert (override.repetitions, override.count_loops) == (3, True)
    assert lab.hosts == (HostSpec(name="big", uri="qemu+ssh://big/system", slots=8, memory_mib=65536),)
    assert [(ring.name, ring.select, ring.stop_on_failure) for ring in lab.rings] == [
        ("canary", "debian-12", False)
    ]
    assert list(lab.census.items()) == [("debian-*", 3.0), ("other", 0.5)]
    assert lab.timeouts == Timeouts(cell_s=3600.0, heartbeat_s=45.0)
    assert lab.evidence == EvidencePolicy(
        memory_dump=DumpWhen.ON, max_size_mib=1024, most=1, guest_dump_wait_s=300.0, dump_disk_mib=4096
    )
    assert lab.loop_resets == 5
    issue = KnownIssue(title="BUG: *", until="2026-12-31", link="https://bugs.example/1")
    assert lab.gate == GatePolicy(min_cells=10, allow_inconclusive=2, known_issues=(issue,))
    assert lab.reports == tmp_path / "out"


def test_places_are_relative_to_the_file_and_lab_home_wins(
    write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(LEAST + "places: {cache: big/cache, state: /var/lib/lab}\n")
    monkeypatch.delenv("LAB_HOME", raising=False)
    assert load(path).places.cache == tmp_path / "big/cache"
    assert load(path).places.state == Path("/var/lib/lab")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    assert load(path).places.cache == tmp_path / "home/cache"


def test_includes_keep_only_the_axes_they_name(write) -> None:
    text = LEAST.replace(
        "profiles:\n",
        "  include:\n    - {image: tiny, arm: candidate, seed: [1, 2], reason: fast}\nprofiles:\n",
    )
    (include,) = load(write(text)).matrix.include
    assert include == Include(image=("tiny",), arm=(Arm.CANDIDATE,), seed=(1, 2), reason="fast")


def test_places_of_settings_are_known_by_path(write) -> None:
    lab = load(write(LEAST))
    assert lab.place("matrix.images[0]") == "lab.yaml:8:12"
    assert lab.place("profiles.small") == "lab.yaml:12:10"
    assert lab.place("timeouts.boot") == "lab.yaml:1:1"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "version: 1",
            "version: 2",
            "lab.yaml:1:10: version: wanted '1', got '2'",
        ),
        (
            "version: 1\n",
            "",
            "lab.yaml:1:1: version: required key is missing",
        ),
        (
            "agent: demo-sensor",
            "agent: demo_sensor",
            (
                "lab.yaml:2:8: agent: "
                "wanted a name: letters, digits, dot and hyphen (at most 48), got 'demo_sensor'"
            ),
        ),
        (
            "agent:",
            "agnet:",
            (
                "lab.yaml:1:1: agent: required key is missing\n"
                "lab.yaml:2:1: agnet: unknown key 'agnet' (closest is 'agent')"
            ),
        ),
        (
            "agent: demo-sensor",
            "agent: a\nagent: b",
            "lab.yaml:3:1: duplicate key 'agent' (first in line 2)",
        ),
        (
            "content: 289",
            "content: true",
            "lab.yaml:3:34: installed.content: wanted text, got true",
        ),
        (
            "content: 289",
            "content: a/b",
            (
                "lab.yaml:3:34: installed.content: "
                "wanted a version: letters, digits and . + ~ : - (at most 40), got 'a/b'"
            ),
        ),
        (
            "[291, 292]",
            "[]",
            "lab.yaml:6:37: arms.candidate.content: wanted at least 1 of them, got an empty list",
        ),
        (
            "[291, 292]",
            "[291, 291]",
            "lab.yaml:6:37: arms.candidate.content: wanted each value once, '291' is there twice, got a list",
        ),
        (
            "[debian-12]",
            "[deb_12]",
            "lab.yaml:8:12: matrix.images[0]: wanted a name or a pattern with * ? [..] {a,b}, got 'deb_12'",
        ),
        (
            "small: {}",
            "small: {time_warp: true, vcpus: 2}",
            (
                "lab.yaml:12:10: profiles.small: wanted vcpus: 1 beside time_warp: true "
                "(instruction counting runs one processor), got a mapping"
            ),
        ),
        (
            "profiles: small",
            "profiles: {a: b}",
            "lab.yaml:9:13: matrix.profiles: wanted a list, got a mapping",
        ),
        (
            "small: {}",
            "small: {memory: 512}",
            (
                "lab.yaml:12:19: profiles.small.memory: "
                "wanted a size with its unit, such as 512MiB or 2GiB, got '512'"
            ),
        ),
        (
            "small: {}",
            "small: {vcpus: two}",
            "lab.yaml:12:18: profiles.small.vcpus: wanted a whole number, got 'two'",
        ),
        (
            "small: {}",
            "small: {firmware: efi}",
            "lab.yaml:12:21: profiles.small.firmware: wanted 'bios' or 'uefi', got 'efi'",
        ),
        (
            "small: {}",
            "small: {network: bridge}",
            "lab.yaml:12:20: profiles.small.network: wanted 'isolated', 'none' or 'outbound', got 'bridge'",
        ),
        (
            "small: {}",
            "small_one: {}",
            (
                "lab.yaml:12:3: profiles.small_one: "
                "wanted a name: letters, digits, dot and hyphen (at most 48), got 'small_one'"
            ),
        ),
        (
            "  small: {}",
            "  small: {}\nhosts: [{name: a, uri: kvm}]",
            "lab.yaml:13:24: hosts[0].uri: wanted embed or a libvirt URI such as qemu:///system, got 'kvm'",
        ),
        (
            "  small: {}",
            "  small: {}\nhosts: [{name: a}, {name: a}]",
            "lab.yaml:13:8: hosts: wanted each value once, 'a' is there twice, got a list",
        ),
        (
            "  small: {}",
            "  small: {}\nhosts: []",
            "lab.yaml:13:8: hosts: wanted at least 1 of them, got an empty list",
        ),
        (
            "  small: {}",
            "  small: {}\ncensus: {a: -1}",
            "lab.yaml:13:13: census.a: wanted at least 0, got '-1'",
        ),
        (
            "  small: {}",
            "  small: {}\ncensus: {a: .inf}",
            "lab.yaml:13:13: census.a: wanted a number, got '.inf'",
        ),
        (
            "  small: {}",
            "  small: {}\ncensus: {a: 1e999}",
            "lab.yaml:13:13: census.a: wanted a finite number, got '1e999'",
        ),
        (
            "  small: {}",
            "  small: {}\nrings: [{name: r, select: ''}]",
            "lab.yaml:13:27: rings[0].select: wanted at least 1 of them, got ''",
        ),
        (
            "  small: {}",
            "  small: {}\ntimeouts: {boot: 90}",
            (
                "lab.yaml:13:18: timeouts.boot: "
                "wanted a duration with its unit, such as 90s, 15m or 72h, got '90'"
            ),
        ),
        (
            "  small: {}",
            "  small: {}\ngate: {known_issues: [{title: x, until: soon}]}",
            "lab.yaml:13:41: gate.known_issues[0].until: wanted a date such as 2026-12-31, got 'soon'",
        ),
    ],
)
def test_each_mistake_is_answered_with_its_place(write, old: str, new: str, message: str) -> None:
    assert old in LEAST
    assert refusals(write(LEAST.replace(old, new, 1))) == message.splitlines()


def test_mistakes_all_over_the_file_are_told_together(write) -> None:
    text = LEAST.replace("version: 1", "version: 3").replace("{}", "{vcpus: 0, memory: lots}")
    assert len(refusals(write(text))) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, len(LEAST)),
    st.integers(0, 12),
    st.text(" \n:-[]{}'\"a1*&!", max_size=5) | st.text(max_size=3),
)
def test_a_slip_of_the_pen_anywhere_is_a_lab_or_a_config_error(
    write, start: int, removed: int, inserted: str
) -> None:
    text = LEAST[:start] + inserted + LEAST[start + removed :]
    try:
        lab = load(write(text))
    except ConfigError as error:
        lines = str(error).splitlines()
    else:
        lines = [lab.place("agent")]
    assert all(line.startswith("lab.yaml:") for line in lines)
