"""`lab detect` and `lab fault` as words in, text and exit codes out."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from lab.cli import invoke

CaptureText = pytest.CaptureFixture[str]

OOPS = """\
[    5.000001] BUG: kernel NULL pointer dereference, address: 0000000000000000
[    5.000002] #PF: supervisor read access in kernel mode
[    5.000003] Oops: 0000 [#1] PREEMPT SMP PTI
[    5.000005] RIP: 0010:demo_sensor_match+0x1c/0x60 [demo_sensor]
[    5.000006] Call Trace:
[    5.000008]  demo_sensor_write+0x44/0x90 [demo_sensor]
[    5.000009]  vfs_write+0xb2/0x3d0
[    5.000011] ---[ end trace 0000000000000000 ]---
"""
HEALTHY = "[    0.000000] Linux version 6.1.0 (builder@example) #1 SMP\n\ndebian login: \n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "crash.log").write_text(HEALTHY + OOPS)
    (tmp_path / "healthy.log").write_text(HEALTHY)
    return tmp_path


def test_a_log_with_a_crash_ends_with_exit_code_1_and_its_title(logs: Path, capsys: CaptureText) -> None:
    assert invoke(["detect", str(logs / "crash.log")]) == 1
    said = capsys.readouterr().out
    assert "crash.log: crash" in said
    assert "in demo_sensor_match" in said
    assert "means: " in said


def test_a_healthy_log_ends_with_exit_code_0_and_says_so(logs: Path, capsys: CaptureText) -> None:
    assert invoke(["detect", str(logs / "healthy.log")]) == 0
    assert "1 healthy" in capsys.readouterr().out


def test_a_folder_is_summed_up(logs: Path, capsys: CaptureText) -> None:
    (logs / "core.bin").write_bytes(bytes(range(256)) * 4)
    assert invoke(["detect", str(logs)]) == 1
    assert "3 files: 1 crash, 1 healthy, 1 not examined" in capsys.readouterr().out


def test_standard_input_is_examined(monkeypatch: pytest.MonkeyPatch, capsys: CaptureText) -> None:
    class Input:
        buffer = io.BytesIO(OOPS.encode())

    monkeypatch.setattr(sys, "stdin", Input())
    assert invoke(["detect", "-"]) == 1
    assert capsys.readouterr().out.startswith("standard input: crash")


def test_json_holds_every_finding_with_title_place_and_meaning(logs: Path, capsys: CaptureText) -> None:
    assert invoke(["detect", "--json", str(logs / "crash.log")]) == 1
    document = json.loads(capsys.readouterr().out)
    (examined,) = document["examined"]
    assert (document["schema_version"], examined["outcome"], examined["fatal"]) == (1, "crash", True)
    (finding,) = examined["findings"]
    assert finding["function"] == "demo_sensor_match"
    assert finding["module"] == "demo_sensor"
    assert finding["evidence"][0]["end"] > finding["evidence"][0]["start"] > 0
    assert finding["meaning"]


def test_a_named_file_that_cannot_be_examined_is_exit_code_2(tmp_path: Path, capsys: CaptureText) -> None:
    (tmp_path / "what.bin").write_bytes(bytes(range(256)) * 4)
    assert invoke(["detect", str(tmp_path / "what.bin")]) == 2
    said = capsys.readouterr().err
    assert "neither text nor a picture nor a dump" in said
    assert "hint: " in said


def test_a_crash_outweighs_a_file_that_cannot_be_read(logs: Path) -> None:
    (logs / "what.bin").write_bytes(bytes(range(256)) * 4)
    assert invoke(["detect", str(logs / "what.bin"), str(logs / "crash.log")]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to examine"),
        (["nowhere.log"], "nowhere.log: no such file"),
        (["--evaluate", ".", "x.log"], "--evaluate takes one folder"),
        (["--evaluate", "nowhere"], "nowhere: not a directory"),
    ],
)
def test_wrong_words_are_said_with_exit_code_2(words: list[str], message: str, capsys: CaptureText) -> None:
    assert invoke(["detect", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_corpus_is_scored(logs: Path, capsys: CaptureText) -> None:
    rows = ["file\tlabel\tverdict\tfatal", "crash.log\toops\tcrash\tY", "healthy.log\thealthy\thealthy\tN"]
    (logs / "index.tsv").write_text("\n".join(rows) + "\n")
    assert invoke(["detect", "--evaluate", str(logs), "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    assert "serial: 2 cases" in said
    assert "2/2 (100.0 %)" in said
    assert invoke(["detect", "--evaluate", str(logs), "--jobs", "1", "--json"]) == 0
    (score,) = json.loads(capsys.readouterr().out)
    assert score["shares"]["verdict"] == {"hits": 2, "cases": 2, "value": 1.0}


@pytest.mark.parametrize(
    "words",
    [
        "0x7E",
        "7e",
        "0x0000007e",
        "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
        "system thread exception not handled",
    ],
)
def test_a_fault_is_explained_by_code_or_name_in_any_spelling(words: str, capsys: CaptureText) -> None:
    assert invoke(["fault", *words.split()]) == 0
    said = capsys.readouterr().out
    assert said.startswith("SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)")
    for title in ("means: ", "parameter 1: ", "check: ", "to bring it about: ", "sources: "):
        assert title in said


def test_a_misread_name_still_finds_the_fault(capsys: CaptureText) -> None:
    assert invoke(["fault", "CR1TICAL PR0CESS DIED"]) == 0
    assert "CRITICAL_PROCESS_DIED (0xEF)" in capsys.readouterr().out


def test_an_unknown_fault_is_exit_code_2_with_examples(capsys: CaptureText) -> None:
    assert invoke(["fault", "zzqqxx"]) == 2
    assert "hint: lab fault 0x7E" in capsys.readouterr().err


def test_a_fault_as_json_has_its_score_and_sources(capsys: CaptureText) -> None:
    assert invoke(["fault", "0xEF", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["code"], first["name"]) == ("0xEF", "CRITICAL_PROCESS_DIED")
    assert first["sources"]["name"]
