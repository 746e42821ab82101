"""Broken inputs without guests: each has its message, its hint, its exit code, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporary_lab import Answer, TemporaryLab

from lab import proc
from lab.cli import invoke
from lab.images.built import BuiltImage
from lab.running.lock import orchestrator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

Capture = pytest.CaptureFixture[str]


def refused(answer: Answer, code: int, *words: str) -> None:
    """The command failed with `code`, said all of `words` on stderr, and showed no traceback."""
    assert answer.code == code, answer
    assert any(line.startswith("lab: error: ") for line in answer.err.splitlines()), answer
    assert "Traceback" not in answer.err, answer
    for word in words:
        assert word in answer.err, answer


def invoked(lab: TemporaryLab, capsys: Capture, *words: str) -> Answer:
    """The command line in this process; only for what fails before a host is looked at."""
    code = invoke([*words, "--config", str(lab.root / "lab.yaml")])
    said = capsys.readouterr()
    return Answer(code, said.out, said.err)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) >= 1, text
    path.write_text(text.replace(old, new, 1))


def no_run(lab: TemporaryLab) -> bool:
    """No run directory was begun."""
    return not any((lab.root / "reports").glob("*"))


# -- lab.yaml ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("matrix:", "matrx:", r"lab\.yaml:\d+:1: matrx: unknown key 'matrx' \(closest is 'matrix'\)"),
        ("vcpus: 1", "vcpus: many",
         r"lab\.yaml:\d+:12: profiles\.small\.vcpus: wanted a whole number, got 'many'"),
        ("memory: 256MiB", "memory: 256", r"lab\.yaml:\d+:13: profiles\.small\.memory: .*got '256'"),
        ("agent: demo-sensor", "agent: demo-sensor\nagent: other",
         r"lab\.yaml:3:1: duplicate key 'agent' \(first in line 2\)"),
        ("  images:", "  images: [", r"lab\.yaml:\d+:\d+: not YAML: "),
    ],
    ids=["unknown key", "wrong type", "value without unit", "duplicate key", "not YAML"],
)  # fmt: skip
def test_a_mistake_in_lab_yaml_is_pointed_at(
    lab: TemporaryLab, capsys: Capture, old: str, new: str, said: str
) -> None:
    edit(lab.root / "lab.yaml", old, new)
    for command in ("plan", "run"):
        answer = invoked(lab, capsys, command)
        refused(answer, 2)
        assert re.search(said, answer.err), answer
    assert no_run(lab)


def test_every_mistake_is_told_at_once(lab: TemporaryLab, capsys: Capture) -> None:
    edit(lab.root / "lab.yaml", "vcpus: 1", "vcpus: many")
    edit(lab.root / "lab.yaml", "agent: demo-sensor", "agent: demo-sensor\ncolour: green")
    answer = invoked(lab, capsys, "plan")
    refused(answer, 2, "colour", "profiles.small.vcpus")
    assert answer.err.count("lab: error: ") == 2


def test_a_missing_lab_yaml_is_named(tmp_path: Path, capsys: Capture) -> None:
    assert invoke(["plan", "-c", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml: cannot be read: no such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["content", "build=1.1,colour=green", "content=29 1"])
def test_a_candidate_that_cannot_be_read_is_refused(lab: TemporaryLab, capsys: Capture, text: str) -> None:
    answer = invoked(lab, capsys, "run", "--candidate", text)
    refused(answer, 2, "candidate")
    assert no_run(lab)


# -- what lab.yaml names ---------------------------------------------------------


def test_an_image_that_no_catalogue_has_is_pointed_at_with_the_closest(lab: TemporaryLab) -> None:
    lab.write(matrix={"images": ["tyni"], "profiles": ["small"], "scenarios": ["content-update"]})
    answer = lab("run")
    refused(answer, 2, "lab.yaml:", "tyni", "closest is 'tiny'")
    assert no_run(lab)


def test_a_scenario_that_is_nowhere_is_pointed_at(lab: TemporaryLab) -> None:
    lab.write(matrix={"images": ["tiny"], "profiles": ["small"], "scenarios": ["content-updat"]})
    refused(lab("plan"), 2, "lab.yaml:", "content-updat", "closest is 'content-update'")


def test_a_selection_that_matches_nothing_has_its_own_exit_code_and_a_hint(lab: TemporaryLab) -> None:
    answer = lab("run", "-k", "win12*")
    refused(answer, 3, "selection 'win12*' matches none of 2 cells", "hint: ")
    assert no_run(lab)
    assert lab.left_behind() == []


def test_a_selection_that_is_no_expression_is_bad_input(lab: TemporaryLab) -> None:
    refused(lab("plan", "-k", "tiny and ("), 2, "selection")


def test_an_agent_without_a_folder_is_named(lab: TemporaryLab) -> None:
    lab.write(agent="other-sensor")
    answer = lab("run")
    refused(answer, 2, "other-sensor")
    assert no_run(lab)


# -- artefacts -------------------------------------------------------------------


def test_a_missing_content_file_is_found_before_a_guest_is_started(lab: TemporaryLab) -> None:
    (lab.root / "agents/demo-sensor/content/291.content").unlink()
    answer = lab("run")
    refused(answer, 2, "content/291.content: cannot be read: No such file or directory", "hint: ")
    assert no_run(lab)


def test_an_artefact_with_another_digest_is_found_before_a_guest_is_started(lab: TemporaryLab) -> None:
    path = lab.root / "agents/demo-sensor/content/291.content"
    path.write_bytes(path.read_bytes() + b"\0")
    answer = lab("run")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    refused(answer, 2, f"content/291.content: sha256 is {found}, agent.yaml says a202175c", "hint: ")
    assert no_run(lab)


def test_a_content_that_agent_yaml_does_not_know_is_refused_with_the_known_ones(lab: TemporaryLab) -> None:
    answer = lab("run", "--candidate", "content=299")
    refused(answer, 2, "agent 'demo-sensor': unknown content '299'", "289, 290, 291, 292")
    assert no_run(lab)


# -- images ----------------------------------------------------------------------


@pytest.fixture
def own_disk(lab: TemporaryLab) -> tuple[Path, Callable[..., None]]:
    """A small qcow2 in the lab, and a function that writes its recipe; the lab has a cache of its own."""
    path = lab.root / "mine.qcow2"
    proc.checked(["qemu-img", "create", "-q", "-f", "qcow2", path, "64M"], timeout_s=30, what="disk")
    proc.checked(["qemu-io", "-c", "write 0 8M", path], timeout_s=30, what="disk")
    lab.places = type(lab.places)(
        cache=lab.root / "cache", state=lab.places.state, runtime=lab.places.runtime
    )

    def describe(**changes: Any) -> None:
        recipe = {
            "kind": "disk",
            "summary": "a disk of the user",
            "release": "Mine 1",
            "path": str(path),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        lab.add_image("mine", recipe | changes)
        matrix = {"images": ["mine"], "profiles": ["small"], "scenarios": ["content-update"]}
        lab.write(agent="plain-agent", matrix=matrix)

    shutil.copytree(Path(__file__).parent / "plain_agent", lab.root / "agents/plain-agent")
    return path, describe


def test_a_users_disk_with_another_digest_is_refused(
    lab: TemporaryLab, own_disk: tuple[Path, Callable[..., None]]
) -> None:
    path, describe = own_disk
    describe(sha256="0" * 64)
    refused(
        lab("image", "build", "mine"), 2,
        f"{path}: sha256 is", f"(its recipe says {'0' * 64})", "hint: bring the right file",
    )  # fmt: skip
    assert not list((lab.places.cache / "images/mine").glob("*"))


def test_a_run_on_a_disk_with_another_digest_boots_nothing_and_says_why(
    lab: TemporaryLab, own_disk: tuple[Path, Callable[..., None]]
) -> None:
    _, describe = own_disk
    describe(sha256="0" * 64)
    answer = lab("run")
    assert answer.code == 4, answer
    assert re.search("image mine: failed: .*mine.qcow2: sha256 is", answer.err), answer
    report = lab.report()
    assert report["answer"]["exit_code"] == 4
    assert "could not be made" in json.dumps(report["not_tested"])
    assert lab.left_behind() == []


def test_an_agent_that_is_compiled_cannot_run_on_a_users_disk_and_the_plan_says_so(
    lab: TemporaryLab, own_disk: tuple[Path, Callable[..., None]]
) -> None:
    _, describe = own_disk
    describe()
    lab.write(matrix={"images": ["mine"], "profiles": ["small"], "scenarios": ["content-update"]})
    answer = lab("plan")
    assert (answer.code, "a disk image has no SDK" in answer.out) == (0, True), answer
    refused(lab("run"), 3, "none of the 2 cells of the plan can run", "a disk image has no SDK", "hint:")
    assert no_run(lab)


def test_a_truncated_qcow2_is_recognised_without_booting_it(
    lab: TemporaryLab, own_disk: tuple[Path, Callable[..., None]]
) -> None:
    path, describe = own_disk
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)
    describe()
    refused(lab("image", "build", "mine"), 2, f"{path}: truncated")


def test_a_built_image_that_was_truncated_later_is_recognised(
    lab: TemporaryLab, own_disk: tuple[Path, Callable[..., None]]
) -> None:
    path, describe = own_disk
    describe()
    assert lab("image", "build", "mine").code == 0
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)
    refused(lab("image", "verify", "mine"), 2, "mine", "truncated")


def test_a_disk_that_is_not_there_leaves_its_cells_out_with_the_reason(
    lab: TemporaryLab, own_disk: tuple[Path, Callable[..., None]]
) -> None:
    path, describe = own_disk
    describe()
    path.unlink()
    answer = lab("plan")
    assert "mine.qcow2: no such file" in answer.out + answer.err, answer


def test_an_image_recipe_with_an_unknown_kind_is_pointed_at(lab: TemporaryLab) -> None:
    lab.add_image("odd", {"kind": "debain", "summary": "x", "release": "x", "suite": "sid"})
    refused(
        lab("image", "list"),
        2,
        "images/odd.yaml:1:1: ",
        "wanted 'kind' to be one of 'debian', 'tiny', 'disk'",
    )


# -- hosts -----------------------------------------------------------------------


def test_a_host_that_cannot_be_reached_ends_a_run_with_a_hint(lab: TemporaryLab) -> None:
    lab.write(hosts=[{"name": "far", "uri": "qemu+ssh://127.0.0.1:1/system"}])
    answer = lab("run")
    refused(answer, 4, "no host can run guests: libvirt host 'qemu+ssh://127.0.0.1:1/system'", "hint: ")
    assert no_run(lab)


def test_the_doctor_shows_the_host_that_cannot_be_reached_and_the_one_that_can(lab: TemporaryLab) -> None:
    far = {"name": "far", "uri": "qemu:///nonexistent"}
    lab.write(hosts=[{"name": "here"}, far])
    answer = lab("doctor", "--remembered")
    assert answer.code == 4, answer
    assert "far: libvirt host 'qemu:///nonexistent' cannot be reached" in answer.out
    listed = json.loads(lab("doctor", "--remembered", "--json").out)
    assert [host["name"] for host in listed] == ["here", "far"]
    assert listed[0]["acceleration"]["accelerator"] in ("tcg", "kvm")
    assert [any(problem["fatal"] for problem in host["problems"]) for host in listed] == [False, True]


@pytest.mark.skipif(os.geteuid() != 0, reason="hiding QEMU takes a mount namespace, and that root")
def test_without_qemu_the_package_is_named(lab: TemporaryLab) -> None:
    answer = _without(lab, "qemu-system-x86_64", "run")
    refused(answer, 4, "no host can run guests", "apt-get install qemu-system-x86")
    assert no_run(lab)


def _without(lab: TemporaryLab, program: str, *words: str) -> Answer:
    """The command in a mount namespace whose /usr/bin has everything but `program`."""
    real, shown = lab.root / "real-bin", lab.root / "bin"
    real.mkdir()
    shown.mkdir()
    for path in Path("/usr/bin").iterdir():
        if path.name != program:
            (shown / path.name).symlink_to(real / path.name)
    script = 'mount --bind /usr/bin "$1" && mount --bind "$2" /usr/bin && shift 2 && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", real, shown, *lab.argv(*words)]
    done = proc.run(argv, timeout_s=60, env=lab.environment(), cwd=lab.root)
    return Answer(done.exit_code, done.stdout.decode(), done.stderr.decode())


# -- state and runs --------------------------------------------------------------


def test_a_second_orchestrator_on_the_same_state_is_refused_by_name(lab: TemporaryLab) -> None:
    with orchestrator(lab.places, "a lab run"):
        answer = lab("run")
        refused(
            answer, 4, "state directory", f"is used by a lab run (pid {os.getpid()})", "hint: wait for it"
        )
    assert no_run(lab)


def test_a_state_directory_is_free_again_when_its_orchestrator_is_gone(lab: TemporaryLab) -> None:
    with orchestrator(lab.places, "a lab run"):
        pass
    with orchestrator(lab.places, "another"):
        assert "another" in (lab.places.state / "orchestrator.lock").read_text()


@pytest.mark.parametrize("command", ["gate", "judge"])
def test_a_verdict_without_any_run_is_refused(lab: TemporaryLab, capsys: Capture, command: str) -> None:
    answer = invoked(lab, capsys, command, "latest")
    refused(answer, 2, "run 'latest' is not in", "the newest are: none yet")


def test_a_run_that_is_not_there_is_refused_with_those_that_are(lab: TemporaryLab, capsys: Capture) -> None:
    _fake_run(lab, "20260101-000000-aaaa")
    answer = invoked(lab, capsys, "judge", "2027")
    refused(answer, 2, "run '2027' is not in", "20260101-000000-aaaa")


def test_a_start_of_an_id_that_fits_two_runs_is_refused(lab: TemporaryLab, capsys: Capture) -> None:
    for name in ("20260101-000000-aaaa", "20260101-000000-bbbb"):
        _fake_run(lab, name)
    answer = invoked(lab, capsys, "judge", "20260101")
    refused(answer, 2, "run '20260101' fits 2 runs", "aaaa", "bbbb")


def test_repro_of_an_unknown_cell_names_the_closest(lab: TemporaryLab, capsys: Capture) -> None:
    run = _fake_run(lab, "20260101-000000-aaaa")
    cell = _planned_cell(lab)
    (run / "plan.json").write_text(json.dumps({"cells": [cell], "omitted": [], "bill": None}))
    answer = invoked(lab, capsys, "repro", "20260101", "tiny_small_content-updat_candidate")
    refused(answer, 2, "cell 'tiny_small_content-updat_candidate' was not run in 20260101-000000-aaaa")
    assert "closest is 'tiny_small_content-update_candidate'" in answer.err


def _planned_cell(lab: TemporaryLab) -> dict[str, Any]:
    plan = json.loads(lab("plan", "--json").out)
    found: dict[str, Any] = next(cell for cell in plan["cells"] if cell["arm"] == "candidate")
    return found


def _fake_run(lab: TemporaryLab, name: str) -> Path:
    path = lab.root / "reports" / name
    path.mkdir(parents=True)
    (path / "run.json").write_text(json.dumps({"id": name, "gate": {}}))
    return path


@pytest.mark.parametrize("command", ["console", "screenshot"])
def test_a_machine_that_is_not_there_is_refused(lab: TemporaryLab, capsys: Capture, command: str) -> None:
    answer = invoked(lab, capsys, command, "deadbeef")
    refused(answer, 2, "machine 'deadbeef' fits 0 of 0 machines", "none is running")


# -- places ----------------------------------------------------------------------


def test_a_run_time_directory_that_is_too_long_for_sockets_is_refused(
    lab: TemporaryLab, tiny_image: BuiltImage
) -> None:
    long = lab.root / ("run-" + "x" * 60)
    data = yaml.safe_load((lab.root / "lab.yaml").read_text())
    data["places"]["runtime"] = str(long)
    (lab.root / "lab.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    answer = lab("run")
    refused(answer, 2, "run-time directory", "is too long (at most 50 bytes", "hint: set LAB_HOME")
    assert tiny_image.disk.exists()
    shutil.rmtree(long, ignore_errors=True)
