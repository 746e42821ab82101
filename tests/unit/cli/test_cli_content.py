"""`lab content mutate`: a list for people, files with an index for everybody else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lab.cli import invoke

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_mutations_are_listed_with_their_digests(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["content", "mutate", "demo-sensor", "292"]) == 0
    told = capsys.readouterr().out
    assert "field-more-value-mended" in told
    assert "number 21 (session), with a value" in told


def test_the_files_and_their_index_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["content", "mutate", "demo-sensor", "290", "--out", str(tmp_path), "--json", "--flips", "0"]
    assert invoke(words) == 0
    rows = json.loads(capsys.readouterr().out)
    index = json.loads((tmp_path / "mutations.json").read_text())
    assert (index["agent"], index["content"], index["mutations"]) == ("demo-sensor", "290", rows)
    assert {path.name for path in tmp_path.iterdir()} == {row["name"] for row in rows} | {"mutations.json"}
    for row in rows:
        data = (tmp_path / row["name"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (row["sha256"], row["bytes"])
    assert not [row for row in rows if row["kind"] == "flip"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo-sensor", "999"], "unknown content '999'"),
        (["demo-sensor", "zeros"], "content does not follow its format"),
        (["demo-sensr", "292"], "unknown agent 'demo-sensr' (closest is 'demo-sensor')"),
        (["demo-sensor", "292", "--family", "windows"], "nothing is said of windows"),
    ],
)
def test_what_cannot_be_mutated_says_why(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["content", "mutate", *words]) != 0
    assert said in capsys.readouterr().err
