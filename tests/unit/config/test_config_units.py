"""Units are written, and nothing is guessed without one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.config.units import duration_s, duration_text, path_text, size_mib, size_text


@pytest.mark.parametrize(
    ("text", "mib"), [("512MiB", 512), ("2GiB", 2048), ("1TiB", 1024**2), ("2048KiB", 2)]
)
def test_sizes_are_whole_mib(text: str, mib: int) -> None:
    assert size_mib(text) == mib


@pytest.mark.parametrize(
    "text", ["512", "512MB", "512 MiB", "1.5GiB", "-1MiB", "0MiB", "1KiB", "", None, True, 5]
)
def test_sizes_without_a_binary_unit_or_a_whole_mib_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="wanted a size"):
        size_mib(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("15m", 900.0), ("72h", 259200.0), ("1h30m", 5400.0), ("250ms", 0.25), ("1.5h", 5400.0)],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["90", "", "s", "1 h", "-5s", "5sec", "1h 30m", None, 5, True, "٣s"])
def test_durations_without_a_unit_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="wanted a duration"):
        duration_s(text)


@given(st.integers(1, 10**9 - 1))
def test_a_size_reads_back_as_it_was_written(mib: int) -> None:
    assert size_mib(size_text(mib)) == mib


@given(st.integers(1, 10**6))
def test_whole_seconds_read_back_as_they_were_written(seconds: int) -> None:
    assert duration_s(duration_text(float(seconds))) == seconds


def test_durations_for_people_are_short() -> None:
    assert [duration_text(s) for s in (0, 0.25, 42.4, 3600, 3661)] == ["0s", "250ms", "42s", "1h", "1h1m1s"]


@pytest.mark.parametrize("text", ["a\0b", "x" * 256, "a/" + "é" * 128, "~nobody-of-that-name/x"])
def test_what_no_file_can_be_called_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="wanted a path"):
        path_text(text)


@pytest.mark.parametrize("text", ["reports", "/srv/läb spaced/r", "~/r", "../r", "a/" * 20 + "b"])
def test_paths_stay_as_they_were_written(text: str) -> None:
    assert path_text(text) == text
