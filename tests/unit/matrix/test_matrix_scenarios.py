"""Scenarios are found by reading their files; nothing in them runs."""

from pathlib import Path

import pytest

from lab.errors import ConfigError
from lab.matrix.scenarios import discover
from lab.model import Level, ScenarioInfo


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def writer(name: str, text: str) -> None:
        path = tmp_path / "scenarios" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return writer


def refusals(root: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        discover(root)
    return str(caught.value).splitlines()


def test_a_test_function_is_a_scenario_of_its_folders_level(write, tmp_path: Path) -> None:
    write(
        "product/test_updates.py",
        'def test_update_then_reboot(guest):\n    """Three times.\n\n    More."""\n',
    )
    assert discover(tmp_path) == {
        "update-then-reboot": ScenarioInfo(
            name="update-then-reboot",
            path="scenarios/product/test_updates.py",
            function="test_update_then_reboot",
            level=Level.PRODUCT,
            summary="Three times.",
        )
    }


def test_a_file_right_in_scenarios_tests_a_feature(write, tmp_path: Path) -> None:
    write("test_a.py", "def test_a(): ...\n")
    assert discover(tmp_path)["a"].level is Level.FEATURE


def test_a_lab_without_scenarios_has_none(tmp_path: Path) -> None:
    assert discover(tmp_path) == {}


def test_nothing_is_run_and_other_functions_are_no_scenarios(write, tmp_path: Path) -> None:
    write(
        "feature/test_a.py",
        "raise SystemExit\nimport nowhere\ndef helper(): ...\nclass Tools: ...\ndef test_a(): ...\n",
    )
    write("feature/other.py", "def test_b(): ...\n")
    assert list(discover(tmp_path)) == ["a"]


def test_a_scenario_that_measures_latency_says_so(write, tmp_path: Path) -> None:
    write(
        "feature/test_a.py",
        "import pytest\n@pytest.mark.scenario(latency_sensitive=True)\ndef test_a(): ...\n"
        "def test_b(): ...\n",
    )
    found = discover(tmp_path)
    assert [found[name].latency_sensitive for name in ("a", "b")] == [True, False]


def test_the_mark_of_the_function_wins_over_that_of_the_module(write, tmp_path: Path) -> None:
    write(
        "feature/test_a.py",
        "import pytest\n"
        'pytestmark = [pytest.mark.slow, pytest.mark.scenario(level="component", cold_boot=True)]\n'
        '@pytest.mark.scenario(level="production", name="soak-72h", count_loops=True)\n'
        "def test_soak(): ...\n"
        "def test_b(): ...\n",
    )
    found = discover(tmp_path)
    soak = found["soak-72h"]
    assert (soak.level, soak.count_loops, soak.cold_boot) == (Level.PRODUCTION, True, True)
    assert soak.function == "test_soak"
    assert (found["b"].level, found["b"].count_loops, found["b"].cold_boot) == (Level.COMPONENT, False, True)


def test_a_single_module_mark_needs_no_list(write, tmp_path: Path) -> None:
    write(
        "test_a.py",
        "from pytest import mark\npytestmark = mark.scenario(level='module')\ndef test_a(): ...\n",
    )
    assert discover(tmp_path)["a"].level is Level.MODULE


def test_duplicates_are_refused_with_both_places(write, tmp_path: Path) -> None:
    write("feature/test_a.py", "def test_x_y(): ...\n")
    write("module/test_b.py", "\ndef test_x_y(): ...\n")
    assert refusals(tmp_path) == [
        "scenarios/module/test_b.py:2:1: scenario 'x-y' is also at scenarios/feature/test_a.py:1:1"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def test_a(:\n", "test_a.py:1:12: is not Python: invalid syntax"),
        (
            "@pytest.mark.scenario(level=LEVEL)\ndef test_a(): ...",
            "test_a.py:1:29: scenario mark: level: wanted a quoted text, got LEVEL",
        ),
        (
            "@pytest.mark.scenario(count_loops=1)\ndef test_a(): ...",
            "test_a.py:1:35: scenario mark: count_loops: wanted True or False, got 1",
        ),
        (
            "@pytest.mark.scenario(levle='module')\ndef test_a(): ...",
            "test_a.py:1:29: scenario mark: unknown argument 'levle' (closest is 'level')",
        ),
        (
            "@pytest.mark.scenario(**marks)\ndef test_a(): ...",
            "test_a.py:1:25: scenario mark: unknown argument '**' (",
        ),
        (
            "@pytest.mark.scenario('module')\ndef test_a(): ...",
            "test_a.py:1:23: scenario mark: wanted named arguments only",
        ),
        (
            "@pytest.mark.scenario(level='modul')\ndef test_a(): ...",
            "test_a.py:2:1: scenario 'test_a' has no level: 'modul' is none (closest is 'module')",
        ),
        (
            "def test_é(): ...",
            "test_a.py:1:1: scenario name 'é' cannot be part of a cell id (wanted letters,",
        ),
        (
            "def test__a(): ...",
            "test_a.py:1:1: scenario name '-a' cannot be part of a cell id (wanted letters,",
        ),
        (
            "class TestA:\n    def test_a(self): ...",
            "test_a.py:1:1: class 'TestA' holds tests (scenarios are plain functions)",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(write, tmp_path: Path, text: str, message: str) -> None:
    write("feature/test_a.py", text)
    assert refusals(tmp_path)[0].startswith(f"scenarios/feature/{message}")


def test_a_folder_that_is_no_level_needs_a_mark(write, tmp_path: Path) -> None:
    write("misc/test_a.py", "def test_a(): ...\n")
    (message,) = refusals(tmp_path)
    assert message.startswith("scenarios/misc/test_a.py:1:1: scenario 'test_a' has no level: 'misc' is none")


def test_problems_of_all_files_are_told_together(write, tmp_path: Path) -> None:
    write("feature/test_a.py", "def (")
    write("feature/test_b.py", "class TestB:\n    def test_b(self): ...")
    assert len(refusals(tmp_path)) == 2


def test_a_file_that_is_not_text_is_told(write, tmp_path: Path) -> None:
    write("feature/test_a.py", "")
    (tmp_path / "scenarios/feature/test_a.py").write_bytes(b"x = 1\x00")
    assert refusals(tmp_path)[0].startswith("scenarios/feature/test_a.py:1:1: ")
