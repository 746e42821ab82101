from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agent_fakes import FakeGuest, FakeImage, places_in, write_agent

from lab import agents
from lab.agents.artefacts import ArtefactStore
from lab.agents.operations import AgentUnderTest
from lab.agents.outcomes import AgentFailure
from lab.clock import Stopwatch
from lab.errors import ArtefactError, ChannelError, InputError
from lab.model import AgentVersion, LoadMark, Observation, Proof, Step, Timeouts

BEFORE = AgentVersion(build="1.0", content="290")
NEW_CONTENT = AgentVersion(build="1.0", content="291")
NEW_BOTH = AgentVersion(build="1.1", content="291")
WORDS = "content 291 declares 21 fields, build 1.1 supplies 20"


class Rig:
    """An agent on a fake guest, with everything it records."""

    def __init__(
        self, tmp_path: Path, guest: FakeGuest, *, version: str = "status", factor: float = 1.0
    ) -> None:
        manifest = agents.load(write_agent(tmp_path / "demo", version=version))
        sdk = tmp_path / "sdk"
        sdk.write_bytes(b"sdk")
        store = ArtefactStore(
            places_in(tmp_path), manifest, build_in=lambda *_a, **_k: {"out/bin": b"new build"}
        )
        self.guest = guest
        self.recorded: list[Observation] = []
        self.agent = AgentUnderTest(
            guest,
            manifest,
            FakeImage(sdk=sdk),
            store,
            self.recorded.append,
            Stopwatch(),
            Timeouts().scaled(factor),
        )

    def proofs(self, what: str) -> list[dict[str, Any]]:
        return [dict(one.values) for one in self.recorded if isinstance(one, Proof) and one.what == what]

    def steps(self) -> list[tuple[str, str, str]]:
        return [(one.name, one.phase, one.outcome) for one in self.recorded if isinstance(one, Step)]


@pytest.fixture
def guest() -> FakeGuest:
    return FakeGuest()


@pytest.fixture
def rig(tmp_path: Path, guest: FakeGuest) -> Rig:
    return Rig(tmp_path, guest)


def test_install_sends_all_files_at_once_and_reads_back_what_is_in_force(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    assert [(to, sorted(files)) for to, files in guest.received] == [
        ("/opt/demo.tgz", ["builds/1.0/bin", "content/290", "demo.sh"])
    ]
    assert guest.commands == ["install 1.0 290", "status"]
    assert rig.proofs("version") == [{"build": "1.0", "content": "290"}]
    assert rig.proofs("healthy") == [{"ok": True, "message": ""}]
    assert rig.steps() == [("install", "start", ""), ("install", "end", "done")]


def test_an_install_script_that_fails_is_the_agents_failure_with_its_words(
    rig: Rig, guest: FakeGuest
) -> None:
    guest.breaks["install"] = "checking\nno space left for the sensor\n"
    with pytest.raises(
        AgentFailure, match=r"install of build 1\.0 \+ content 290 failed: exit code 1: no space left"
    ) as caught:
        rig.agent.install(BEFORE)
    assert isinstance(caught.value, AssertionError)
    assert (caught.value.command, caught.value.exit_code) == ("install 1.0 290", 1)
    assert "checking" in caught.value.output
    assert rig.steps()[-1] == ("install", "end", "failed")


def test_an_install_that_is_refused_is_proven_as_refused(rig: Rig, guest: FakeGuest) -> None:
    guest.refuses["290"] = "not mine"
    with pytest.raises(AgentFailure, match="refused: not mine"):
        rig.agent.install(BEFORE)
    assert rig.proofs("refused") == [{"build": "1.0", "content": "290", "message": "not mine"}]


def test_only_the_content_is_sent_when_only_the_content_differs(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    result = rig.agent.apply(NEW_CONTENT)
    assert (result.applied, result.refused, result.version) == (True, False, NEW_CONTENT)
    assert sorted(guest.received[-1][1]) == ["content/291"]
    assert guest.commands[2:] == ["status", "update-content 291", "status"]
    assert rig.proofs("version")[-1] == {"build": "1.0", "content": "291"}


def test_the_build_goes_before_the_content(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    assert rig.agent.apply(NEW_BOTH).applied
    assert [one for one in guest.commands if one.startswith("update")] == [
        "update-build 1.1",
        "update-content 291",
    ]
    assert sorted(guest.received[1][1]) == ["builds/1.1/bin", "demo.sh"]


def test_nothing_is_sent_when_nothing_differs(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    assert rig.agent.apply(BEFORE).applied
    assert len(guest.received) == 1


def test_a_refused_content_is_a_value_with_the_agents_words(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    guest.refuses["291"] = WORDS
    result = rig.agent.apply(NEW_BOTH)
    assert (result.applied, result.refused, result.message) == (False, True, WORDS)
    assert result.version == AgentVersion(build="1.1", content="290")
    assert rig.proofs("refused") == [{"build": "1.1", "content": "291", "message": WORDS}]
    assert rig.proofs("version")[-1] == {"build": "1.1", "content": "290"}
    assert rig.steps()[-1] == ("update", "end", "refused")


def test_an_update_that_claims_success_but_changes_nothing_is_found_out(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    guest.ignores_updates = True
    with pytest.raises(
        AgentFailure,
        match=r"agent has build 1\.0 \+ content 290 in force \(wanted build 1\.0 \+ content 291\)",
    ):
        rig.agent.apply(NEW_CONTENT)


def test_an_agent_that_is_down_after_an_update_fails_with_its_message(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    guest.running = False
    with pytest.raises(
        AgentFailure, match=r"not healthy with build 1\.0 \+ content 291: the service does not run"
    ):
        rig.agent.apply(NEW_CONTENT)
    assert rig.proofs("healthy")[-1] == {"ok": False, "message": "the service does not run"}


def test_an_unknown_version_is_refused_before_the_guest_is_touched(rig: Rig, guest: FakeGuest) -> None:
    with pytest.raises(ArtefactError):
        rig.agent.apply(AgentVersion(build="1.0", content="999"))
    assert guest.commands == []


def test_roll_back_reads_back_the_old_version(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    rig.agent.apply(NEW_BOTH)
    assert rig.agent.rollback(BEFORE).version == BEFORE
    assert "rollback 1.0 290" in guest.commands


def test_a_roll_back_that_rolls_nothing_back_is_found_out(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    rig.agent.apply(NEW_CONTENT)
    guest.ignores_updates = True
    with pytest.raises(AgentFailure, match=r"wanted build 1\.0 \+ content 290"):
        rig.agent.rollback(BEFORE)


def test_uninstall_returns_and_proves_what_was_left(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    guest.leaves = ("/proc/demo", "process 7")
    assert rig.agent.uninstall() == ["/proc/demo", "process 7"]
    assert rig.proofs("removed") == [{"leftovers": ["/proc/demo", "process 7"]}]


def test_exercise_counts_before_and_after_the_trigger(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    seen = rig.agent.exercise()
    assert (seen.before, seen.after, seen.moved) == (0, 1, True)
    assert guest.commands[-3:] == ["status", "probe", "status"]
    assert rig.proofs("exercised") == [{"before": 0, "after": 1, "trigger": "probe"}]


def test_a_counter_that_does_not_move_is_recorded_not_raised(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    guest.deaf = True
    assert not rig.agent.prove(BEFORE).moved
    assert rig.proofs("exercised") == [{"before": 0, "after": 0, "trigger": "probe"}]


def test_prove_asks_the_guest_as_little_as_it_can(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    asked = len(guest.commands)
    assert rig.agent.prove(BEFORE).moved
    assert guest.commands[asked:] == ["status", "probe", "status"]
    assert rig.proofs("exercised") == [{"before": 0, "after": 1, "trigger": "probe"}]


def test_a_counter_that_is_no_number_is_the_agents_failure(rig: Rig, guest: FakeGuest) -> None:
    guest.breaks["status"] = "gone"
    with pytest.raises(AgentFailure, match=r"counter 'matches' is '' \(wanted a number\)"):
        rig.agent.exercise()


def test_a_trigger_that_fails_is_the_agents_failure(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    guest.breaks["probe"] = "not found"
    with pytest.raises(AgentFailure, match="the trigger failed: exit code 1: not found"):
        rig.agent.exercise()


def test_prove_refuses_another_version(rig: Rig) -> None:
    rig.agent.install(BEFORE)
    with pytest.raises(AgentFailure, match=r"wanted build 1\.0 \+ content 291"):
        rig.agent.prove(NEW_CONTENT)


def test_health_is_waited_for_after_a_boot(
    tmp_path: Path, guest: FakeGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.agents.operations.LOOK_AGAIN_S", 0.0)
    directory = write_agent(tmp_path / "demo")
    rig = Rig(tmp_path, guest)
    text = (directory / "agent.yaml").read_text().replace("patience: 0s", "patience: 60s")
    write_agent(directory, text=text)
    patient = AgentUnderTest(
        guest,
        agents.load(directory),
        FakeImage(),
        rig.agent._store,
        rig.recorded.append,
        Stopwatch(),
        Timeouts(),
    )
    rig.agent.install(BEFORE)
    guest.unwell_for = 3
    patient.prove(BEFORE)
    assert all(values["ok"] for values in rig.proofs("healthy"))


def test_stopping_on_purpose_is_no_proof_of_illness(rig: Rig) -> None:
    rig.agent.install(BEFORE)
    rig.agent.stop()
    assert not rig.agent.health().ok
    assert all(values["ok"] for values in rig.proofs("healthy"))
    rig.agent.start()
    assert rig.agent.health().ok
    assert [step[0] for step in rig.steps()] == ["install", "install", "stop", "stop", "start", "start"]


def test_a_feature_is_switched_by_its_command(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.feature("log", on=True)
    rig.agent.feature("log", on=False)
    assert guest.commands == ["log on", "log off"]


def test_an_unknown_feature_is_named_with_the_closest(rig: Rig) -> None:
    with pytest.raises(InputError, match=r"unknown feature 'lgo' \(closest is 'log'\)"):
        rig.agent.feature("lgo", on=True)


def test_version_and_health_are_read_apart_when_their_commands_differ(
    tmp_path: Path, guest: FakeGuest
) -> None:
    rig = Rig(tmp_path, guest, version="version")
    rig.agent.install(BEFORE)
    assert guest.commands == ["install 1.0 290", "status", "version"]
    assert rig.proofs("version") == [{"build": "1.0", "content": "290"}]


def test_deadlines_grow_with_the_hosts_factor(tmp_path: Path, guest: FakeGuest) -> None:
    Rig(tmp_path, guest, factor=3.0).agent.install(BEFORE)
    assert guest.limits == [300.0, 180.0]


def test_a_command_that_hangs_is_the_agents_failure(rig: Rig, guest: FakeGuest) -> None:
    guest.hangs.add("install")
    with pytest.raises(AgentFailure, match=r"'install 1\.0 290' did not end in 100 s"):
        rig.agent.install(BEFORE)


def test_a_channel_that_dies_passes_through_and_is_no_verdict_on_the_agent(tmp_path: Path) -> None:
    class Dying(FakeGuest):
        def _update_content(self, content: str) -> tuple[int, str]:
            raise ChannelError(f"connection lost while {content} was loaded")

    rig = Rig(tmp_path, Dying())
    rig.agent.install(BEFORE)
    with pytest.raises(ChannelError):
        rig.agent.apply(NEW_CONTENT)
    assert rig.steps()[-1] == ("update", "end", "lost")
    assert rig.proofs("refused") == []


def test_a_scenario_that_is_ended_from_outside_leaves_an_ended_step(tmp_path: Path) -> None:
    class Interrupted(FakeGuest):
        def _update_content(self, content: str) -> tuple[int, str]:
            raise KeyboardInterrupt

    rig = Rig(tmp_path, Interrupted())
    rig.agent.install(BEFORE)
    with pytest.raises(KeyboardInterrupt):
        rig.agent.apply(NEW_CONTENT)
    assert rig.steps()[-1] == ("update", "end", "stopped")


def test_an_agent_that_saw_events_and_sees_none_any_more_went_blind(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    assert rig.agent.prove(BEFORE).moved
    guest.deaf = True
    with pytest.raises(AgentFailure, match="went blind: matches moved before, and stays at 1 now"):
        rig.agent.prove(BEFORE)
    assert [one["after"] for one in rig.proofs("exercised")] == [1, 1], "the recording has it too"


def test_a_switched_feature_makes_a_still_counter_no_blindness(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    assert rig.agent.prove(BEFORE).moved
    rig.agent.feature("log", on=False)
    guest.deaf = True
    assert not rig.agent.prove(BEFORE).moved


def test_a_feature_is_exercised_by_its_own_counter(rig: Rig) -> None:
    rig.agent.install(BEFORE)
    rig.agent.feature("watch", on=True)
    assert rig.agent.exercise_feature("watch").moved
    assert rig.proofs("exercised")[-1]["feature"] == "watch"
    details = [one.detail for one in rig.recorded if isinstance(one, Step) and one.name == "feature"]
    assert details[-1]["proof_wanted"] is True
    with pytest.raises(InputError, match="feature 'log' has no exercise"):
        rig.agent.exercise_feature("log")
    with pytest.raises(InputError, match="unknown feature 'wtach' \\(closest is 'watch'\\)"):
        rig.agent.exercise_feature("wtach")


def test_samples_are_what_the_manifest_names_and_no_number_is_none(rig: Rig) -> None:
    rig.agent.install(BEFORE)
    assert rig.agent.sample() == {"agent_rss_kib": 640.0, "agent_events": 0.0}
    assert rig.agent.limits == {"agent_handles": 100.0}
    assert rig.agent.counts_events == "agent_events"


def test_activity_runs_at_the_rate_of_a_normal_day_or_another(rig: Rig, guest: FakeGuest) -> None:
    rig.agent.install(BEFORE)
    assert rig.agent.keep_busy(3) == {"done": 15.0, "errors": 0.0}
    assert rig.agent.keep_busy(2, rate=20)["done"] == 40.0
    assert guest.commands[-1] == "busy 20 2"
    assert guest.limits[-1] == 62.0, "its own time and that of a command"


def test_activity_is_recorded_as_a_load_with_what_it_did(rig: Rig) -> None:
    rig.agent.install(BEFORE)
    rig.agent.keep_busy(3)
    start, end = (item for item in rig.recorded if isinstance(item, LoadMark))
    assert (start.phase, start.detail) == ("start", {"rate": "5", "for_s": 3})
    assert (end.phase, end.ops, end.errors) == ("end", 15, 0)


def test_activity_that_made_no_event_is_none(rig: Rig) -> None:
    rig.agent.install(BEFORE)
    with pytest.raises(AgentFailure, match="activity made no event"):
        rig.agent.keep_busy(0)


def test_a_foreign_content_is_offered_under_its_name_in_the_place_of_another(
    rig: Rig, guest: FakeGuest
) -> None:
    rig.agent.install(BEFORE)
    assert rig.agent.offer("cut-in-kind", b"short", like="290").taken
    assert guest.received[-1][1] == {"content/cut-in-kind": b"short"}
    assert guest.commands[-1] == "update-content cut-in-kind"
    guest.refuses["all-zero"] = "no magic"
    refused = rig.agent.offer("all-zero", bytes(9), like="290")
    assert (refused.taken, refused.message) == (False, "no magic")
    guest.breaks["update-content"] = "segfault"
    with pytest.raises(AgentFailure, match=r"'empty' was neither taken nor refused.*segfault"):
        rig.agent.offer("empty", b"", like="290")
