"""The demo sensor on a real kernel: what the whole lab is shown to catch must really happen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from plain_qemu import Running, boot
from temporary_lab import user_places

from lab import agents
from lab.agents.artefacts import ArtefactStore
from lab.agents.operations import AgentUnderTest
from lab.clock import Stopwatch
from lab.errors import ChannelError
from lab.faults.content import mutations
from lab.faults.content.feeding import feed, unsound
from lab.guest.guest import Guest
from lab.images.built import BuiltImage
from lab.model import AgentVersion, Observation, Proof, Timeouts

ROOT = Path(__file__).resolve().parents[2]
SLOW = 4.0
"""How much slower than the reference a shared two-core machine under emulation may be."""

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]


def version(build: str, content: str) -> AgentVersion:
    return AgentVersion(build=build, content=content)


class Bench:
    """A running guest with the agent's operations."""

    def __init__(self, running: Running, image: BuiltImage) -> None:
        manifest = agents.load(ROOT / "agents/demo-sensor")
        timeouts = Timeouts().scaled(SLOW)
        clock = Stopwatch()
        self.recorded: list[Observation] = []
        self.running = running
        self.guest = Guest([running.channel], self.recorded.append, clock, timeouts)
        store = ArtefactStore(user_places(), manifest)
        self.agent = AgentUnderTest(self.guest, manifest, image, store, self.recorded.append, clock, timeouts)

    def last(self, what: str) -> dict[str, object]:
        return dict([one for one in self.recorded if isinstance(one, Proof) and one.what == what][-1].values)


@pytest.fixture
def bench(image: BuiltImage) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="lab-") as directory, boot(image, Path(directory)) as running:
        running.wait_ready(60 * SLOW)
        yield Bench(running, image)


def test_good_contents_are_exercised_bad_ones_refused_and_nothing_is_left(bench: Bench) -> None:
    agent = bench.agent
    agent.install(version("1.0", "289"))
    assert agent.apply(version("1.0", "290")).applied
    assert agent.prove(version("1.0", "290")).moved

    for broken, words in (
        ("zeros", "content starts with 0000000000000000, wanted 44454d4f53454e53 (DEMOSENS)"),
        ("truncated", "content 292 is 71 bytes long, its header says 143"),
    ):
        result = agent.apply(version("1.0", broken))
        assert (result.refused, result.message) == (True, words)
        assert result.version == version("1.0", "290")

    agent.feature("exec-events", on=False)
    assert not agent.exercise().moved
    agent.feature("exec-events", on=True)

    result = agent.apply(version("1.1", "291"))
    assert result.message == "content 291 declares 21 fields, build 1.1 supplies 20"
    assert (result.refused, result.version) == (True, version("1.1", "290"))
    assert agent.health().ok

    assert agent.apply(version("1.1", "292")).applied
    assert agent.prove(version("1.1", "292")).moved
    assert agent.rollback(version("1.1", "290")).applied
    assert agent.rollback(version("1.0", "290")).applied
    assert agent.prove(version("1.0", "290")).moved

    agent.stop()
    assert not agent.health().ok
    agent.start()
    assert agent.health().ok
    assert agent.uninstall() == []
    assert "Oops" not in bench.running.console()


def test_the_agent_comes_back_after_a_reboot(bench: Bench) -> None:
    bench.agent.install(version("1.1", "289"))
    assert bench.agent.apply(version("1.1", "292")).applied
    bench.guest.reboot(timeout_s=120 * SLOW)
    assert bench.agent.prove(version("1.1", "292")).moved


def test_content_291_brings_build_1_0_down_in_interrupt_and_again_at_boot(bench: Bench) -> None:
    bench.agent.install(version("1.0", "289"))
    with pytest.raises(ChannelError):
        bench.agent.apply(version("1.0", "291"))
    console = bench.running.wait_for_console("Fatal exception in interrupt", 2, 120 * SLOW)
    first, second = console.split("Kernel panic - not syncing: Fatal exception in interrupt")[:2]
    for crash in (first, second):
        assert "BUG: unable to handle page fault for address" in crash
        assert "RIP: 0010:demo_sensor_match+0x" in crash
        assert "[demo_sensor]" in crash
    assert "Linux version" in second, "the second panic is of another boot"


def test_a_guest_without_the_agent_has_no_version_and_an_install_that_fails_says_why(bench: Bench) -> None:
    assert bench.agent.version() == version("", "")
    bench.guest.run("mkdir -p /var/lib/demo-sensor", check=True)
    with pytest.raises(AssertionError, match="/var/lib/demo-sensor exists: the sensor is installed already"):
        bench.agent.install(version("1.0", "290"))


DAMAGED = ("empty", "all-zero", "cut-in-kind-mended", "checksum-wrong", "field-more-value-mended")
TAKEN = ("value-in-uid-mended", "wildcard-in-every-field-mended")


def test_the_good_build_is_sampled_kept_busy_and_fed_mutations(bench: Bench) -> None:
    agent, good = bench.agent, version("2.0", "292")
    agent.install(good)
    assert agent.prove(good).moved
    before = agent.sample()
    assert set(agent.limits) <= set(before)
    done = agent.keep_busy(2, rate=20)
    assert done["errors"] == 0
    agent.keep_busy(2, rate=0)
    after = agent.sample()
    assert after["agent_events"] - before["agent_events"] > done["done"]
    assert all(after[name] <= limit for name, limit in agent.limits.items())

    agent.feature("log-matches", on=True)
    assert agent.exercise_feature("log-matches").moved

    form, data = agent.content_format, agent.content("292")
    assert form is not None
    wanted = [one for one in mutations(form, data) if one.name in (*DAMAGED, *TAKEN)]
    fed = feed(agent, ("292", data), wanted, bench.recorded.append, lambda: 0.0)
    assert {one.mutation.name for one in fed if one.taken} == set(TAKEN)
    assert unsound(form, fed) == []
    assert agent.prove(good).moved
    assert bench.last("coverage")["values"] == ["kind", "path", "name"]
    assert agent.uninstall() == []


@pytest.mark.parametrize(
    ("build", "panics"),
    [("2.0", 0), ("2.1-torn", 1)],
    ids=["the good build refuses", "the torn build panics"],
)
def test_half_of_a_content_is_what_a_power_cut_leaves(bench: Bench, build: str, panics: int) -> None:
    """Header and first field are there, the rest are zeros: how 2.1-torn writes, cut short."""
    bench.agent.install(version(build, "292"))
    data = bench.agent.content("292")
    bench.guest.put(data[:32].ljust(len(data), b"\0"), "/var/lib/demo-sensor/content/292.content")
    bench.guest.run("sync; (sleep 1; reboot -f) >/dev/null 2>&1 &")
    console = bench.running.wait_for_console("Linux version", 2 + panics, 120 * SLOW)
    second = console.split("Linux version")[2]
    assert second.count("Fatal exception in interrupt") == panics
    if panics:
        assert "RIP: 0010:demo_sensor_match+0x" in second
        return
    bench.running.wait_ready(60 * SLOW)
    assert "damaged" in bench.agent.health().message
